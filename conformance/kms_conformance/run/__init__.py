"""A run as a pytest session: the plan of checks, one item per check and target, workers, shards."""
