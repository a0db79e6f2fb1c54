"""A mutant, and the change that it is: what the mutation tool's findings are told in."""

from __future__ import annotations

from dataclasses import dataclass

#: A mutant that hangs or crashes Python would be seen as surely as one that fails a test.
KILLED = frozenset({"killed", "timeout", "segfault"})
SURVIVED = frozenset({"survived", "no tests"})


@dataclass(frozen=True)
class Change:
    """One change to one function: the lines that were taken out and put in, stripped. It outlives moves of lines."""

    function: str
    was: str
    now: str


@dataclass(frozen=True)
class Mutant:
    """`name` is mutmut's, `module` a path; of a survivor, `change` tells what nobody noticed."""

    name: str
    module: str
    status: str
    change: Change | None = None

    @property
    def killed(self) -> bool:
        return self.status in KILLED

    @property
    def decided(self) -> bool:
        """Whether the run came to an end with this mutant."""
        return self.status in KILLED | SURVIVED
