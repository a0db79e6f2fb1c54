"""Belongings of keys in the dialect `aws`: aliases, tags, grants, the policy, the rotation and the description."""

from __future__ import annotations

from kms_conformance.dialects.belongings import DESCRIPTION, Belonging, texts_at, texts_in

_MOST_TAGS = 20


BELONGINGS = (
    Belonging(
        "alias",
        made_by=frozenset({"set_alias", "update_alias"}),
        taken_by=frozenset({"delete_alias"}),
        takes_off=lambda _, names: ("delete_alias", {"alias": names[0]}),
        requested=texts_in("AliasName"),
        listed_by="list_aliases",
        listed=texts_at("Aliases", "AliasName"),
        unique=True,
        absent="unknown_alias",
    ),
    Belonging(
        "tag",
        made_by=frozenset({"tag"}),
        taken_by=frozenset({"untag"}),
        takes_off=lambda key, names: ("untag", {"key_id": key, "tag_keys": list(names)}),
        requested=texts_in("TagKey", "TagKeys"),
        recorded=True,
        listed_by="list_tags",
        listed=texts_at("Tags", "TagKey"),
        most=_MOST_TAGS,
    ),
    Belonging(
        "grant",
        made_by=frozenset({"create_grant"}),
        taken_by=frozenset({"revoke_grant"}),
        takes_off=lambda key, names: ("revoke_grant", {"key_id": key, "grant_id": names[0]}),
        requested=texts_in("GrantId"),
        replied=texts_at("GrantId"),
        listed_by="list_grants",
        listed=texts_at("Grants", "GrantId"),
        absent="invalid_grant",
    ),
    Belonging(
        "policy",
        made_by=frozenset({"put_policy"}),
        taken_by=frozenset(),
        takes_off=lambda key, names: ("put_policy", {"key_id": key, "policy": names[0]}),
        requested=texts_in("Policy"),
        listed_by="get_policy",
        listed=texts_at("Policy"),
        own_value="read",
    ),
    Belonging(
        "rotation",
        made_by=frozenset({"enable_rotation"}),
        taken_by=frozenset({"disable_rotation"}),
        takes_off=lambda key, _: ("disable_rotation", {"key_id": key}),
        listed_by="rotation_status",
        listed=texts_at("KeyRotationEnabled"),
        # A new key is not rotated.
        own_value="false",
    ),
    DESCRIPTION,
)
