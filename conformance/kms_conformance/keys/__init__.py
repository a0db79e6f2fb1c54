"""Keys of ours, and keys of others: read, proved ours, prepared, watched and let go."""
