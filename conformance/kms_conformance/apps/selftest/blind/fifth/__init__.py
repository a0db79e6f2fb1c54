"""The fifth blind set."""
