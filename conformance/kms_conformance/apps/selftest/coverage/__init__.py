"""What a run asks of what the specs allow to ask: derived from the specs, and tallied in a real run."""
