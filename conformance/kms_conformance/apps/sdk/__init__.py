"""Vendors' SDK clients: runs the key lifecycle through each client; a fault is of the target or of the client.

A client is a vendor's Python package; an adapter (`Driver`) gives all clients the same methods. A known trap is a fault
of a client that shows on conforming replies.
"""
