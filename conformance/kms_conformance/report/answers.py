"""The documented answers of a target, and which of them came back in a run: operation, state of the key, status, code.

This is about what came back. What is asked is the table of `apps/selftest/coverage`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.requirements import ANY, Catalogue
from kms_conformance.client.answers_seen import BY_CIPHERTEXT, SeenAnswer
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, PENDING_IMPORT

if TYPE_CHECKING:
    from kms_conformance.catalogue.api import Operation
    from kms_conformance.catalogue.profile import Profile
    from kms_conformance.report.model import TargetReport
    from kms_conformance.verdict.results import CheckResult

FORMAT = 1
#: In place of a refusal: the request is carried out, or only a list of error codes in the documents has the answer.
CARRIED_OUT, LISTED = "carried out", "listed"
_STATES = (ENABLED, DISABLED, PENDING, PENDING_IMPORT)


class StatusAndCode(NamedTuple):
    """One answer: HTTP status, and error code or "" for none."""

    status: int
    code: str = ""

    def __str__(self) -> str:
        return f"{self.status} {self.code}".rstrip()


@dataclass(frozen=True)
class ContractCell:
    """What the documents say about one operation in one state of the key: one of these answers comes.

    - `operation`: the vendor's name, and `name` the abstract one; "" for any operation.
    - `state`: the state of the key; "" if the answer does not depend on it.
    - `refusal`: the name of the refusal in the profile, `carried out`, or `listed`.
    """

    operation: str
    name: str
    state: str
    refusal: str
    answers: tuple[StatusAndCode, ...]

    def holds(self, seen: SeenAnswer) -> bool:
        """Whether an answer that came is one of this cell."""
        here = self.operation in ("", seen.operation) and self.state in ("", seen.state)
        return here and StatusAndCode(seen.status, seen.code) in self.answers

    def __str__(self) -> str:
        answers = " or ".join(map(str, self.answers))
        return " · ".join(part for part in (self.operation or "any operation", self.state, answers) if part)


@dataclass(frozen=True)
class Came:
    """How often one kind of answer came, with its first exchange and the check that sent the request."""

    answer: SeenAnswer
    count: int
    first: int
    check: str

    def to_json(self) -> dict[str, Any]:
        """The entry in JSON types."""
        return {**self.answer._asdict(), "count": self.count, "first": self.first, "check": self.check}


@dataclass(frozen=True)
class Contract:
    """The documented answers of a profile and the operations that they are for."""

    profile: Profile
    applicable: frozenset[str]

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """The operations of the profile, by the vendor's name."""
        return {each.id: each for each in Api.of(self.profile.dialect, self.profile.name).operations.values()}

    @cached_property
    def cells(self) -> tuple[ContractCell, ...]:
        """All cells: those of the states of keys, those that requirements demand, and codes that are only listed."""
        found = dict.fromkeys((*self._of_states(), *self._demanded()))
        known = {(cell.operation, answer) for cell in found for answer in cell.answers}
        anywhere = {answer for operation, answer in known if not operation}
        listed = (
            cell
            for cell in self._listed()
            if (cell.operation, cell.answers[0]) not in known and cell.answers[0] not in anywhere
        )
        return (*found, *listed)

    def documents(self, seen: SeenAnswer) -> bool:
        """Whether the documents have this answer to the operation in this state of the key.

        Refusals that do not depend on the state of a key may come in every state.
        """
        operation = self.operations.get(seen.operation)
        if operation is None:
            return True
        code = seen.code or None
        states = self.profile.facts["lifecycle"].get(operation.name, {})
        # Where the state is not known, the answer may be that of any state.
        names = {self.profile.refusal_in(operation.name, seen.state)} if seen.state in _STATES else {*states.values()}
        refusals = [self.profile.refusal(name) for name in names if name is not None]
        if seen.status in operation.success:
            return seen.state not in _STATES or not refusals or any(each.or_accepted for each in refusals)
        if any(each.admits(seen.status, code) for each in refusals):
            return True
        if any(self.profile.admits(name, seen.status, code) for name in self._stateless):
            return True
        reply = operation.replies.get(seen.status)
        listed = reply is not None and code in reply.codes
        # A code for the state of a key must not come in another state, where the documents name the states.
        return listed and not (states and seen.state in _STATES and self._is_of_states(seen.status, code))

    def depends_on_state(self, seen: SeenAnswer) -> bool:
        """Whether an answer is none of those that come in every state of a key, such as to wrong credentials."""
        return not any(self.profile.admits(name, seen.status, seen.code or None) for name in self._stateless)

    @cached_property
    def _of_lifecycle(self) -> frozenset[str]:
        return frozenset(name for states in self.profile.facts["lifecycle"].values() for name in states.values())

    @cached_property
    def _stateless(self) -> tuple[str, ...]:
        """The refusals that do not depend on the state of a key."""
        return tuple(name for name in self.profile.facts["refusals"] if name not in self._of_lifecycle)

    def _is_of_states(self, status: int, code: str | None) -> bool:
        return any(self.profile.admits(name, status, code) for name in self._of_lifecycle)

    def _of_states(self) -> Iterator[ContractCell]:
        known = [state for state in _STATES if state in self.profile.facts["states"]]
        for operation in self.operations.values():
            states = known if self._is_by_state(operation.name) else [""]
            for state in states:
                refusal = self.profile.refusal_in(operation.name, state) if state else None
                if refusal is None:
                    answers = tuple(map(StatusAndCode, operation.success))
                    yield ContractCell(operation.id, operation.name, state, CARRIED_OUT, answers)
                else:
                    yield self._refused(operation.id, operation.name, state, refusal)

    def _is_by_state(self, name: str) -> bool:
        """Whether the state of the key is known that a request names: by its id, or by a ciphertext."""
        by_id = any(
            place.partition(".")[0] == name and "id" in forms for place, forms in self.profile.key_names.items()
        )
        return name in self.profile.facts["lifecycle"] and (by_id or name in BY_CIPHERTEXT)

    def _refused(self, operation: str, name: str, state: str, refusal: str) -> ContractCell:
        found = self.profile.refusal(refusal)
        answers = [StatusAndCode(answer.status, answer.code or "") for answer in found.answers]
        if found.or_accepted and operation:
            answers += map(StatusAndCode, self.operations[operation].success)
        return ContractCell(operation, name, state, refusal, tuple(answers))

    def _demanded(self) -> Iterator[ContractCell]:
        ids = {operation.name: operation.id for operation in self.operations.values()}
        for requirement in Catalogue.load(self.profile.dialect):
            if requirement.id not in self.applicable:
                continue
            for refusal, asked in requirement.refusals.items():
                if refusal in self._of_lifecycle or not self.profile.has_refusal(refusal):
                    continue
                for name in asked:
                    if name == ANY or name in ids:
                        yield self._refused(ids.get(name, ""), "" if name == ANY else name, "", refusal)

    def _listed(self) -> Iterator[ContractCell]:
        for operation in self.operations.values():
            for status, reply in operation.replies.items():
                for code in sorted(reply.codes):
                    yield ContractCell(operation.id, operation.name, "", LISTED, (StatusAndCode(status, code),))


