"""Comparisons with other tools; no part of the package, and nothing that the suite needs."""
