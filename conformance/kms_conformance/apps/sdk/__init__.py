"""Vendors' SDK clients: runs the key lifecycle through them and tells faults of the target from faults of a client."""
