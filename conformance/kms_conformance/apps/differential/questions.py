"""List of questions: the lifecycle of one key from creation to deletion, unknown and malformed ids, protocol cases.

A window is the waiting period in days, as a request gives it. The questions depend on:

- the profile: the shortest and the longest window;
- the adapter of the dialect: malformed ids, and protocol cases, which write a request in an unusual way;
- the seed: the windows between the shortest and the longest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from kms_conformance.apps.differential.question import (
    CANCELLED,
    CIPHERTEXT,
    DESCRIPTION,
    KEY,
    LAST_MINUTE,
    PENDING_FROM_DISABLED,
    UNKNOWN_KEY,
    Question,
)
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects import adapter_class
from kms_conformance.dialects.base import Raw

_IN_WORDS = {
    ENABLED: "an enabled key",
    DISABLED: "a disabled key",
    PENDING: "a pending key",
    PENDING_FROM_DISABLED: "a pending key that was disabled before",
    CANCELLED: "a key whose deletion was just cancelled",
    LAST_MINUTE: "a key in the last minute of its waiting period",
    GONE: "a key whose waiting period is over",
}
_LIVING = (ENABLED, DISABLED, PENDING)
_BETWEEN = 2


def questions(profile: Profile, seed: int) -> tuple[Question, ...]:
    """All questions for the dialect of a profile, in the order in which they are sent."""
    known = profile.facts["refusals"]
    operations = _operations(profile.dialect)
    return tuple(
        question
        for question in _all(profile, random.Random(seed))  # noqa: S311 - repeatable, and no secret
        if question.operation in operations and (question.refusal is None or question.refusal in known)
    )


@cache
def _operations(dialect: str) -> frozenset[str]:
    """The abstract operations of a dialect, for any profile."""
    return frozenset(Api.load(Profile.load(dialect)).operations)


def _all(profile: Profile, chance: random.Random) -> Iterator[Question]:
    yield Question("create", "create a key", "create", "create.reply", {"description": DESCRIPTION})
    yield from _reading()
    yield from _switching(Catalogue.load(profile.dialect))
    yield from _using()
    yield from _windows(profile, chance)
    yield from _scheduling(profile)
    yield from _cancelling()
    yield from _names(profile)
    yield from _protocol(profile)
    yield from _end(profile)


def _of_key(operation: str, verb: str, state: str, requirement: RequirementId, **arguments: object) -> Question:
    """A question about a key in one state; the profile says whether the operation is refused in this state."""
    name = f"{operation.replace('_', '-')}.{state.replace('_', '-')}"
    return Question(name, f"{verb} {_IN_WORDS[state]}", operation, requirement, {"key_id": KEY, **arguments}, state)


def _reading() -> Iterator[Question]:
    for state in _LIVING:
        requirement: RequirementId = "pending.describe" if state == PENDING else "describe.reply"
        yield _of_key("describe", "describe", state, requirement)
    yield Question("list", "list the keys", "list", "list.complete", shape_only=True)
    yield Question(
        "list.pending", "list the keys, one of them pending", "list", "pending.listed", {}, PENDING, shape_only=True
    )
    yield Question(
        "list.limit", "list one of several keys", "list", "list.reply", {"limit": 1}, shape_only=True, keys=2
    )


def _switching(catalogue: Catalogue) -> Iterator[Question]:
    for operation, state in (("enable", ENABLED), ("disable", DISABLED)):
        # Some clouds refuse to enable an enabled key or to disable a disabled key, others accept both. The requirements
        # of the dialect say which is documented.
        again = as_id(f"{operation}.not-{DISABLED if state == ENABLED else ENABLED}")
        names: dict[str, RequirementId] = {
            state: again if again in catalogue else as_id(f"{operation}.idempotent"),
            PENDING: as_id(f"pending.{operation}"),
        }
        for asked in _LIVING:
            yield _of_key(operation, operation, asked, names.get(asked, as_id(f"{operation}.reply")))


def _using() -> Iterator[Question]:
    for state in _LIVING:
        by_state: dict[str, RequirementId] = {ENABLED: "state.enabled", DISABLED: "state.disabled"}
        yield _of_key("encrypt", "encrypt with", state, by_state.get(state, "pending.encrypt"), plaintext="text")
        yield _of_key("generate_data_key", "get a data key of", state, by_state.get(state, "pending.generate-data-key"))
        yield Question(
            f"decrypt.{state.replace('_', '-')}",
            f"decrypt with {_IN_WORDS[state]}",
            "decrypt",
            by_state.get(state, "pending.decrypt"),
            {"ciphertext": CIPHERTEXT},
            state,
        )
    yield _of_key(
        "update_description",
        "change the description of",
        PENDING,
        "pending.update-description",
        # The request sends the description that the key already has. If the target accepts it, the key can still be
        # recognised as ours.
        description=DESCRIPTION,
    )


def _windows(profile: Profile, chance: random.Random) -> Iterator[Question]:
    least, most = profile.window.minimum, profile.window.maximum
    between = sorted(chance.sample(range(least + 1, most), _BETWEEN))
    for name, days in (("minimum", least), ("maximum", most)):
        yield _window(name, f"the {name} of {days} days", days, days=days)
    for place, days in enumerate(between, 1):
        yield _window(f"between-{place}", f"{days} days", days, requirement="schedule.window.start", days=days)
    for name, days in (("below-minimum", least - 1), ("above-maximum", most + 1), ("zero", 0)):
        yield _window(name, f"{days} days", days, refusal="window_out_of_range")
    yield _window("negative", "-7 days", -7, refusal="window_negative")
    yield _window("huge", "10^20 - 1 days", 10**20 - 1, refusal="window_huge")
    yield _window("fraction", "7.5 days", 7.5, refusal="window_malformed")
    yield _window("text", 'a window of "seven"', "seven", refusal="window_malformed")
    yield _window("empty", "an empty window", Raw(""), refusal="window_empty")
    other = least if profile.window.wire_type == "string" else str(least)
    yield _window("other-type", "a window of another JSON type", Raw(other), refusal="window_other_type", days=least)
    yield Question(
        "schedule.no-window",
        "schedule the deletion of an enabled key, with no window",
        "schedule",
        "schedule.window.absent" if profile.window.default is None else "schedule.window.default",
        {"key_id": KEY},
        refusal="window_missing" if profile.window.default is None else None,
        days=profile.window.default,
    )


def _window(
    name: str,
    words: str,
    window: object,
    *,
    requirement: RequirementId | None = None,
    refusal: str | None = None,
    days: int | None = None,
) -> Question:
    return Question(
        f"schedule.{name}",
        f"schedule the deletion of an enabled key, {words}",
        "schedule",
        requirement or as_id(f"schedule.window.{name}"),
        {"key_id": KEY, "window": window},
        refusal=refusal,
        days=days,
    )


def _scheduling(profile: Profile) -> Iterator[Question]:
    days = _plain(profile)
    asked: tuple[tuple[str, RequirementId], ...] = ((DISABLED, "schedule.from-disabled"), (PENDING, "schedule.twice"))
    for state, requirement in asked:
        yield Question(
            f"schedule.{state.replace('_', '-')}",
            f"schedule the deletion of {_IN_WORDS[state]}",
            "schedule",
            requirement,
            {"key_id": KEY, "window": days},
            state,
            days=days,
        )


def _cancelling() -> Iterator[Question]:
    asked: tuple[tuple[str, RequirementId], ...] = (
        (PENDING, "cancel.state-after"),
        (PENDING_FROM_DISABLED, "cancel.state-after.disabled"),
        (ENABLED, "cancel.not-pending.enabled"),
        (DISABLED, "cancel.not-pending.disabled"),
        (CANCELLED, "cancel.not-pending.cancelled"),
    )
    for state, requirement in asked:
        yield _of_key("cancel", "cancel the deletion of", state, requirement)


def _names(profile: Profile) -> Iterator[Question]:
    """Questions with an unknown, missing or malformed key id; a key of ours exists meanwhile and must not change."""
    for operation, verb in (
        ("describe", "describe"),
        ("schedule", "schedule the deletion of"),
        ("cancel", "cancel the deletion of"),
    ):
        window = {"window": _plain(profile)} if operation == "schedule" else {}
        state = PENDING if operation == "cancel" else ENABLED
        cases: list[tuple[str, str, RequirementId, str, dict[str, object]]] = [
            (
                "unknown-key",
                "an unknown key",
                as_id(f"unknown-key.{operation}"),
                "unknown_key",
                {"key_id": UNKNOWN_KEY},
            ),
            ("no-key", "no key at all", as_id(f"{operation}.key-id.missing"), "missing_key", {}),
            (
                "number",
                "a key named by a number",
                as_id(f"{operation}.key-id.type"),
                "wrong_key_type",
                {"key_id": Raw(7)},
            ),
        ]
        cases += [
            (
                f"malformed-{place}",
                f"the key {key!a}",
                as_id(f"malformed-key.{operation}"),
                "malformed_key",
                {"key_id": key},
            )
            for place, key in enumerate(adapter_class(profile.dialect).malformed_keys, 1)
        ]
        for name, words, requirement, refusal, named in cases:
            yield Question(
                f"{operation}.{name}", f"{verb} {words}", operation, requirement, named | window, state, refusal
            )


def _protocol(profile: Profile) -> Iterator[Question]:
    known = Catalogue.load(profile.dialect)
    for name, case in adapter_class(profile.dialect).protocol_cases.items():
        window = {"window": _plain(profile)} if case.operation == "schedule" else {}
        yield Question(
            f"protocol.{name}",
            f"{case.operation} {'an unknown' if case.of_unknown_key else 'an enabled'} key, written: {name}",
            case.operation,
            as_id(f"protocol.{name}" if f"protocol.{name}" in known else f"{case.operation}.reply.{name}"),
            {"key_id": UNKNOWN_KEY if case.of_unknown_key else KEY, **window},
            refusal=case.refusal,
            days=_plain(profile) if window else None,
            variation=name,
        )


def _end(profile: Profile) -> Iterator[Question]:
    """Questions about the end of the waiting period; they come last, because their key is deleted."""
    yield _of_key("cancel", "cancel the deletion of", LAST_MINUTE, "cancel.before-end")
    yield _of_key("describe", "describe", GONE, "expiry.gone")
    yield _of_key("enable", "enable", GONE, "expiry.not-recoverable")
    yield _of_key("schedule", "schedule the deletion of", GONE, "expiry.not-recoverable", window=_plain(profile))
    yield _of_key("cancel", "cancel the deletion of", GONE, "expiry.no-cancel")
    yield Question(
        "decrypt.gone",
        f"decrypt with {_IN_WORDS[GONE]}",
        "decrypt",
        "expiry.decrypt",
        {"ciphertext": CIPHERTEXT},
        GONE,
        "lost_key",
    )


def _plain(profile: Profile) -> int:
    """The window (days) of questions that are not about windows."""
    return min(profile.window.minimum + 1, profile.window.maximum)
