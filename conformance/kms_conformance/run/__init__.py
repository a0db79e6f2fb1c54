"""A pytest session: the plan of checks, one item per check and target, workers and shards."""
