"""Facts about a target's account before a run: quota, status, keys of other runs, costs; advice on credentials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.core.shard_marks import created_by_sibling
from kms_conformance.keys.pool import Pool

#: The largest number of keys that are read to find other runs. At the default of 5 requests a second this takes 40 s.
MOST_LOOKED_AT = 200


@dataclass(frozen=True)
class Quota:
    """The numbers of keys used and allowed; `reported` is true if the endpoint itself gave both numbers."""

    used: int
    limit: int
    reported: bool

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


def quota(client: Client, keys: int) -> Quota:
    """The quota of keys as the endpoint reports it.

    If the endpoint reports no quota, the result is `keys`, the number of listed keys, and the documented limit. Raises
    `Inconclusive`.
    """
    documented = Quota(keys, int(client.profile.facts["key_quota"]), reported=False)
    if "quotas" not in client.api:
        return documented
    answer = client.ask("quotas")
    found = client.dialect.quota(answer.value) if answer.accepted else None
    return documented if found is None else Quota(*found, reported=True)


def account_problem(client: Client) -> str | None:
    """The problem that the endpoint reports for the account, or None. Raises `Inconclusive`."""
    if "account_status" not in client.api:
        return None
    answer = client.ask("account_status")
    return client.dialect.account_problem(answer.value) if answer.accepted else None


def keys_in_use(pool: Pool, ledger: Ledger, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Pairs (id, marker) of keys with a marker of this suite that are not pending and not in this ledger.

    Either a run on another machine uses these keys; then both runs share the quota and may change keys at the same
    time. Or the ledger of these keys is lost; then they cost money. Keys of other shards of the same run are left out,
    because each shard has its own part of the limits.
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
        if created_by_sibling(ledger.mark, marker, MARKER_PREFIX):
            continue
        if marker.startswith(MARKER_PREFIX) and marker not in ours and view.state not in (PENDING, GONE):
            yield key, marker


@dataclass(frozen=True)
class Advice:
    """The meaning of a refusal of our credentials, and the next step."""

    means: str
    next: str


# If several of these are possible, they are shown in this order.
_ADVICE = {
    "expired_token": Advice("The token has expired.", "Get a new one and set it in the target file's variable."),
    "stale_signature": Advice(
        "The time of our signature is too far from the endpoint's.",
        "Correct this machine's clock (NTP): `doctor` says by how much it is off.",
    ),
    "wrong_project": Advice(
        "The credentials are not for this project or this region.",
        "`project_id`, the project of the token and the region in base_url must match.",
    ),
    "bad_token": Advice(
        "The endpoint does not know the token.", "Get one from the identity service of the region in base_url."
    ),
    "unknown_access_key": Advice(
        "The endpoint does not know the access key.", "Check `access_key_id`: is it of this cloud, and enabled?"
    ),
    "wrong_signature": Advice(
        "The signature does not match.", "Check `access_key_secret`: it belongs to one access key only."
    ),
    "not_permitted": Advice(
        "The user may not do this.",
        "Grant permission to create, read, use, enable, disable, schedule and cancel keys, and to list them.",
    ),
}
_OF_TOKENS = frozenset({"expired_token", "bad_token"})
_OF_SIGNATURES = frozenset({"stale_signature", "unknown_access_key", "wrong_signature"})


def advise(profile: Profile, status: int, code: str | None, *, signed: bool, clock_is_off: bool) -> tuple[Advice, ...]:
    """The advice on each possible reason for which credentials were refused with this status and code; may be empty.

    - `signed`: true for access keys, false for tokens.
    - `clock_is_off`: if true, and the status and code fit an outdated signature, this is the only reason returned.

    If this status and code are the first documented answer to some refusals, only these refusals are returned.
    """
    others = _OF_TOKENS if signed else _OF_SIGNATURES
    admitting = tuple(name for name in _ADVICE if profile.admits(name, status, code))
    # An access key may have a security token, so refusals of tokens are left out only where there are others.
    likely = [name for name in admitting if name not in others] or admitting
    found = {name: profile.refusal(name).answers[0] for name in likely}
    if clock_is_off and "stale_signature" in found:
        return (_ADVICE["stale_signature"],)
    first = [name for name, answer in found.items() if (answer.status, answer.code) == (status, code)]
    return tuple(_ADVICE[name] for name in first or found)


def cost_of(profile: Profile, keys: int) -> str:
    """The price of a run that creates `keys` keys and schedules them within a day, as text with its source.

    The price is in the profile under `billing`. If it is missing there, the text says that the price is not known.
    """
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
