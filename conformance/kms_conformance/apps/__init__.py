"""Features beyond a plain run: certificates, replay, comparison of two targets, vendors' SDK clients, self-test.

Each feature is a package of its own; none of these packages imports another one.
"""
