"""Applications of a run: certificates, replay, differential testing, vendors' clients, self-test. None knows another."""
