"""Faults of what a key has: aliases, tags, grants, description and rotation."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.blind.sixth.mixins import (
    NAMED,
    ReadingOtherwise,
    Remembering,
    Storing,
    as_json,
    is_pending,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.emulator import Key

_row = rows_of("what a key has")
_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")
_LONGEST_ALIAS, _LONGEST_TEXT = 64, 255
_WRITES = ("create", "update_description")


class CancelRestoresTheRow(Storing):
    """Cancelling copies back the row that scheduling saved, with all that has changed since."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes[after.id] = before
        saved = self.notes.pop(after.id, None) if operation == "cancel" else None
        if saved is None:
            return ()
        return (replace(after, aliases=saved.aliases, tags=saved.tags, grants=saved.grants, policy=saved.policy),)


class AliasOfAnArnIsDead(Storing):
    """The target is kept as it was sent, and no key is found by it; report of a user of floci and of LocalStack."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        alias = self.sent("AliasName")
        if operation in {"set_alias", "update_alias"}:
            self.notes[alias] = str(self.sent("TargetKeyId")).startswith("arn:")
        return ()

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation != "resolve_alias":
            return found
        return {
            name: replace(key, aliases=tuple(alias for alias in key.aliases if not self.notes.get(alias)))
            for name, key in found.items()
        }


class AliasesByArnAreNone(Remembering):
    """The list compares the name of the key with ids; report of a user of LocalStack."""

    def aliases_listed(self, key: Key, keys: Collection[Key]) -> Iterable[Key]:
        return () if self.named.startswith("arn:") else super().aliases_listed(key, keys)


def _sent_tags(value: object) -> dict[str, str]:
    entries = as_json(value)
    return {entry["TagKey"]: entry.get("TagValue", "") for entry in entries} if isinstance(entries, list) else {}


class KnownTagReplacesAll(Storing):
    """If a tag has to be updated, the list of tags is replaced by the sent one."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "tag":
            return ()
        sent = _sent_tags(self.sent("Tags"))
        known = any(name in sent for name, _ in before.tags)
        return (replace(after, tags=tuple(sent.items())),) if known else ()


class UntagByPrefix(Storing):
    """Tags are deleted by a pattern that ends in a wildcard."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        names = as_json(self.sent("TagKeys")) if operation == "untag" else None
        if not isinstance(names, list):
            return ()
        return (replace(after, tags=tuple(tag for tag in after.tags if not tag[0].startswith(tuple(names)))),)


class EmptyTagIsLost(Storing):
    """A tag without a value is left out when tags are written."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in {"create", "tag"}:
            return ()
        return (replace(after, tags=tuple(tag for tag in after.tags if tag[1])),)


class TagsInAscii(Storing):
    """The column of tag values holds ASCII alone."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in {"create", "tag"}:
            return ()
        tags = tuple((name, value.encode("ascii", "replace").decode()) for name, value in after.tags)
        return (replace(after, tags=tags),)


class RevokesAllOfTheGrantee(Storing):
    """Grants are deleted by principal."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        gone = {grant.grantee for grant in set(before.grants) - set(after.grants)}
        if operation != "revoke_grant":
            return ()
        return (replace(after, grants=tuple(grant for grant in after.grants if grant.grantee not in gone)),)


class PageSkipsOne(ReadingOtherwise):
    """The marker is the last entry of a page, and the next page begins behind the entry after it."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        marker = str(values.get("Marker", ""))
        if operation in {"list_aliases", "list_grants", "list_tags"} and marker.isdecimal() and len(marker) < 9:
            values["Marker"] = str(int(marker) + 1)


class AliasesOfThePrefixGo(Storing):
    """Aliases are deleted by a pattern that ends in a wildcard, whatever key they name."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        prefix = self.sent("AliasName")
        if operation != "delete_alias" or not isinstance(prefix, str):
            return ()
        now = {key.id: key for key in (*keys, after)}
        return [
            replace(key, aliases=tuple(alias for alias in key.aliases if not alias.startswith(prefix)))
            for key in now.values()
        ]


class LongAliasIsCut(Storing):
    """The column of aliases has 64 characters."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in {"create", "set_alias"}:
            return ()
        return (replace(after, aliases=tuple(alias[:_LONGEST_ALIAS] for alias in after.aliases)),)


class AliasOfPendingIsFree(Storing):
    """Keys that are pending deletion are not looked at for an alias, and lose it to the new key."""

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return super().alias_taken(alias, [key for key in keys if not is_pending(key)])

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in {"create", "set_alias"}:
            return ()
        return [
            replace(key, aliases=tuple(alias for alias in key.aliases if alias not in after.aliases))
            for key in keys
            if is_pending(key) and key.id != after.id
        ]


class TextsOf16Bits(Storing):
    """The database holds characters of at most 16 bits."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in _WRITES:
            return ()
        return (replace(after, description=_BEYOND_16_BITS.sub("?", after.description)),)


