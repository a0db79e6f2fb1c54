"""A report that cannot be read, written or sealed, said so that its user knows what to do next."""

from __future__ import annotations

from kms_conformance.core.errors import UserMistake


class ReportError(UserMistake):
    """What happened, why, and what to do next, a line each; `why` may have several lines."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}\n{self.hint}"
