"""Lists in pages: `Limit`, and `Marker`, which is the number of entries to leave out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kms_conformance.emulator.aws.fields import Fields


def page(fields: Fields, name: str, entries: Sequence[Any], default: int = 50, most: int = 1000) -> dict[str, Any]:
    """The page that is asked for, under its name."""
    limit = fields.number("Limit", range(1, most + 1), default)
    marker = fields.text("Marker", 1024, "0")
    if not re.fullmatch("[0-9]{1,9}", marker):
        raise Refused("invalid_marker")
    start = int(marker)
    more = len(entries) > start + limit
    told = {name: list(entries[start : start + limit]), "Truncated": more}
    return {**told, "NextMarker": str(start + limit)} if more else told
