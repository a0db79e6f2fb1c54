"""The specs as immutable objects: operations, profiles, requirements."""
