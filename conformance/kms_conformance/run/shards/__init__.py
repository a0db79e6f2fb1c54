"""Which part of the checks a shard runs, the same wherever it is worked out."""
