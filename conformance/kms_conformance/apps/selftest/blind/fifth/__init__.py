"""The fifth blind set: faults and variants."""
