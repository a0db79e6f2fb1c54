"""What to do when a target refuses our own credentials: by the refusals of its profile, the same for every dialect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kms_conformance.catalogue.profile import Profile


@dataclass(frozen=True)
class Advice:
    """What a refusal means for its user, and what to do next."""

    means: str
    next: str


# In the order in which they are told where several are possible.
_ADVICE = {
    "expired_token": Advice("The token has expired.", "Get a new one and set it in the target file's variable."),
    "stale_signature": Advice(
        "The time of our signature is too far from the endpoint's.",
        "Set this machine's clock right (NTP): `doctor` says by how much it is off.",
    ),
    "wrong_project": Advice(
        "The credentials are not for this project or this region.",
        "`project_id`, the project that the token was issued for, and the region in base_url must belong together.",
    ),
    "bad_token": Advice(
        "The endpoint does not know the token.", "Get one from the identity service of the region in base_url."
    ),
    "unknown_access_key": Advice(
        "The endpoint does not know the access key.", "Check `access_key_id`: is it of this cloud, and enabled?"
    ),
    "wrong_signature": Advice(
        "The signature does not fit.", "Check `access_key_secret`: it belongs to one access key alone."
    ),
    "not_permitted": Advice(
        "The user may not do this.",
        "Grant permission to create, read, use, enable, disable, schedule and cancel keys, and to list them.",
    ),
}
_OF_TOKENS = frozenset({"expired_token", "bad_token"})
_OF_SIGNATURES = frozenset({"stale_signature", "unknown_access_key", "wrong_signature"})


def advise(profile: Profile, status: int, code: str | None, *, signed: bool, clock_is_off: bool) -> tuple[Advice, ...]:
    """What may be wrong with credentials that were refused so; `signed` tells access keys from tokens.

    A code that one refusal is known by first means that one; a clock that is off explains a refused signature.
    """
    others = _OF_TOKENS if signed else _OF_SIGNATURES
    found = {name: profile.refusal(name).answers[0] for name in _admitting(profile, status, code) if name not in others}
    if clock_is_off and "stale_signature" in found:
        return (_ADVICE["stale_signature"],)
    first = [name for name, answer in found.items() if (answer.status, answer.code) == (status, code)]
    return tuple(_ADVICE[name] for name in first or found)


def _admitting(profile: Profile, status: int, code: str | None) -> Iterator[str]:
    for name in _ADVICE:
        if name in profile.facts["refusals"] and profile.refusal(name).admits(status, code):
            yield name
