"""Added tags: names that an operation gives to a key besides those that a check gave to it.

An account may have an automation that tags keys at any time, so a name counts only if it comes again: it is taken off,
the operation is repeated, and the name is there once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.suite.possessions import Given
from kms_conformance.suite.scenario import Scenario

_KIND = "tags"
# operation -> the state in which it is repeated
_FROM: Mapping[str, str] = {"schedule": ENABLED, "cancel": PENDING, "enable": DISABLED, "disable": ENABLED}


@dataclass
class AddedTags:
    """The names of tags that came to a key; `seen`: by operation, those that were first seen after it."""

    known: set[str] = field(default_factory=set)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def note(self, operation: str, given: Given) -> None:
        """Note the names that were shown last, after an operation; "" for what the key had before all of them."""
        if given.possession.kind != _KIND or not given.shown or not isinstance(given.shown[0], Mapping):
            return
        found = set(given.shown[0]) - self.known
        self.known |= found
        if operation and found:
            self.seen[operation] = found

    def must_not_come_again(self, kms: Scenario, key: str) -> None:
        """Repeat the operations after which names were seen, and judge that they do not come again."""
        for operation, names in self.seen.items():
            requirement = as_id(f"{operation}.keeps.{_KIND}")
            try:
                kms.pool.bring(key, ENABLED)
                request = kms.dialect.request("untag", {"key_id": key, "tag_keys": sorted(names)})
                kms.client.send(request, kms.client.api.operations.get("untag"))
                kms.pool.bring(key, _FROM[operation])
                if names & _tags(kms, key):
                    continue
                window = {"window": kms.days} if operation == "schedule" else {}
                answer = kms.done(operation, key_id=key, **window)
                again = sorted(names & _tags(kms, key))
            except Inconclusive as problem:
                kms.judge.leave_open((requirement,), problem)
                continue
            kms.judge.that(requirement, not again, "no tags that nobody gave", f"{again}, twice", (answer.number,))


def _tags(kms: Scenario, key: str) -> set[str]:
    return set(kms.dialect.tags(kms.done("list_tags", key_id=key).value))
