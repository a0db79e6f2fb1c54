"""The HTML page of a run, and the values on it."""
