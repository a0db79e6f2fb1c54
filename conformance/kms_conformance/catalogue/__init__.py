"""The specs as frozen objects: operations, profiles, requirements."""
