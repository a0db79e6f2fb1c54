"""Profiles: the facts in which clouds of one dialect differ, as objects."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kms_conformance.core import specs
from kms_conformance.core.text import MOST_OF_A_NAME, shortened

# How many equal looks in a row settle a change if the profile does not say it.
_EQUAL_LOOKS = 5


@dataclass(frozen=True)
class AcceptedAnswer:
    """One answer that is accepted as a refusal: an HTTP status with the vendor's error code; None: without a code."""

    status: int
    code: str | None

    def __str__(self) -> str:
        return f"{self.status} without a code" if self.code is None else f"{self.status} {self.code}"


@dataclass(frozen=True)
class Refusal:
    """The answers that are accepted for one kind of invalid request.

    - name: the kind, such as `unknown_key`.
    - answers: the accepted refusals.
    - or_accepted: whether the target may also carry out the request.
    - any_code: whether the documents leave the code open: any code with one of these statuses is accepted, except the
      codes in `taken`, which mean something else in the profile.
    - reason: why the documents allow more than one answer; may be empty.
    """

    name: str
    answers: tuple[AcceptedAnswer, ...]
    or_accepted: bool = False
    reason: str = ""
    any_code: bool = False
    taken: frozenset[str] = frozenset()

    def admits(self, status: int, code: str | None) -> bool:
        """Whether this status and error code are an accepted answer."""
        if any(answer.status == status and answer.code == code for answer in self.answers):
            return True
        if not self.any_code or not code or code in self.taken:
            return False
        return any(answer.status == status for answer in self.answers)

    @property
    def allows_several(self) -> bool:
        """Whether more than one answer is accepted, success included."""
        return self.or_accepted or self.any_code or len(self.answers) > 1

    def __str__(self) -> str:
        further = " or another code that means nothing else" if self.any_code else ""
        return " or ".join(map(str, self.answers)) + further


@dataclass(frozen=True)
class Window:
    """The waiting period of a deletion: its bounds and its default in days, and its JSON type in requests.

    A request that gives no waiting period gets the default. None: there is no default.
    """

    minimum: int
    maximum: int
    wire_type: str
    default: int | None = None


@dataclass(frozen=True)
class Deletion:
    """The differences that are accepted between a deletion date and the expected date, in seconds.

    - date_tolerance_seconds: by how much the date may differ in both directions.
    - date_may_be_rounded_up_to_seconds: the units to which the date may be rounded up, such as 86400 for full days.
    - gone_within_seconds: after the date, the longest time until the key must be gone.
    - date_may_be_later_by_seconds: by how much more the date may be later than expected.
    """

    date_tolerance_seconds: int
    date_may_be_rounded_up_to_seconds: tuple[int, ...]
    gone_within_seconds: int
    date_may_be_later_by_seconds: int = 0


@dataclass(frozen=True)
class KeyFields:
    """How the fields of a key in a reply to `describe` may change with the state of the key, by the documents.

    - fields: what no change of the state changes, such as the owner and the usage.
    - name: the name and the description of the key, which operations of their own change.
    - free: fields that are not compared before and after a change of the state, with the reasons.
    """

    fields: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    free: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> frozenset[str]:
        """The names of all these fields."""
        return frozenset((*self.fields, *self.name, *self.free))


