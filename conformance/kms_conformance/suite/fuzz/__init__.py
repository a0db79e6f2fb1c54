"""Fuzzing: requests generated from each operation's API description and from the links between operations."""
