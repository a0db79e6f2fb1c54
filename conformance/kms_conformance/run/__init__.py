"""Runs under pytest: one item per check and target, and what becomes of each."""
