"""Keys on a target: those of this suite are created, prepared and scheduled; those of others are only read."""
