"""One endpoint, signed in: requests pass the gate, replies are judged, and keys are written to the ledger first."""
