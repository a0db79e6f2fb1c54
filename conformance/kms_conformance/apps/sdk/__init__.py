"""Vendors' SDK clients: runs the key lifecycle through them and separates faults of target and client."""
