"""The sixth blind set: faults after reports of users of real key management services and emulators."""
