"""Verdicts: decided from the results of checks and from waivers, per requirement and per target."""
