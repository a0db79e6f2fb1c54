"""A target file that cannot be used, said so that its user can mend it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.errors import UserMistake

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a target file: why it is wrong, what to do about it, and at which key.

    It never shows a value, for any value may be a secret.
    """

    why: str
    hint: str
    where: str = ""


class TargetError(UserMistake):
    """A target file that cannot be used: what happened, why, what to do next, a line each.

    Where a file has several problems, the second and the third part have a numbered line for each.
    """

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}\n{self.hint}"

    @classmethod
    def of(cls, name: str, problems: Sequence[Problem]) -> TargetError:
        """The error about the target file `name` that has these problems."""
        what = f"The target file {name} cannot be used."
        if len(problems) == 1:
            return cls(what, problems[0].why, problems[0].hint)
        return cls(
            f"{what[:-1]}: it has {len(problems)} problems.",
            "\n".join(f"{number}. {problem.why}" for number, problem in enumerate(problems, 1)),
            "\n".join(f"{number}. {problem.hint}" for number, problem in enumerate(problems, 1)),
        )
