"""Secrets in exchanges: what they are, where they stand, how they are found, and what replaces them."""
