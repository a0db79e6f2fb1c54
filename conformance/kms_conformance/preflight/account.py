"""What an account tells of itself before anything is created in it: whose it is, what room it has, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import MARKER_PREFIX, Ledger
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.core.shard_marks import created_by_sibling
from kms_conformance.keys.pool import Pool

#: Who may be there before us is looked at key by key; at the default pace this takes 40 s.
MOST_LOOKED_AT = 200


@dataclass(frozen=True)
class Quota:
    """How many keys there are, and how many there may be; `told` says whether the endpoint itself told us."""

    used: int
    limit: int
    told: bool

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


def quota(client: Client, keys: int) -> Quota:
    """The quota of keys: what the endpoint says where it has an operation for that, else `keys` of what is documented.

    Raises `Inconclusive`.
    """
    documented = Quota(keys, int(client.profile.facts["key_quota"]), told=False)
    if "quotas" not in client.api:
        return documented
    answer = client.ask("quotas")
    found = client.dialect.quota(answer.value) if answer.accepted else None
    return documented if found is None else Quota(*found, told=True)


def standing(client: Client) -> str | None:
    """What the endpoint says is wrong with the account; None where it says nothing. Raises `Inconclusive`."""
    if "account_status" not in client.api:
        return None
    answer = client.ask("account_status")
    return client.dialect.account_problem(answer.value) if answer.accepted else None


def colliding(pool: Pool, ledger: Ledger, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
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
        if created_by_sibling(ledger.mark, marker, MARKER_PREFIX):
            continue
        if marker.startswith(MARKER_PREFIX) and marker not in ours and view.state not in (PENDING, GONE):
            yield key, marker
