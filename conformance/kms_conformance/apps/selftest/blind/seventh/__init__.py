"""The seventh blind set: faults of the whole lifecycle, each of a kind that an implementation can have."""
