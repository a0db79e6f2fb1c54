"""`${NAME}` in a target file: its value comes from the environment, and is remembered as one that must not be shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from kms_conformance.target.errors import Problem

# `$${` stands for `${` itself; `${` that no name and brace follow is a mistake, and not text.
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Variables:
    """Fills variables in, and notes which were used (name to value), at which keys, and which keys stay unfilled."""

    used: dict[str, str] = field(default_factory=dict)
    places: dict[str, set[str]] = field(default_factory=dict)
    unfilled: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def fill(self, text: str, where: str) -> str | None:
        """The text of the key `where` with its variables filled in; None where that is a problem."""
        filled = _REFERENCE.sub(lambda found: self._value(found, where), text)
        return None if where in self.unfilled else filled

    def _value(self, found: re.Match[str], where: str) -> str:
        if found[0] == "$${":
            return "${"
        name = found[1]
        if name is None or not _NAME.fullmatch(name):
            return self._cannot(
                Problem(f"`{where}` has a ${{ that begins no variable.", "Write ${NAME}, or $${ for ${ itself.", where)
            )
        value = os.environ.get(name, "")
        if not value:
            state = "empty" if name in os.environ else "not set"
            why = f"`{where}` needs the environment variable {name}, which is {state}."
            return self._cannot(Problem(why, f"Set it: export {name}=...", where))
        self.used[name] = value
        self.places.setdefault(name, set()).add(where)
        return value

    def _cannot(self, problem: Problem) -> str:
        self.unfilled.add(problem.where)
        if problem not in self.problems:
            self.problems.append(problem)
        return ""
