"""A mistake of the user, as every command tells it: what happened, why, what to do next; never a traceback."""

from __future__ import annotations

from typing import ClassVar

from kms_conformance.core.lengths import shortened

_MOST_LINES = 100


class UserMistake(Exception):  # noqa: N818 - what it is, not what raises it
    """The base of all errors whose text is meant for the user, and ends a command with `exit_code`."""

    exit_code: ClassVar[int] = 2

    @property
    def told(self) -> str:
        """Its text, as long as a terminal can have it: it may quote a file that somebody else made."""
        lines = str(self).splitlines()
        more = [f"and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
        return "\n".join([*map(shortened, lines[:_MOST_LINES]), *more])
