"""Turns spec files into the objects that the suite works with."""
