"""Shared basics: time, randomness, files, signals, errors, text, and the specs folder."""
