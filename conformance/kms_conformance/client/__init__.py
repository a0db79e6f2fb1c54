"""One target: the gate before each request, the ledger of keys, the judge of each reply, the oracle."""
