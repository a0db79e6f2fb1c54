"""The second blind set."""
