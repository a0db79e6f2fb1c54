"""The life of a key as programs lead it: the calls that are made through each client, and what is due on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING

Whose = Literal["our", "no", "malformed"]


@dataclass(frozen=True)
class Step:
    """One call. `needs` is the state that the key is brought into before, by our own requests.

    The call is accepted, and the key then reads as `then`; or it meets the refusal that the profile has by that name,
    and the key still reads as `needs`. `of` says which key is named, `by_stranger` that the credentials are wrong.
    """

    title: str
    operation: str
    needs: str = ENABLED
    refusal: str | None = None
    then: str | None = None
    window: int | None = None
    of: Whose = "our"
    by_stranger: bool = False


def steps(profile: Profile, days: int) -> Iterator[Step]:
    """All steps but the first, which creates the key, and the last, which waits for its end; windows are of `days`."""
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
            of="no",
        )
    yield Step("describe a malformed id", "describe", refusal="malformed_key", of="malformed")


_ON_PENDING = (
    ("enable a pending key", "enable"),
    ("disable a pending key", "disable"),
    ("use a pending key", "generate_data_key"),
    ("decrypt by a pending key", "decrypt"),
)
CREATE = Step("create", "create", then=ENABLED)
EXPIRED = Step("describe it when its time has come", "describe", PENDING, refusal="unknown_key")


def by_strangers(refusal: str) -> Iterator[Step]:
    """The steps with wrong credentials; they change nothing, whatever becomes of them."""
    yield Step("describe with wrong credentials", "describe", refusal=refusal, by_stranger=True)
    yield Step("list with wrong credentials", "list", refusal=refusal, by_stranger=True)


def _refused(profile: Profile, title: str, operation: str, state: str) -> Step:
    """What the profile's table of states says of an operation, which is a refusal here."""
    return Step(title, operation, state, refusal=profile.refusal_in(operation, state))
