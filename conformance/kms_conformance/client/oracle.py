"""The oracle: predicts the outcome of each operation on a key by a pure state machine of the documented lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id

ENABLED, DISABLED, PENDING, PENDING_IMPORT = "enabled", "disabled", "pending_deletion", "pending_import"
GONE = "gone"
# A state that the service gives a key for a time; nothing that we send leads to it or from it.
UNAVAILABLE = "unavailable"

#: operation -> the state to which it leads; a cancel may lead to several.
AFTER: Mapping[str, str] = {"enable": ENABLED, "disable": DISABLED, "schedule": PENDING}


@dataclass(frozen=True)
class KeyModel:
    """The state that one key is expected to have.

    - state: the abstract state, or `gone` after the deletion.
    - before: the state before the deletion was scheduled.
    - deletion_at: the deletion date; None if no deletion is scheduled.
    """

    state: str
    before: str = ENABLED
    deletion_at: datetime | None = None

    def at(self, now: datetime) -> KeyModel:
        """The model of the key at the time `now`: from the deletion date on, the key is gone; before, it is `self`."""
        if self.deletion_at is not None and now >= self.deletion_at:
            return KeyModel(GONE, self.before)
        return self


@dataclass(frozen=True)
class Prediction:
    """The expected outcome of an operation on a key.

    - refusal: the name of the expected refusal; None if the operation must be carried out.
    - after: the model of the key after the operation.
    - requirement: the requirement that another outcome breaks.
    - states: the states that are accepted after the operation. There are several if the documents leave the state open.
    """

    refusal: str | None
    after: KeyModel
    requirement: RequirementId
    states: tuple[str, ...]


class Oracle:
    """Predicts the outcomes of operations from the facts of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def predict(self, key: KeyModel, operation: str, now: datetime, window: int | None = None) -> Prediction:
        """Predict the outcome of an operation on a key at the time `now`.

        `window` is the waiting period in days in a request to `schedule`. None counts as an invalid waiting period.
        """
        key = key.at(now)
        refusal = self._refusal(key, operation, window)
        if refusal is not None:
            return Prediction(refusal, key, _requirement(operation, key, refusal), (key.state,))
        after = self._after(key, operation, now, window)
        return Prediction(None, after, _requirement(operation, key, None), self._states(key, operation, after))

    def leaves_open(self, refusal: str) -> bool:
        """Whether a request that must be refused in this way may be carried out as well."""
        return self._profile.refusal(refusal).or_accepted

    def _refusal(self, key: KeyModel, operation: str, window: int | None) -> str | None:
        if key.state == GONE:
            return "unknown_key"
        bounds = self._profile.window
        # If neither the window nor the state of the key permits scheduling, the documents do not say which of the two
        # refusals comes. Callers do not send such requests.
        if operation == "schedule" and not (window is not None and bounds.minimum <= window <= bounds.maximum):
            return "window_out_of_range"
        return self._profile.refusal_in(operation, key.state)

    def _after(self, key: KeyModel, operation: str, now: datetime, window: int | None) -> KeyModel:
        if operation == "schedule" and window is not None:
            return KeyModel(PENDING, key.state, now + timedelta(days=window))
        if operation == "cancel":
            return KeyModel(self._profile.after_cancel)
        return replace(key, state=AFTER.get(operation, key.state))

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
    """The requirement that an outcome other than the predicted one breaks.

    It is `lifecycle.sequence` if no narrower requirement applies.
    """
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
    return "state.disabled" if key.state == DISABLED and operation not in AFTER else "lifecycle.sequence"
