"""Benchmarks and comparisons with other tools; not part of the installed package."""
