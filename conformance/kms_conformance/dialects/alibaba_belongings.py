"""Belongings of keys in the dialect `alibaba`: aliases, tags and the description."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kms_conformance.dialects.belongings import DESCRIPTION, Belonging, texts_at, texts_in
from kms_conformance.wire.messages import Request

_MOST_TAGS = 20


def _tag_names(request: Request) -> tuple[str, ...]:
    """The tag names in `Tags`, a JSON list of objects, and in `TagKeys`, a JSON list of names."""
    names: dict[str, None] = {}
    for raw in texts_in("Tags", "TagKeys")(request):
        try:
            entries = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        for entry in entries if isinstance(entries, list) else ():
            name = entry.get("TagKey") if isinstance(entry, Mapping) else entry
            if isinstance(name, str):
                names[name] = None
    return tuple(names)


BELONGINGS = (
    Belonging(
        "alias",
        made_by=frozenset({"set_alias"}),
        taken_by=frozenset({"delete_alias"}),
        takes_off=lambda _, names: ("delete_alias", {"alias": names[0]}),
        requested=texts_in("AliasName"),
        recorded=True,
        unique=True,
        absent="unknown_alias",
    ),
    Belonging(
        "tag",
        made_by=frozenset({"tag"}),
        taken_by=frozenset({"untag"}),
        takes_off=lambda key, names: ("untag", {"key_id": key, "tag_keys": list(names)}),
        requested=_tag_names,
        recorded=True,
        listed_by="list_tags",
        listed=texts_at("Tags", "Tag", "TagKey"),
        most=_MOST_TAGS,
    ),
    DESCRIPTION,
)
