"""A mistake of the user, as every command tells it: what happened, why, what to do next; never a traceback."""

from __future__ import annotations

from typing import ClassVar


class UserMistake(Exception):  # noqa: N818 - what it is, not what raises it
    """The base of all errors whose text is meant for the user, and ends a command with `exit_code`."""

    exit_code: ClassVar[int] = 2
