"""What an account tells of itself before anything is created in it: whose it is, what room it has, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import MARKER_PREFIX, Ledger
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.core.shard_marks import kin_of
from kms_conformance.keys.pool import Pool

#: Who may be there before us is looked at key by key; at the default pace this takes 40 s.
MOST_LOOKED_AT = 200


@dataclass(frozen=True)
class Quota:
    """How many keys there are, and how many there may be; `told` says whether the endpoint itself told us."""

    used: int
    limit: int
    reported: bool

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


def quota(client: Client, keys: int) -> Quota:
    """The quota of keys: what the endpoint says where it has an operation for that, else `keys` of what is documented.

    Raises `Inconclusive`.
    """
    documented = Quota(keys, int(client.profile.facts["key_quota"]), reported=False)
    if "quotas" not in client.api:
        return documented
    answer = client.ask("quotas")
    found = client.dialect.quota(answer.value) if answer.accepted else None
    return documented if found is None else Quota(*found, reported=True)


def account_problem(client: Client) -> str | None:
    """What the endpoint says is wrong with the account; None where it says nothing. Raises `Inconclusive`."""
    if "account_status" not in client.api:
        return None
    answer = client.ask("account_status")
    return client.dialect.standing(answer.value) if answer.accepted else None


def keys_in_use(pool: Pool, ledger: Ledger, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(id, marker) of keys that bear a marker of this suite, are in use, and are not in our ledger.

    They belong to a run that goes on elsewhere, with which this one would share the quota, and each would see keys come
    and go; or to a ledger that was lost, and then they cost money. One that waits for deletion does neither any more.
    Those of the other shards of one division are expected: each has its part of the limits.
    """
    entries = tuple(ledger.entries())
    ours = {entry.key for entry in entries if entry.key} | {entry.marker for entry in entries}
    for key in keys[:MOST_LOOKED_AT]:
        if key in ours:
            continue
        try:
            view = pool.read(key)
        except Inconclusive:
            continue
        marker = view.description or ""
        if kin_of(ledger.mark, marker, MARKER_PREFIX):
            continue
        if marker.startswith(MARKER_PREFIX) and marker not in ours and view.state not in (PENDING, GONE):
            yield key, marker


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


def cost_of(profile: Profile, keys: int) -> str:
    """One sentence on the price of a run that creates so many keys and lets them go within a day."""
    facts = profile.facts.get("billing")
    if facts is None:
        return "not known: see the vendor's price page"
    source = "{title}, {updated}, {url}".format(**facts["source"])
    notes = "".join(f"; {note}" for note in facts.get("notes", ()))
    price = facts.get("key_day")
    if price is None:
        return f"not known: see the price page ({source}){notes}"
    most = keys * price["amount"]
    return f"at most {most:g} {price['currency']}: {keys} keys for a day at {price['amount']:g} each ({source}){notes}"
