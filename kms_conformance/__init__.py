"""The way in: a name that no folder of the caller's project has, before anything called `conformance` is imported."""
