"""The facts from which faults are composed: operations, states, changes and refusals of one dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.emulator import Key, RefusalAnswer, Rules, State

_DAYS = 9


@dataclass(frozen=True)
class Seen:
    """Answers of the conforming emulator.

    - names: the operations that find a key by an `arn` or `alias`, with this form.
    - losses: why a loss of a key in a state cannot be seen; empty where it can.
    - without_credentials: the operations that need no credentials.
    - read: the parameters that an operation looks up, with the operation.
    - replies: bodies of success replies, by operation.
    """

    names: frozenset[tuple[str, str]]
    losses: Mapping[tuple[str, State], str]
    without_credentials: frozenset[str]
    read: frozenset[tuple[str, str]]
    replies: Mapping[str, list[Any]]


@dataclass(frozen=True)
class Facts:
    """The facts of one dialect in its profile `documents`."""

    dialect: str
    rules: Rules
    profile: Profile
    api: Api

    @classmethod
    def of(cls, dialect: str) -> Facts:
        """Read the facts of a dialect."""
        return cls(dialect, Rules.of(dialect), Profile.load(dialect), Api.of(dialect, "documents"))

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """The operations that name a key, for which the profile says in which states they are refused."""
        return tuple(name for name in self.rules.lifecycle if name in self.api)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The states that keys of a run may have."""
        return tuple(
            state for state in State if state is not State.PENDING_IMPORT or self.profile.facts["external_keys"]
        )

    def refusal(self, operation: str, state: State) -> str | None:
        """The name of the documented refusal of an operation in a state; None if it is accepted."""
        return self.rules.lifecycle[operation].get(state)

    def answer(self, refusal: str) -> RefusalAnswer:
        """The answer that the emulator gives as this refusal."""
        return self.rules.answers[refusal]

    @cached_property
    def refusals_of_states(self) -> tuple[str, ...]:
        """The refusals because of a key's state, one for each answer on the wire."""
        named = {name: None for row in self.rules.lifecycle.values() for name in row.values()}
        return tuple({self.answer(name): name for name in reversed(tuple(named))}.values())[::-1]

    @cached_property
    def seen(self) -> Seen:
        """What the conforming emulator answered about names and changes."""
        from kms_conformance.apps.selftest.generated.probe import seen  # noqa: PLC0415 - it imports this module

        return seen(self)

    def takes(self, operation: str, form: str) -> bool:
        """Whether the operation finds a key by its `arn` or by an `alias`."""
        return (operation, form) in self.seen.names

    def unseen(self, loss: str, state: State) -> str:
        """Why nobody can see a loss (see `LOSSES`) of a key in a state; empty if a read shows it."""
        return self.seen.losses[loss, state]

    def tells(self, operation: str, path: str) -> bool:
        """Whether a success reply of the operation has a field at this path, such as `Keys.KeyArn`."""
        return any(_has(value, path.split(".")) for value in self.seen.replies.get(operation, ()))

    def heeds(self, operation: str, parameter: str) -> bool:
        """Whether the operation looks up the parameter."""
        return (operation, parameter) in self.seen.read

    @property
    def open_operations(self) -> frozenset[str]:
        """The operations that need no credentials."""
        return self.seen.without_credentials

    def moved(self, operation: str, state: State) -> State:
        """The documented state after an accepted operation."""
        result = {"enable": ENABLED, "disable": DISABLED, "schedule": PENDING}.get(operation, state)
        if operation != "cancel":
            return result
        return State.PENDING_IMPORT if state is State.PENDING_IMPORT else self.rules.after_cancel


def _has(value: object, path: Sequence[str]) -> bool:
    if not path:
        return True
    if isinstance(value, list):
        return any(_has(item, path) for item in value)
    return isinstance(value, dict) and path[0] in value and _has(value[path[0]], path[1:])


def in_state(key: Key, state: State, now: datetime) -> Key:
    """The key in a state; a pending key waits for nine days from `now`, unless it waits already."""
    if state is not PENDING:
        return replace(key, state=state, deletion=None, window_days=None)
    if key.state is PENDING and key.deletion is not None:
        return key
    return replace(key, state=state, deletion=now + timedelta(days=_DAYS), window_days=_DAYS)


Change = Callable[[Key], Key]

#: What can be lost or altered of a key, by name: the words that follow "its key", and the change.
LOSSES: Mapping[str, tuple[str, Change]] = {
    "description-emptied": ("loses its description", lambda key: replace(key, description="")),
    "description-cut": ("loses the end of its description", lambda key: replace(key, description=key.description[:-1])),
    "aliases-dropped": ("loses its aliases", lambda key: replace(key, aliases=())),
    "alias-cut": (
        "has the end of its aliases cut off",
        lambda key: replace(key, aliases=tuple(a[:-1] for a in key.aliases)),
    ),
    "tags-dropped": ("loses its tags", lambda key: replace(key, tags=())),
    "tag-values-emptied": (
        "loses the values of its tags",
        lambda key: replace(key, tags=tuple((n, "") for n, _ in key.tags)),
    ),
    "grants-dropped": ("loses its grants", lambda key: replace(key, grants=())),
    "grants-narrowed": (
        "loses an operation of its grants",
        lambda key: replace(key, grants=tuple(replace(g, operations=g.operations[:1]) for g in key.grants)),
    ),
    "policy-reset": ("gets the default policy", lambda key: replace(key, policy="")),
    "rotation-off": ("is rotated no longer", lambda key: replace(key, rotated=False)),
    "rotation-on": ("is rotated from now on", lambda key: replace(key, rotated=True)),
    "protection-off": ("is protected from deletion no longer", lambda key: replace(key, protected=False)),
    "created-later": (
        "gets a creation date an hour later",
        lambda key: replace(key, created=key.created + timedelta(hours=1)),
    ),
    "usage-changed": ("gets another usage", lambda key: replace(key, usage="SIGN_VERIFY")),
    "origin-changed": ("gets another origin", lambda key: replace(key, external=not key.external)),
    "version-changed": ("gets another version", lambda key: replace(key, version_id=key.version_id[::-1])),
    "material-changed": ("gets other material", lambda key: replace(key, material=key.material[::-1])),
    "date-earlier": (
        "gets a deletion date two days earlier",
        lambda key: key if key.deletion is None else replace(key, deletion=key.deletion - timedelta(days=2)),
    ),
    "date-later": (
        "gets a deletion date two days later",
        lambda key: key if key.deletion is None else replace(key, deletion=key.deletion + timedelta(days=2)),
    ),
    "date-lost": ("loses its deletion date", lambda key: replace(key, deletion=None)),
}
