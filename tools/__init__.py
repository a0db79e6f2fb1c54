"""What developers run on this repository; nothing of it is shipped."""
