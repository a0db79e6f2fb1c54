"""The harness on trial: runs of the suite against emulators that are wrong on purpose, or right in another way."""
