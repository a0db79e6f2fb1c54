"""The tests on trial: every change that a mutation tool makes to what decides must make one of them fail."""
