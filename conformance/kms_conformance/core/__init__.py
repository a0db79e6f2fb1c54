"""What every package rests on: time, randomness, files, errors, text and the specs."""
