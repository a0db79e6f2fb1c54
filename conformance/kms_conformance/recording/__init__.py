"""Recordings of a run: exchanges without secrets, written during the run and played back to judge it again."""
