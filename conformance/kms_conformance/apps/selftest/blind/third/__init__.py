"""The third blind set."""
