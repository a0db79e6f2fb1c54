"""The form of a row in the blind sets: one fault, written in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kms_conformance.apps.selftest.deviation import ALL, Fault, Severity, Variant
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


def variant_of(  # noqa: PLR0913 - one call writes a whole row
    prefix: str,
    of_set: str,
    name: str,
    title: str,
    source: str,
    *says: Filter,
    of: Sequence[str] = ALL,
    does: Sequence[type[Decisions]] = (),
    foreign_keys: int = 3,
    auth: str | None = None,
    profile: str = "documents",
) -> Variant:
    """A variant of a blind set; `prefix` begins the names of the set, and `source` tells where the behaviour is known.

    `says` are filters of replies, `of` the dialects, `does` the decisions; the others are those of `Variant`.
    """
    return Variant(
        name=f"{prefix}-{name}",
        title=f"{title} Known from: {source}.",
        dialects=tuple(of),
        decisions=tuple(does),
        filters=says,
        auth=auth,
        foreign_keys=foreign_keys,
        profile=profile,
        group=of_set,
        alone=True,
    )
