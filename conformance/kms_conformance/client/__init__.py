"""The client of one target: gate before each request, ledger of keys, judgement of each reply, oracle of key states."""
