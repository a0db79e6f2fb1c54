"""Keys on a target: the suite creates and schedules its own keys, and only reads the keys of others."""
