"""The self-test: runs the suite against faulty emulators, conforming variants, and endpoints that are no KMS."""