@dataclass(frozen=True)
class RequestId:
    """The place of the request id in a reply, a header or a body field, and whether each reply must have an id."""

    required: bool
    header: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Profile:
    """One named set of facts of a dialect; `facts` is the merged mapping of `specs/<dialect>/profiles.yaml`."""

    dialect: str
    name: str
    title: str
    facts: dict[str, Any]

    @classmethod
    def load(cls, dialect: str, name: str = "documents") -> Profile:
        """Load one profile. Raises `KeyError` for a name that the dialect does not have."""
        return cls(dialect, name, specs.profile_title(dialect, name), specs.facts(dialect, name))

    @cached_property
    def window(self) -> Window:
        return Window(**self.facts["window"])

    @cached_property
    def deletion(self) -> Deletion:
        facts = self.facts["deletion"]
        return Deletion(
            **(facts | {"date_may_be_rounded_up_to_seconds": tuple(facts["date_may_be_rounded_up_to_seconds"])})
        )

    @cached_property
    def key_fields(self) -> KeyFields:
        facts = self.facts.get("key_fields", {})
        return KeyFields(tuple(facts.get("fields", ())), tuple(facts.get("name", ())), facts.get("free", {}))

    @cached_property
    def request_id(self) -> RequestId:
        return RequestId(**self.facts["request_id"])

    @cached_property
    def after_cancel(self) -> str:
        """The abstract state of a formerly enabled key whose deletion was cancelled."""
        return str(self.facts["after_cancel"])

    @cached_property
    def imported_after_cancel(self) -> tuple[str, ...]:
        """The abstract states of a key without imported material whose deletion was cancelled.

        Without the fact: pending import, and enabled where cancelling enables every key.
        """
        usual = ["pending_import"] + (["enabled"] if self.after_cancel == "enabled" else [])
        return tuple(map(str, self.facts.get("imported_after_cancel", usual)))

    @cached_property
    def settle_seconds(self) -> float:
        """The longest time in seconds for which reads may return the state before an accepted change."""
        return float(self.facts["settle_seconds"])

    @cached_property
    def settle_equal_looks(self) -> int:
        """How many equal looks in a row settle what was changed, on a target that was seen to flap."""
        return int(self.facts.get("settle_equal_looks", _EQUAL_LOOKS))

    @cached_property
    def settle_most_seconds(self) -> float:
        """The time in seconds after which even the slowest changes show; a run does not wait for that long."""
        return max(self.settle_seconds, float(self.facts.get("settle_most_seconds", 0)))

    def state(self, wire: object) -> str:
        """The abstract state, such as `enabled`, for the state in a reply; for an unknown one, a text equal to none."""
        return next((name for name, value in self.facts["states"].items() if value == wire), None) or (
            f"unknown ({shortened(repr(wire), MOST_OF_A_NAME)})"
        )

    def refusal(self, name: str) -> Refusal:
        """The accepted answers of one kind of refusal. Raises `KeyError` for an unknown name.

        Several names joined by " or " stand for the answers of all of them that the profile has; the request must be
        refused, whatever the parts allow.

        If a code begins with a prefix in the fact `code_prefixes`, the same code with each of the other prefixes is
        accepted too.
        """
        known = self._refusals.get(name)
        if known is None:
            known = self._refusals[name] = self._refusal(name)
        return known

    @cached_property
    def _refusals(self) -> dict[str, Refusal]:
        return {}

    def _refusal(self, name: str) -> Refusal:
        if " or " in name:
            parts = [self.refusal(part) for part in name.split(" or ") if self.has_refusal(part)]
            reason = " ".join(dict.fromkeys(part.reason for part in parts if part.reason))
            return Refusal(
                name, tuple(dict.fromkeys(itertools.chain(*(part.answers for part in parts)))), reason=reason
            )
        entry = self.facts["refusals"][name]
        stated = [AcceptedAnswer(**answer) for answer in entry["answers"]]
        answers = tuple(dict.fromkeys((*stated, *(other for answer in stated for other in self._respelt(answer)))))
        any_code = entry.get("any_code", False)
        taken = self._codes_of_others(name) if any_code else frozenset()
        return Refusal(name, answers, entry.get("or_accepted", False), entry.get("reason", ""), any_code, taken)

    def _codes_of_others(self, name: str) -> frozenset[str]:
        """The codes of all refusals but this one that are no answer of this one."""
        refusals = self.facts["refusals"]
        codes = {answer["code"] for other, entry in refusals.items() if other != name for answer in entry["answers"]}
        return frozenset(codes - {answer["code"] for answer in refusals[name]["answers"]})

    def admits(self, name: str, status: int, code: str | None) -> bool:
        """Whether the profile has a refusal of this name, and the refusal has this answer."""
        return name in self.facts["refusals"] and self.refusal(name).admits(status, code)

    @cached_property
    def may_lack(self) -> frozenset[str]:
        """What a conforming installation may lack: operations by their abstract name, or replies in `xml`."""
        return frozenset(self.facts.get("may_lack", ()))

    def _respelt(self, answer: AcceptedAnswer) -> Iterator[AcceptedAnswer]:
        """The answer with the other prefixes of its code."""
        for prefix, others in self.facts.get("code_prefixes", {}).items():
            if answer.code is not None and answer.code.startswith(prefix):
                rest = answer.code.removeprefix(prefix)
                yield from (AcceptedAnswer(answer.status, f"{other}{rest}") for other in others)

    @cached_property
    def key_names(self) -> Mapping[str, tuple[str, ...]]:
        """The forms of names that each place takes where a request names a key.

        A place is an operation, or an operation and an argument with a dot between them. The forms are `id`, `arn`,
        `alias`, `alias_arn` and `urn`.
        """
        return {place: tuple(forms) for place, forms in self.facts.get("key_names", {}).items()}

    def is_lacking(self, operation: str) -> bool:
        """Whether the cloud does not have this operation of the dialect."""
        return operation in self.facts.get("lacks", ())

    def has_refusal(self, name: str) -> bool:
        """Whether the profile has this kind of refusal."""
        return name in self.facts["refusals"]

    def tells_absent(self, status: int, code: str | None, *, may_be_malformed: bool = True) -> bool:
        """Whether a reply to `describe` shows that no key has the id: the id or alias is unknown, or malformed.

        If the id has the form of ids (`may_be_malformed` is false), an error that any invalid parameter may cause does
        not show this. Neither does an answer that a caller without permission may get, or any other error.
        """
        if self.refusal("not_permitted").admits(status, code):
            return False
        if self.refusal("unknown_key").admits(status, code) or self.admits("unknown_alias", status, code):
            return True
        general = not may_be_malformed and self.refusal("invalid_parameter").admits(status, code)
        return self.refusal("malformed_key").admits(status, code) and not general

    def tells_limit(self, listed: Collection[str], status: int, code: str | None) -> bool:
        """Whether a reply says that a limit of the service is reached, and its code is `listed` for the operation."""
        return code in listed and self.refusal("quota_exhausted").admits(status, code)

    def refusal_in(self, operation: str, state: str) -> str | None:
        """The name of the refusal of the operation in a state; None if the operation is accepted."""
        found = self.facts["lifecycle"].get(operation, {}).get(state)
        return None if found is None else str(found)
