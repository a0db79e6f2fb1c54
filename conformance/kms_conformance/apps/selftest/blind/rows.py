"""The form of a row in the blind sets: one fault, written in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kms_conformance.apps.selftest.deviation import ALL, Fault, Severity
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Decisions, Filter

Row = Callable[..., Fault]


def rows_of(subject: str, *, prefix: str = "blind", of_set: str = "blind") -> Row:
    """A function that writes a fault of one subject of a blind set; `prefix` begins the names of the set's faults.

    Its arguments: name, severity, title, the requirements that a reader of the documents would name, and the keywords
    `of` (dialects), `does` (decisions), `says` (filters of replies) and `auth` (the way to sign in).
    """

    def row(
        name: str,
        severity: Severity,
        title: str,
        *requirements: RequirementId,
        of: Sequence[str] = ALL,
        does: Sequence[type[Decisions]] = (),
        says: Sequence[Filter] = (),
        auth: str | None = None,
    ) -> Fault:
        return Fault(
            name=f"{prefix}-{name}",
            title=title,
            fault_class=f"{of_set}: {subject}",
            severity=severity,
            requirements=frozenset(requirements),
            dialects=tuple(of),
            decisions=tuple(does),
            filters=tuple(says),
            auth=auth,
        )

    return row