class LongTextIsCut(Storing):
    """The column of descriptions has 255 characters."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return (replace(after, description=after.description[:_LONGEST_TEXT]),) if operation in _WRITES else ()


class EmptyTextIsIgnored(Storing):
    """An empty description is taken for a missing one."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return (before,) if operation == "update_description" and not after.description else ()


class CancelTurnsRotationOn(Storing):
    """Scheduling turns rotation off, and cancelling turns it on without a look at what was before."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        rotates = operation == "cancel" and not after.external and after.spec == "SYMMETRIC_DEFAULT"
        return (replace(after, rotated=True),) if rotates else ()


BELONGINGS = (
    _row(
        "cancel-restores-the-row",
        "major",
        "Cancelling brings back aliases, grants and policies that were deleted or replaced while the key was pending.",
        "pending.delete-alias",
        "pending.revoke-grant",
        "pending.put-policy",
        "cancel.keeps.aliases",
        "cancel.keeps.policy",
        of=NAMED,
        does=[CancelRestoresTheRow],
    ),
    _row(
        "alias-of-an-arn-is-dead",
        "major",
        "An alias that was made for the key's ARN names no key.",
        "set-alias.reply",
        "describe.arn-agrees",
        "enabled.every-name",
        of=[AWS],
        does=[AliasOfAnArnIsDead],
    ),
    _row(
        "aliases-by-arn-are-none",
        "major",
        "The list of aliases of a key that is named by its ARN is empty.",
        "list-aliases.reply",
        "describe.arn-agrees",
        "enabled.every-name",
        of=[AWS],
        does=[AliasesByArnAreNone],
    ),
    _row(
        "known-tag-replaces-all",
        "major",
        "Giving a tag that the key has a new value deletes the key's other tags.",
        "tag.reply",
        of=NAMED,
        does=[KnownTagReplacesAll],
    ),
    _row(
        "untag-by-prefix",
        "major",
        "Removing a tag removes all tags whose names begin with its name.",
        "untag.reply",
        "list-tags.reply",
        "tag.reply",
        of=NAMED,
        does=[UntagByPrefix],
    ),
    _row(
        "empty-tag-is-lost",
        "minor",
        "A tag with an empty value is accepted and not kept.",
        "tag.reply",
        of=NAMED,
        does=[EmptyTagIsLost],
    ),
    _row(
        "tags-in-ascii",
        "minor",
        "The characters of a tag's value that are not ASCII are replaced by question marks.",
        "tag.reply",
        of=NAMED,
        does=[TagsInAscii],
    ),
    _row(
        "revokes-all-of-the-grantee",
        "major",
        "Revoking a grant revokes all grants of the same principal on the key.",
        "revoke-grant.reply",
        of=[AWS],
        does=[RevokesAllOfTheGrantee],
    ),
    _row(
        "page-skips-one",
        "major",
        "Between two pages of aliases, grants or tags, one entry is left out.",
        "list-aliases.reply",
        "list-grants.reply",
        "list-tags.reply",
        of=[AWS],
        does=[PageSkipsOne],
    ),
    _row(
        "aliases-of-the-prefix-go",
        "major",
        "Deleting an alias deletes all aliases that begin with its name, of any key.",
        "delete-alias.reply",
        of=NAMED,
        does=[AliasesOfThePrefixGo],
    ),
    _row(
        "long-alias-is-cut",
        "major",
        "An alias of more than 64 characters is cut.",
        "set-alias.reply",
        does=[LongAliasIsCut],
    ),
    _row(
        "alias-of-pending-is-free",
        "major",
        "The alias of a pending key can be given to another key, and is taken from the pending one.",
        "set-alias.reply",
        "cancel.keeps.aliases",
        "cancel.keeps.name",
        does=[AliasOfPendingIsFree],
    ),
    _row(
        "texts-of-16-bits",
        "minor",
        "Characters of a description that need more than 16 bits, such as emoji, become question marks.",
        "update-description.reply",
        "create.reply",
        does=[TextsOf16Bits],
    ),
    _row(
        "long-text-is-cut",
        "minor",
        "A description of more than 255 characters is cut.",
        "update-description.reply",
        of=NAMED,
        does=[LongTextIsCut],
    ),
    _row(
        "empty-text-is-ignored",
        "minor",
        "An empty description is accepted and leaves the old one.",
        "update-description.reply",
        does=[EmptyTextIsIgnored],
    ),
    _row(
        "cancel-turns-rotation-on",
        "major",
        "After its deletion was cancelled, a key that was never rotated is rotated.",
        "cancel.rotation-restored",
        of=[AWS],
        does=[CancelTurnsRotationOn],
    ),
)
