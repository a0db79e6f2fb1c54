"""Certificates: results of a run sealed with all its exchanges, and verified by judging these exchanges again."""
