"""Values for mutmut's results: mutants and their changes."""

from __future__ import annotations

from dataclasses import dataclass

#: A mutant that hangs or crashes Python counts as detected.
KILLED = frozenset({"killed", "timeout", "segfault"})
SURVIVED = frozenset({"survived", "no tests"})


@dataclass(frozen=True)
class Change:
    """One change of one function: removed and added lines, stripped. It has no line numbers, which may change."""

    function: str
    was: str
    now: str


@dataclass(frozen=True)
class Mutant:
    """A mutant by mutmut's name; `module` is a path. Only survivors have a `change`."""

    name: str
    module: str
    status: str
    change: Change | None = None

    @property
    def killed(self) -> bool:
        return self.status in KILLED

    @property
    def decided(self) -> bool:
        """Whether the run finished this mutant."""
        return self.status in KILLED | SURVIVED
