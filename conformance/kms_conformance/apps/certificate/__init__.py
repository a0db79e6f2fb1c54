"""Certificates: seals the results of a run with all its exchanges, and verifies them by judging these exchanges again.

To seal is to pack results and exchanges into one archive with a digest of each part, signed if a key is given.
"""
