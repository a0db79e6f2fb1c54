"""Scripts that reproduce one failure alone: Python's standard library signs, asks, compares and gives the keys back."""

from kms_conformance.apps.replay.script.write import script

__all__ = ["script"]
