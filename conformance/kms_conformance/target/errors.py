"""Errors in target files: each problem with its reason, its place and a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.errors import ExplainedMistake

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Problem:
    """One problem of a target file: the reason, a hint how to fix it, and the key (`where`).

    - `why` and `hint` are sentences for the user, without line breaks.
    - `where` is the path of the key with dots, such as `limits.max_keys`; it is empty if the problem concerns the whole
      file or no single key.

    A problem never quotes a value: any value can be a secret.
    """

    why: str
    hint: str
    where: str = ""


class TargetError(ExplainedMistake):
    """A target file cannot be used. The text has three parts: what happened, why, and what to do next.

    Each part is one line. If the file has several problems, the last two parts have a numbered line for each problem.
    A command that raises it ends with exit code 2.
    """

    @classmethod
    def of(cls, name: str, problems: Sequence[Problem]) -> TargetError:
        """The error about the target file `name` that has these problems.

        `problems` is not empty. One problem is told as it is; of several, reasons and hints are numbered alike.
        """
        what = f"The target file {name} cannot be used."
        if len(problems) == 1:
            return cls(what, problems[0].why, problems[0].hint)
        return cls(
            f"{what[:-1]}: it has {len(problems)} problems.",
            "\n".join(f"{number}. {problem.why}" for number, problem in enumerate(problems, 1)),
            "\n".join(f"{number}. {problem.hint}" for number, problem in enumerate(problems, 1)),
        )
