"""Keys: ours are created, prepared and given back; those of others are watched."""
