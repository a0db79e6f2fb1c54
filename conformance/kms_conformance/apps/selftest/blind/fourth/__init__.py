"""The fourth blind set."""
