"""Tests whether a KMS endpoint follows the vendor's documented key-deletion lifecycle."""

__version__ = "0.1.0"
