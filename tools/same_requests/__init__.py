"""Compares two versions of the suite: with one seed, both must send the same requests and give the same verdicts."""
