"""Errors in target files: each problem with its reason, its place and a hint."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.errors import ExplainedMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Problem:
    """One problem of a target file: the reason, a hint how to fix it, and the key (`where`).

    A problem never quotes a value: any value can be a secret.
    """

    why: str
    hint: str
    where: str = ""


class TargetError(ExplainedMistake):
    """A target file cannot be used. The text has three parts: what happened, why, and what to do next.

    Each part is one line. If the file has several problems, the last two parts have a numbered line for each problem.
    """

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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most similar to this one; None if none is similar."""
    folded = {each.lower().replace("-", "_"): each for each in known}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word that names the nearest known word, or else all known words."""
    words = tuple(known)
    meant = nearest(word, words)
    return f"Did you mean `{meant}`?" if meant else f"Known: {', '.join(words)}."
