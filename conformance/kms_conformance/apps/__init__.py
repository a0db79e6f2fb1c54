"""What is made of runs: certificates, replay, comparison, vendors' clients, and the self-test. None knows another."""
