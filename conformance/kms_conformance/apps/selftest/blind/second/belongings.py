"""The second blind set: descriptions, aliases, tags, grants, policies and rotation."""

from __future__ import annotations

import html
import secrets
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from kms_conformance.apps.selftest.blind.memory import Memory, changing, shown_as
from kms_conformance.apps.selftest.blind.second.mixins import (
    TakenAliasMoved,
    pending,
    remembering_deleted,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.emulator import Key, Rules

_kept = rows_of("what a key keeps")
_name = rows_of("aliases")
_more = rows_of("tags, grants, policies and rotation")
_NAMED = (ALIBABA, AWS)


def _without_kept(_m: Memory, before: Key, after: Key) -> Key:
    return replace(after, tags=tuple(tag for tag in after.tags if tag not in before.tags))


def _old_if_pending(_m: Memory, before: Key, after: Key) -> Key:
    return before if pending(before) else after


class _DeletedByPrefix(Memory):
    """Deleting an alias deletes all aliases that begin with its name."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation != "delete_alias":
            return found
        gone = tuple(alias for alias in before.aliases if alias not in after.aliases)
        others = (key for key in keys if key.id != after.id and not key.default)
        return tuple(
            replace(key, aliases=tuple(alias for alias in key.aliases if not alias.startswith(gone)))
            for key in (*found, *others)
        )


class _AliasCopied(Memory):
    """Moving an alias leaves it on the key that had it before, too."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._left: list[tuple[str, str]] = []

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "update_alias":
            alias = after.aliases[-1]
            self._left += [(key.id, alias) for key in keys if key.id != after.id and alias in key.aliases]
        return super().effects(operation, before, after, keys)

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().changed_by_time(keys))
        left, self._left = self._left, []
        by_id = {key.id: key for key in keys}
        return (*found, *(replace(by_id[n], aliases=(*by_id[n].aliases, a)) for n, a in left if n in by_id))


class _FirstOwner(Memory):
    """The first key that an alias named is what the alias names in requests for ever, as long as the key exists."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._owners: dict[str, str] = {}

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation != "resolve_alias":
            return found
        for key in found.values():
            for alias in key.aliases:
                if self._owners.get(alias) not in found:
                    self._owners[alias] = key.id
        return {
            name: replace(key, aliases=tuple(alias for alias, owner in self._owners.items() if owner == name))
            for name, key in found.items()
        }


class _LastRotation(Memory):
    """Cancelling gives the key the rotation of the key that was scheduled last."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            last = self.latest if operation == "cancel" else None
            yield key if last is None else replace(key, rotated=last.rotated)


KEPT = (
    _kept(
        "schedule-cuts-description",
        "minor",
        "Scheduling cuts the description of the key after 64 characters.",
        "schedule.keeps.name",
        "cancel.keeps.name",
        does=(changing("schedule", lambda _m, _old, new: replace(new, description=new.description[:64])),),
    ),
    _kept(
        "cancel-escapes-description",
        "minor",
        "Cancelling escapes the description for HTML: `&` becomes `&amp;`.",
        "cancel.keeps.name",
        does=(changing("cancel", lambda _m, _old, new: replace(new, description=html.escape(new.description))),),
    ),
    _kept(
        "disable-loses-foreign-letters",
        "minor",
        "Disabling replaces the letters beyond ASCII in the description by question marks.",
        "disable.keeps.name",
        does=(
            changing(
                "disable",
                lambda _m, _old, new: replace(new, description=new.description.encode("ascii", "replace").decode()),
            ),
        ),
    ),
    _kept(
        "enable-renews-creation-date",
        "minor",
        "Enabling a key makes its creation date the present time.",
        "enable.keeps.fields",
        does=(changing("enable", lambda m, _old, new: replace(new, created=m.now.replace(microsecond=0))),),
    ),
    _kept(
        "disable-renews-version",
        "minor",
        "Disabling a key gives it a new primary version.",
        "disable.keeps.fields",
        of=(ALIBABA,),
        does=(changing("disable", lambda _m, _old, new: replace(new, version_id=str(uuid.uuid4()))),),
    ),
    _kept(
        "schedule-lowers-aliases",
        "major",
        "Scheduling writes the aliases of the key in small letters.",
        "schedule.keeps.name",
        "schedule.keeps.aliases",
        "cancel.keeps.aliases",
        does=(changing("schedule", lambda _m, _old, new: replace(new, aliases=tuple(a.lower() for a in new.aliases))),),
    ),
)

