"""The first blind set."""
