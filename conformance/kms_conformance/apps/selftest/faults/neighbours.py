"""Faults of belongings: what a key has is shared with other keys, or copied, or goes with an alias that is deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, Mixin, showing
from kms_conformance.apps.selftest.blind.memory import Memory, changing
from kms_conformance.apps.selftest.blind.second.mixins import (
    RequestMemory,
    TakenAliasMoved,
    also_on_others,
    lost_if,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, Fault
from kms_conformance.apps.selftest.reply_mutations import on, without
from kms_conformance.emulator import Key, Rules

_NAMED = (ALIBABA, AWS)
_of_others = partial(
    Fault,
    fault_class="isolation",
    severity="major",
    families=("survives",),
    requirements=frozenset({"isolation.other-keys"}),
)
_of_aliases = partial(Fault, fault_class="names", severity="major", dialects=_NAMED)


def _of_last_scheduled(part: str) -> Mixin:
    """Cancelling gives a key what the key that was scheduled last had of a kind."""

    class OfLastScheduled(Memory):
        def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            for key in super().effects(operation, before, after, keys):
                last = self.latest if operation == "cancel" else None
                yield key if last is None else replace(key, **{part: getattr(last, part)})

    return OfLastScheduled


class _Forgetting(RequestMemory):
    """A description by another name than the id shows the state that it showed when that name was used first."""

    name_of = "alias/"

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, Key] = {}

    def shown(self, operation: str, key: Key, now: object) -> Key:
        found = super().shown(operation, key, now)  # type: ignore[arg-type]  # the time of the clock
        name = self.asked.parameters.get("KeyId")
        if operation != "describe" or not isinstance(name, str) or self.name_of not in name:
            return found
        return self._first.setdefault(name, found)


class _ForgettingByArn(_Forgetting):
    """The same for ARNs of keys."""

    name_of = ":key/"


class _FirstOwner(Memory):
    """An alias goes on naming the key that had it first, as long as that key exists."""

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
                self._owners.setdefault(alias, key.id)
        return {
            name: replace(key, aliases=tuple(alias for alias, owner in self._owners.items() if owner == name))
            for name, key in found.items()
        }


def _losing(gone: Callable[[str, str], bool]) -> Mixin:
    """Deleting an alias deletes each alias, of any key, for which `gone(deleted, alias)` is true."""

    class Losing(Memory):
        def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation, before, after, keys))
            if operation != "delete_alias":
                return found
            deleted = [alias for alias in before.aliases if alias not in after.aliases]
            others = (key for key in keys if key.id != after.id and not key.default)
            return tuple(
                replace(key, aliases=tuple(a for a in key.aliases if not any(gone(name, a) for name in deleted)))
                for key in (*found, *others)
            )

    return Losing


def _on_all_by_get(operation: str) -> Mixin:
    """A GET for the operation leaves all keys in the state of the named one, with its date."""

    class OnAllByGet(RequestMemory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation_asked, before, after, keys)
            if operation_asked == operation and self.asked.method == "GET":
                others = (key for key in keys if key.id != after.id and not key.default)
                yield from (
                    replace(key, state=after.state, deletion=after.deletion, window_days=after.window_days)
                    for key in others
                )

    return OnAllByGet


def _begins(name: str, alias: str) -> bool:
    return alias.startswith(name)


FAULTS = (
    _of_others(
        name="tagging-tags-every-key",
        title="Tagging a key tags every key that has no tags.",
        dialects=_NAMED,
        decisions=(
            also_on_others("tag", lambda _, new, other: other if other.tags else replace(other, tags=new.tags)),
        ),
    ),
    _of_others(
        name="policy-replaces-every-policy",
        title="Replacing the policy of a key replaces those of all keys.",
        dialects=(AWS,),
        decisions=(also_on_others("put_policy", lambda _, new, other: replace(other, policy=new.policy)),),
    ),
    _of_others(
        name="rotation-rotates-every-key",
        title="Turning the rotation of a key on turns it on for all keys.",
        dialects=(AWS,),
        decisions=(also_on_others("enable_rotation", lambda _old, _new, other: replace(other, rotated=True)),),
    ),
    _of_others(
        name="grants-on-every-key",
        title="A grant on a key is one on every key.",
        dialects=(AWS,),
        decisions=(also_on_others("create_grant", lambda _, new, other: replace(other, grants=new.grants)),),
    ),
    Fault(
        name="cancel-gives-rotation-of-last-scheduled",
        title="Cancelling gives a key the rotation of the key that was scheduled last.",
        fault_class="cancel",
        severity="major",
        families=("survives",),
        requirements=frozenset({"cancel.rotation-restored"}),
        dialects=(AWS,),
        decisions=(_of_last_scheduled("rotated"),),
    ),
    Fault(
        name="cancel-gives-description-of-last-scheduled",
        title="Cancelling gives a key the description of the key that was scheduled last.",
        fault_class="cancel",
        severity="major",
        requirements=frozenset({"cancel.keeps.name", "lifecycle.sequence", "cancel.only-named-key"}),
        families=("cancel", "survives", "history"),
        decisions=(_of_last_scheduled("description"),),
    ),
    _of_aliases(
        name="alias-names-its-first-key",
        title="An alias goes on naming the key that had it first.",
        families=("pending_use", "belongings"),
        requirements=frozenset({"delete-alias.reply", "pending.delete-alias", "update-alias.reply"}),
        decisions=(_FirstOwner,),
    ),
    *(
        _of_aliases(
            name=name,
            title=title,
            families=("pending_use",),
            requirements=frozenset({"pending.delete-alias", "delete-alias.reply"}),
            decisions=(_losing(gone),),
        )
        for name, title, gone in (
            ("alias-deleted-by-beginning", "Deleting an alias deletes those that begin with it.", _begins),
            ("alias-deleted-with-all", "Deleting an alias deletes all aliases.", lambda _name, _alias: True),
        )
    ),
    _of_aliases(
        name="described-by-alias-as-first",
        title="A key that is described by an alias reads as it was at the first time.",
        families=("every_name",),
        requirements=frozenset({"disabled.every-name", "pending.every-name"}),
        decisions=(_Forgetting,),
    ),
    _of_aliases(
        name="described-by-arn-as-first",
        title="A key that is described by its ARN reads as it was at the first time.",
        families=("every_name", "names"),
        requirements=frozenset({"disabled.every-name", "pending.every-name", "describe.arn-agrees"}),
        dialects=(AWS,),
        decisions=(_ForgettingByArn,),
    ),
    _of_aliases(
        name="listed-aliases-without-key",
        title="The aliases in a list name no key.",
        severity="minor",
        families=("belongings",),
        requirements=frozenset({"list-aliases.reply"}),
        dialects=(AWS,),
        filters=(on("list_aliases", without("Aliases.TargetKeyId")),),
    ),
    _of_aliases(
        name="second-tag-replaces-first",
        title="A tag takes the place of those that the key had.",
        families=("belongings",),
        requirements=frozenset({"tag.reply"}),
        decisions=(
            changing(
                "tag",
                lambda _, old, new: replace(new, tags=tuple(tag for tag in new.tags if tag not in old.tags)),
            ),
        ),
    ),
    _of_aliases(
        name="first-tag-alone-listed",
        title="Of several tags of a key, the first one is listed alone.",
        families=("belongings",),
        requirements=frozenset({"tag.reply", "untag.reply"}),
        decisions=(showing({"list_tags"}, lambda key: replace(key, tags=key.tags[:1])),),
    ),
    _of_aliases(
        name="taken-alias-refused-but-moved",
        title="A key that asks for an alias of another key is refused, but gets it.",
        severity="critical",
        families=("pending_use",),
        requirements=frozenset({"refused.changes-nothing"}),
        decisions=(TakenAliasMoved,),
    ),
    Fault(
        name="schedule-cuts-descriptions",
        title="Scheduling cuts the description of the key after 100 characters.",
        fault_class="survives",
        severity="minor",
        families=("survives",),
        requirements=frozenset({"schedule.keeps.name"}),
        decisions=(changing("schedule", lambda _, _old, new: replace(new, description=new.description[:100])),),
    ),
    Fault(
        name="disable-lowers-aliases",
        title="Disabling writes the aliases of the key in small letters.",
        fault_class="survives",
        severity="major",
        families=("survives",),
        requirements=frozenset({"disable.keeps.name", "disable.keeps.aliases"}),
        decisions=(
            changing("disable", lambda _, _old, new: replace(new, aliases=tuple(a.lower() for a in new.aliases))),
        ),
    ),
    Fault(
        name="pending-policy-put-in-vain",
        title="Replacing the policy of a pending key is accepted, but has no effect.",
        fault_class="pending",
        families=("pending_belongings",),
        requirements=frozenset({"pending.put-policy"}),
        dialects=(AWS,),
        decisions=(changing("put_policy", lambda _, before, after: before if before.state is PENDING else after),),
    ),
    *(
        Fault(
            name=f"{operation}-by-get-hits-all",
            title=f"A GET that asks to {operation} a key changes all keys of its user.",
            fault_class="isolation",
            severity="critical",
            families=("every_name",),
            requirements=frozenset({"isolation.other-keys"}),
            dialects=(ALIBABA,),
            decisions=(_on_all_by_get(operation),),
        )
        for operation in ("schedule", "disable")
    ),
    *(
        Fault(
            name=f"{operation}-by-get-in-vain",
            title=f"A GET that asks to {operation} a key is accepted, but has no effect.",
            fault_class="protocol",
            severity="critical",
            families=("every_name",),
            requirements=frozenset({"enabled.every-form", "disabled.every-form"}),
            dialects=(ALIBABA,),
            decisions=(lost_if(operation, lambda memory: memory.asked.method == "GET"),),
        )
        # Those of scheduling and cancelling are among the faults of forms.
        for operation in ("enable", "disable")
    ),
)
