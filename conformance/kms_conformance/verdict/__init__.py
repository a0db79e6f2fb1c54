"""Verdicts: the meaning of results and waivers, per requirement and target."""
