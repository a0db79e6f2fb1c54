"""Mutation tests: every change of the deciding modules by mutmut must make a unit test fail."""
