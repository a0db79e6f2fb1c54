"""Recordings of exchanges without their secrets, and their playback."""
