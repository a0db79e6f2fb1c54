"""Vendors' SDK clients: runs the key lifecycle through each client, and tells faults of the target from its faults.

A client is a vendor's Python package; an adapter (`Driver`) gives all clients the same methods. A known trap is a fault
of a client that shows on conforming replies.
"""
