"""Belongings of keys in the dialect `huawei`: the alias, which is the key's name, and the description."""

from __future__ import annotations

from kms_conformance.dialects.belongings import Belonging, texts_at, texts_in

BELONGINGS = (
    Belonging(
        "name",
        made_by=frozenset({"set_alias"}),
        taken_by=frozenset(),
        takes_off=lambda key, names: ("set_alias", {"key_id": key, "alias": names[0]}),
        requested=texts_in("key_alias"),
        listed_by="describe",
        listed=texts_at("key_alias"),
        own_value="marker",
    ),
    Belonging(
        "description",
        made_by=frozenset({"update_description"}),
        taken_by=frozenset(),
        takes_off=lambda key, names: ("update_description", {"key_id": key, "description": names[0]}),
        requested=texts_in("key_description"),
        listed_by="describe",
        listed=texts_at("key_description"),
        own_value="marker",
    ),
)
