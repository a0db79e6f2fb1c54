"""The variants of the sixth blind set, one file for each kind of difference."""
