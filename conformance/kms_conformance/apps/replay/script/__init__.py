"""Scripts that reproduce one failure alone: they sign, ask, compare and give the keys back."""

from kms_conformance.apps.replay.script.shell import shell_script
from kms_conformance.apps.replay.script.write import script

__all__ = ["script", "shell_script"]