@dataclass(frozen=True)
class AnswersOfTarget:
    """The documented answers of one target, compared with the answers of a run.

    `came`: the kinds of answers that came; empty for a run of an earlier version, which did not note them.
    """

    target: str
    contract: Contract
    came: tuple[Came, ...] = ()

    @classmethod
    def of(cls, report: TargetReport, profile: Profile) -> AnswersOfTarget:
        """The answers of a target in a report."""
        applicable = frozenset(entry.id for entry in report.verdict.requirements if entry.verdict != "not_applicable")
        return cls(report.verdict.name, Contract(profile, applicable), came(report.checks))

    @cached_property
    def seen(self) -> Mapping[ContractCell, int]:
        """By cell, how many answers of it came."""
        return {cell: sum(each.count for each in self.came if cell.holds(each.answer)) for cell in self.contract.cells}

    @property
    def never(self) -> tuple[ContractCell, ...]:
        """The cells of which no answer came, without those that are only listed."""
        return tuple(cell for cell, count in self.seen.items() if not count and cell.refusal != LISTED)

    @property
    def never_listed(self) -> tuple[ContractCell, ...]:
        """The codes that the documents only list, and that did not come."""
        return tuple(cell for cell, count in self.seen.items() if not count and cell.refusal == LISTED)

    @cached_property
    def undocumented(self) -> tuple[Came, ...]:
        """The answers that came although the documents do not have them for this operation and state."""
        return tuple(each for each in self.came if not self.contract.documents(each.answer))

    def to_json(self) -> dict[str, Any]:
        """The content of `answers.json`, as `specs/schemas/answers.schema.json` describes it."""
        return {
            "format": FORMAT,
            "target": self.target,
            "dialect": self.contract.profile.dialect,
            "profile": self.contract.profile.name,
            "documented": [
                {
                    "operation": cell.operation,
                    "state": cell.state,
                    "refusal": cell.refusal,
                    "answers": [answer._asdict() for answer in cell.answers],
                    "count": count,
                }
                for cell, count in self.seen.items()
                if count or cell.refusal != LISTED
            ],
            "listed_never": len(self.never_listed),
            "came": [each.to_json() | {"documented": self.contract.documents(each.answer)} for each in self.came],
        }


def came(checks: Iterable[CheckResult]) -> tuple[Came, ...]:
    """The kinds of answers that came during these checks, sorted."""
    found: dict[SeenAnswer, list[tuple[int, int, str]]] = {}
    for check in checks:
        for raw in check.answers:
            seen = SeenAnswer(raw["operation"], raw["status"], raw["code"], raw["state"])
            found.setdefault(seen, []).append((raw["first"], raw["count"], check.check))
    return tuple(
        Came(seen, sum(count for _, count, _ in entries), min(entries)[0], min(entries)[2])
        for seen, entries in sorted(found.items())
    )
