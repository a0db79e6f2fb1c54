"""Lag models: emulators whose reads or cryptographic operations follow a change only after some seconds.

A lag is time of the process, so moving the emulator's clock does not shorten it. Several models can be combined as the
base classes of one class. `steady` and `flapping` replace what the models after them in the list of base classes have
found.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Key, Rules

Mixin = type[Decisions]
Keys = Mapping[str, Key]
Earlier = Callable[[float], Keys]

#: The operations that read belongings of a key.
BELONGINGS = frozenset(
    {"resolve_alias", "list_aliases", "list_tags", "list_grants", "get_policy", "list_policies", "rotation_status"}
)
#: The operations that read keys.
READS = frozenset({"describe", "list"}) | BELONGINGS
#: The operations that use the material of a key.
DATA_PLANE = frozenset({"encrypt", "decrypt", "re_encrypt", "generate_data_key", "generate_data_key_without_plaintext"})


class Lag(Decisions):
    """The base of all lag models: the store remembers its contents for as long as the longest lag."""

    seconds = 0.0

    def memory_seconds(self) -> float:
        return max(super().memory_seconds(), self.seconds)


def steady(seconds: float, operations: Collection[str] = READS) -> Mixin:
    """These operations find the keys as they were `seconds` before."""

    class Steady(Lag):
        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            found = super().found(operation, keys, earlier)
            return earlier(seconds) if operation in operations else found

    return lasting(Steady, seconds)


def data_plane_behind(seconds: float) -> Mixin:
    """Keys are used by the state that they had `seconds` before: a scheduled key still, an enabled key not yet."""
    return steady(seconds, DATA_PLANE)


def flapping(seconds: float, turns: Sequence[bool] = (False, True), seed: int | None = None) -> Mixin:
    """Each read goes to one of several replicas, some of which lag behind by `seconds`.

    `turns` are the replicas in turn; True is one that lags behind. With a `seed`, the replica of each read is drawn.
    """

    class Flapping(Lag):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._reads = 0
            self._draw = random.Random(seed)  # noqa: S311 - a choice of replicas, no secret

        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            found = super().found(operation, keys, earlier)
            if operation not in READS:
                return found
            behind = turns[self._reads % len(turns)] if seed is None else self._draw.choice(turns)
            self._reads += 1
            return earlier(seconds) if behind else found

    return lasting(Flapping, seconds)


def new_key_unknown(seconds: float) -> Mixin:
    """For `seconds` after its creation, a key is unknown to every second operation, and missing in every second list.

    Operations are counted by name.
    """

    class NewKeyUnknown(Lag):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._counts: dict[str, int] = {}

        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            found = super().found(operation, keys, earlier)
            self._counts[operation] = count = self._counts.get(operation, 0) + 1
            if count % 2 == 0:
                return found
            known = earlier(seconds)
            return {key_id: key for key_id, key in found.items() if key_id in known}

    return lasting(NewKeyUnknown, seconds)


def belongings_late(seconds: float) -> Mixin:
    """Aliases, tags, grants, policies and rotation read back as they were `seconds` before; states are current."""

    class BelongingsLate(Lag):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            # A key that is newer than the lag has the belongings with which it was created.
            self._new: dict[str, Key] = {}

        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            found = super().found(operation, keys, earlier)
            for key_id, key in found.items():
                self._new.setdefault(key_id, key)
            if operation not in READS:
                return found
            before = self._new | dict(earlier(seconds))
            return {key_id: _with_belongings_of(before[key_id], key) for key_id, key in found.items()}

    return lasting(BelongingsLate, seconds)


def _with_belongings_of(owner: Key, key: Key) -> Key:
    return replace(
        key,
        aliases=owner.aliases,
        tags=owner.tags,
        grants=owner.grants,
        policy=owner.policy,
        rotated=owner.rotated,
    )


def after_clock(seconds: float) -> Mixin:
    """A key whose waiting period has ended is still shown for `seconds`, although it cannot be used or cancelled."""

    class AfterClock(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._ended: dict[str, tuple[float, Key]] = {}

        def key_visible(self, key: Key, now: datetime) -> bool:
            visible = super().key_visible(key, now)
            if not visible:
                self._ended[key.id] = (REAL.monotonic(), key)
            return visible

        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            found = super().found(operation, keys, earlier)
            if operation not in READS:
                return found
            after = REAL.monotonic() - seconds
            return {key.id: key for ended, key in self._ended.values() if ended > after} | dict(found)

    return AfterClock


def lasting(model: type[Lag], seconds: float) -> Mixin:
    """A lag model with this lag."""
    return type(model.__name__, (model,), {"seconds": seconds})


@dataclass(frozen=True)
class Model:
    """A lag model with a name: `decisions` makes its mixins for a lag in seconds; `title` continues with the lag."""

    name: str
    title: str
    decisions: Callable[[float], tuple[Mixin, ...]]


def _one(name: str, title: str, mixin: Callable[[float], Mixin]) -> Model:
    return Model(name, title, lambda seconds: (mixin(seconds),))


def _everywhere(seconds: float) -> tuple[Mixin, ...]:
    return steady(seconds), data_plane_behind(seconds)


def _anywhere(seconds: float) -> tuple[Mixin, ...]:
    return new_key_unknown(seconds), data_plane_behind(seconds), flapping(seconds, seed=1)


MODELS: tuple[Model, ...] = (
    _one("steady", "All reads lag behind", steady),
    _one("flapping", "Every second read lags behind", flapping),
    _one(
        "flapping-in-pairs",
        "Two reads are current, then two lag behind",
        partial(flapping, turns=(False, False, True, True)),
    ),
    _one("flapping-at-random", "Reads lag behind at random", partial(flapping, seed=1)),
    _one("data-plane", "Keys are used by the state that they had before", data_plane_behind),
    _one("new-key", "Every second operation does not know a new key", new_key_unknown),
    _one("belongings", "Aliases, tags, grants and policies read back late", belongings_late),
    _one("after-clock", "A deleted key is still shown", after_clock),
    Model("everywhere", "All reads and all uses of keys lag behind", _everywhere),
    Model("anywhere", "Reads lag behind at random, uses of keys always, and new keys are unknown", _anywhere),
)
