"""Certificates: a run's results sealed with all that it exchanged, and judged again by that alone."""
