"""What keys have besides their state, by looking into the store of an emulator."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from kms_conformance.emulator import Key

# Of keys whose alias is their name, this one alone has aliases that are there to stay.
NAMING = "huawei"


def left_over(dialect: str, keys: Iterable[Key]) -> Counter[str]:
    """What runs have left on keys of ours, by kind: what a key has beyond the state in which it was created."""
    found: Counter[str] = Counter()
    for key in keys:
        marker = key.description
        named = (marker,) if dialect == NAMING else ()
        found["description"] += not marker.startswith("kms-conformance-") or " " in marker
        found["alias"] += len(set(key.aliases) - set(named))
        found["name"] += len(set(named) - set(key.aliases))
        found["tag"] += len(key.tags)
        found["grant"] += len(key.grants)
        found["policy"] += bool(key.policy) and "kms-conformance" in json.loads(key.policy).get("Id", "")
        found["rotation"] += key.rotated
        found["protection"] += key.protected
    return +found
