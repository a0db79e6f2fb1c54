"""Applications of a run: certificates, replay, differential, vendors' clients, self-test. None knows another."""
