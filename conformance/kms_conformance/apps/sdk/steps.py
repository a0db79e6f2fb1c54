"""Steps of the key lifecycle: the calls that are made through each client, with the documented outcome of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING

KeyChoice = Literal["own", "unknown", "malformed"]


@dataclass(frozen=True)
class Step:
    """One call with its expected outcome.

    - `needs`: the state of the key before the call, set by our own requests.
    - `refusal`: the name of the expected refusal in the profile; None if the call must be accepted.
    - `then`: the state of the key after an accepted call; None if the call does not change the state.
    - `window`: the waiting period in days, if the call schedules a deletion.
    - `key`: the key that the call names: our own key, an unknown key, or a malformed id.
    - `wrong_credentials`: whether the call is made with wrong credentials.
    """

    title: str
    operation: str
    needs: str = ENABLED
    refusal: str | None = None
    then: str | None = None
    window: int | None = None
    key: KeyChoice = "own"
    wrong_credentials: bool = False


def steps(profile: Profile, days: int) -> Iterator[Step]:
    """All steps between the first (`CREATE`) and the last (`EXPIRED`); `days` is the usual waiting period."""
    window, after = profile.window, profile.after_cancel
    yield Step("describe a new key", "describe")
    yield Step("list the keys", "list")
    yield Step("encrypt", "encrypt")
    yield Step("decrypt", "decrypt")
    yield Step("generate a data key", "generate_data_key")
    yield Step("disable", "disable", ENABLED, then=DISABLED)
    yield _refused(profile, "use a disabled key", "generate_data_key", DISABLED)
    yield Step("enable", "enable", DISABLED, then=ENABLED)
    yield Step("window below the shortest", "schedule", refusal="window_out_of_range", window=window.minimum - 1)
    yield Step("window above the longest", "schedule", refusal="window_out_of_range", window=window.maximum + 1)
    yield Step("schedule its deletion", "schedule", ENABLED, then=PENDING, window=days)
    yield Step("list with a pending key", "list", PENDING)
    yield Step("schedule it again", "schedule", PENDING, refusal="already_pending", window=window.minimum)
    for title, operation in _ON_PENDING:
        yield _refused(profile, title, operation, PENDING)
    yield Step("cancel its deletion", "cancel", PENDING, then=after)
    yield _refused(profile, "cancel it again", "cancel", after)
    for operation in ("describe", "schedule", "cancel"):
        yield Step(
            f"{operation} an unknown key",
            operation,
            refusal="unknown_key",
            window=days if operation == "schedule" else None,
            key="unknown",
        )
    yield Step("describe a malformed id", "describe", refusal="malformed_key", key="malformed")


_ON_PENDING = (
    ("enable a pending key", "enable"),
    ("disable a pending key", "disable"),
    ("use a pending key", "generate_data_key"),
    ("decrypt by a pending key", "decrypt"),
)
CREATE = Step("create", "create", then=ENABLED)
EXPIRED = Step("describe it after its waiting period", "describe", PENDING, refusal="unknown_key")


def with_wrong_credentials(refusal: str) -> Iterator[Step]:
    """The steps with wrong credentials; they are read-only."""
    yield Step("describe with wrong credentials", "describe", refusal=refusal, wrong_credentials=True)
    yield Step("list with wrong credentials", "list", refusal=refusal, wrong_credentials=True)


def _refused(profile: Profile, title: str, operation: str, state: str) -> Step:
    """A step that must be refused, because the profile refuses the operation on a key in this state."""
    return Step(title, operation, state, refusal=profile.refusal_in(operation, state))
