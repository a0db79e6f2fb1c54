"""The oracle: predicts the outcome of each operation on a key by a pure state machine of the documented lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id

ENABLED, DISABLED, PENDING, PENDING_IMPORT = "enabled", "disabled", "pending_deletion", "pending_import"
GONE = "gone"

_AFTER = {"enable": ENABLED, "disable": DISABLED, "schedule": PENDING}


@dataclass(frozen=True)
class KeyModel:
    """The expected state of one key, its state before the deletion was scheduled, and its deletion date."""

    state: str
    before: str = ENABLED
    deletion_at: datetime | None = None

    def at(self, now: datetime) -> KeyModel:
        """The key at a time: gone from its deletion date on."""
        if self.deletion_at is not None and now >= self.deletion_at:
            return KeyModel(GONE, self.before)
        return self


@dataclass(frozen=True)
class Prediction:
    """The expected outcome of an operation: a refusal by name or None, the key afterwards, and the requirement.

    `states` are the accepted states afterwards; more than one where the documents leave the state open.
    """

    refusal: str | None
    after: KeyModel
    requirement: RequirementId
    states: tuple[str, ...]


class Oracle:
    """Predicts by the facts of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def predict(self, key: KeyModel, operation: str, now: datetime, window: int | None = None) -> Prediction:
        """Predict an operation on a key. `window` is the argument of `schedule` in days; None is never valid there."""
        key = key.at(now)
        refusal = self._refusal(key, operation, window)
        if refusal is not None:
            return Prediction(refusal, key, _requirement(operation, key, refusal), (key.state,))
        after = self._after(key, operation, now, window)
        return Prediction(None, after, _requirement(operation, key, None), self._states(key, operation, after))

    def _refusal(self, key: KeyModel, operation: str, window: int | None) -> str | None:
        if key.state == GONE:
            return "unknown_key"
        bounds = self._profile.window
        # For a key that cannot be scheduled anyway, the documents do not rank the two refusals, so callers do not send
        # this.
        if operation == "schedule" and not (window is not None and bounds.minimum <= window <= bounds.maximum):
            return "window_out_of_range"
        return self._profile.refusal_in(operation, key.state)

    def _after(self, key: KeyModel, operation: str, now: datetime, window: int | None) -> KeyModel:
        if operation == "schedule" and window is not None:
            return KeyModel(PENDING, key.state, now + timedelta(days=window))
        if operation == "cancel":
            return KeyModel(self._profile.after_cancel)
        return replace(key, state=_AFTER.get(operation, key.state))

    def _states(self, key: KeyModel, operation: str, after: KeyModel) -> tuple[str, ...]:
        if operation == "cancel" and key.before != ENABLED:
            return tuple(dict.fromkeys((after.state, key.before)))
        return (after.state,)


_ACCEPTED: Mapping[str, RequirementId] = {
    "schedule": "schedule.state-after",
    "cancel": "cancel.effect",
    "encrypt": "state.enabled",
    "decrypt": "state.enabled",
    "generate_data_key": "state.enabled",
}


def _requirement(operation: str, key: KeyModel, refusal: str | None) -> RequirementId:
    """The requirement that a deviation breaks; `lifecycle.sequence` if no narrower one applies."""
    if refusal is None:
        return _ACCEPTED.get(operation, "lifecycle.sequence")
    if key.state == GONE:
        return "expiry.no-cancel" if operation == "cancel" else "expiry.gone"
    if operation == "schedule":
        return "schedule.twice" if key.state == PENDING else "lifecycle.sequence"
    if operation == "cancel":
        return as_id(f"cancel.not-pending.{key.state}")
    if key.state == PENDING:
        return as_id(f"pending.{operation.replace('_', '-')}")
    return "state.disabled" if key.state == DISABLED and operation not in _AFTER else "lifecycle.sequence"
