"""Shards: a run whose checks are divided among several processes or machines, and the merge of their results."""