ALIASES = (
    _name(
        "delete-alias-by-beginning",
        "major",
        "Deleting an alias deletes all aliases that begin with its name, of all keys.",
        "isolation.other-keys",
        "pending.delete-alias",
        of=_NAMED,
        does=(_DeletedByPrefix,),
    ),
    _name(
        "delete-alias-deletes-all",
        "major",
        "Deleting an alias deletes all aliases of its key.",
        "pending.delete-alias",
        "delete-alias.reply",
        of=_NAMED,
        does=(changing("delete_alias", lambda _m, _old, new: replace(new, aliases=())),),
    ),
    _name(
        "pending-alias-deleted-in-vain",
        "minor",
        "Deleting an alias of a pending key succeeds without an effect.",
        "pending.delete-alias",
        of=_NAMED,
        does=(changing("delete_alias", _old_if_pending),),
    ),
    _name(
        "alias-names-first-owner",
        "major",
        "An alias goes on naming the first key that had it, after it was deleted or moved.",
        "delete-alias.reply",
        "pending.delete-alias",
        of=_NAMED,
        does=(_FirstOwner,),
    ),
    _name(
        "taken-alias-moved",
        "critical",
        "Creating an alias that another key has is refused, but the alias is moved.",
        "refused.changes-nothing",
        of=_NAMED,
        does=(TakenAliasMoved,),
    ),
    _name(
        "update-alias-copies",
        "major",
        "Moving an alias leaves it on the old key, too.",
        "update-alias.reply",
        "pending.update-alias-away",
        of=(AWS,),
        does=(_AliasCopied,),
    ),
    _name(
        "deleted-aliases-listed",
        "major",
        "The list of aliases goes on with those of deleted keys.",
        "expiry.aliases",
        of=(AWS,),
        does=(remembering_deleted({"list_aliases"}),),
    ),
)

MORE = (
    _more(
        "tag-replaces",
        "major",
        "New tags replace those that the key had.",
        "tag.reply",
        of=_NAMED,
        does=(changing("tag", _without_kept),),
    ),
    _more(
        "untag-removes-all",
        "major",
        "Removing one tag removes all tags of the key.",
        "untag.reply",
        of=(AWS,),
        does=(changing("untag", lambda _m, _old, new: replace(new, tags=())),),
    ),
    _more(
        "cancel-empties-tag-values",
        "minor",
        "Cancelling leaves the names of the key's tags, but empties their values.",
        "cancel.keeps.tags",
        of=_NAMED,
        does=(changing("cancel", lambda _m, _old, new: replace(new, tags=tuple((name, "") for name, _ in new.tags))),),
    ),
    _more(
        "schedule-adds-tag",
        "minor",
        "Scheduling adds a tag to the key, for the clean-up job.",
        "schedule.keeps.tags",
        of=_NAMED,
        does=(changing("schedule", lambda _m, _old, new: replace(new, tags=(*new.tags, ("deletion", "planned")))),),
    ),
    _more(
        "cancel-reduces-grants",
        "major",
        "Cancelling leaves each grant only its first operation.",
        "cancel.keeps.grants",
        of=(AWS,),
        does=(
            changing(
                "cancel",
                lambda _m, _old, new: replace(
                    new, grants=tuple(replace(grant, operations=grant.operations[:1]) for grant in new.grants)
                ),
            ),
        ),
    ),
    _more(
        "schedule-renews-grant-ids",
        "major",
        "Scheduling gives the grants on the key new ids.",
        "schedule.keeps.grants",
        of=(AWS,),
        does=(
            changing(
                "schedule",
                lambda _m, _old, new: replace(
                    new, grants=tuple(replace(grant, id=secrets.token_hex(32)) for grant in new.grants)
                ),
            ),
        ),
    ),
    _more(
        "pending-grant-revoked-in-vain",
        "critical",
        "Revoking a grant on a pending key succeeds without an effect.",
        "pending.revoke-grant",
        of=(AWS,),
        does=(changing("revoke_grant", _old_if_pending),),
    ),
    _more(
        "pending-policy-put-in-vain",
        "major",
        "Replacing the policy of a pending key succeeds without an effect.",
        "pending.put-policy",
        of=(AWS,),
        does=(changing("put_policy", _old_if_pending),),
    ),
    _more(
        "pending-policy-shown-as-default",
        "minor",
        "While a key is pending, its policy reads as the default policy.",
        "pending.get-policy",
        "schedule.keeps.policy",
        of=(AWS,),
        does=(shown_as({"get_policy"}, lambda _m, key, _now: replace(key, policy="") if pending(key) else key),),
    ),
    _more(
        "enable-after-cancel-stops-rotation",
        "major",
        "Enabling a key whose deletion was once cancelled turns its rotation off.",
        "enable.keeps.rotation",
        "cancel.rotation-restored",
        of=(AWS,),
        does=(
            changing("enable", lambda m, _old, new: replace(new, rotated=False) if m.done["cancel", new.id] else new),
        ),
    ),
    _more(
        "rotation-of-last-scheduled",
        "major",
        "Cancelling gives the key the rotation of the key that was scheduled last.",
        "cancel.rotation-restored",
        of=(AWS,),
        does=(_LastRotation,),
    ),
)
