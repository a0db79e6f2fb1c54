"""A server of the user whose clock can be moved: all of its time, by libfaketime, at a URL."""
