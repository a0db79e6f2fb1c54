"""What a key has besides its state: fields of its description, aliases, tags, grants, its policy and its rotation.

The changes of a key's state must leave it as it is. It is noted before the changes, and compared after each of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kms_conformance.catalogue.profile import KeyFields
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lacking
from kms_conformance.client.oracle import GONE
from kms_conformance.client.patience import ALIAS
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.transitions import changed
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario
from kms_conformance.wire.dates import http_date, iso_date

#: The first and the last moment of a span of time.
Times = tuple[datetime, datetime]
# The kinds of things that every page shows as they were given. A policy may come back in another form.
_READS_BACK = frozenset({"aliases", "tags", "grants"})
# Of the keys that are listed, and that the run did not know before, so many are described.
_MOST_STRANGERS = 2
# Seconds by which a time that a target shows may differ from the time at which it was set.
_CLOCK_SECONDS = 300


@dataclass(frozen=True)
class Possession:
    """One kind of things that a check gives to a key, and that changes of its state must leave there.

    - kind: the last part of the ids of its requirements, such as `tags` in `cancel.keeps.tags`.
    - needs: the operations that give, show and take it.
    - shown_by: the operation that shows it, or `ALIAS`.
    - give: gives it to a key; returns what must be shown from then on.
    - look: what the target shows of a key; compared by `lost`.
    - lost: what is missing or changed, in words; empty if all is there.
    - take: takes it off again.
    - after: the operations after which it is compared.
    - named: pairs of an operation and the requirement that says that a key keeps it, if it has another name.
    """

    kind: str
    needs: tuple[str, ...]
    shown_by: str
    give: Callable[[Scenario, str], object]
    look: Callable[[Scenario, str, Any], object]
    take: Callable[[Scenario, str, Any], object]
    lost: Callable[[Any, Any], str]
    after: tuple[str, ...] = ("schedule", "cancel", "enable", "disable")
    named: tuple[tuple[str, RequirementId], ...] = ()

    @property
    def requirements(self) -> tuple[RequirementId, ...]:
        """The requirements that say that a key keeps it."""
        return tuple(map(self.requirement, self.after))

    def requirement(self, operation: str) -> RequirementId:
        """The requirement that says that a key keeps it in an operation."""
        return dict(self.named).get(operation) or as_id(f"{operation}.keeps.{self.kind}")


@dataclass(frozen=True)
class Given:
    """A possession that a check gave to a key, with what must be shown of it."""

    possession: Possession
    key: str
    value: object

    def missing(self, kms: Scenario, key: str) -> str:
        """What of it a key lacks, in words; empty if the key has all of it."""
        return self.possession.lost(self.value, self.possession.look(kms, key, self.value))

    def must_survive(self, kms: Scenario, operation: str, answer: Answer) -> bool:
        """Judge that it is still there after an operation; returns false if it is lost.

        It is left open if the target does not show it.
        """
        possession = self.possession
        if operation not in possession.after:
            return True
        requirement = possession.requirement(operation)
        if requirement not in kms.judge.applicable:
            return True
        try:
            return self.must_be_there(kms, requirement, answer)
        except Inconclusive as problem:
            kms.judge.leave_open((requirement,), problem)
            return True

    def must_be_there(self, kms: Scenario, requirement: RequirementId, answer: Answer) -> bool:
        """Judge that the key still has it after the request of `answer`; returns whether it has."""
        lost = kms.must_show(
            requirement,
            lambda: self.missing(kms, self.key),
            lambda lost: not lost,
            (f"the {self.possession.kind} of the key as before", lambda lost: lost or "as before"),
            answer,
            self.possession.shown_by,
        )
        return not lost

    def leave_open(self, kms: Scenario) -> None:
        """Leave open what was not judged yet, because it is lost."""
        left = [name for name in self.possession.requirements if name not in kms.judge.judged]
        kms.judge.leave_open(left, Inconclusive(f"An earlier change of the key took its {self.possession.kind}."))

    def give_back(self, kms: Scenario) -> None:
        """Take it off again. What stays is given back at the end of the run."""
        with suppress(Inconclusive):
            self.possession.take(kms, self.key, self.value)


def given(kms: Scenario, key: str) -> tuple[Given, ...]:
    """Give a key one of each kind that the target has; requirements of kinds that cannot be given stay open."""
    found = []
    for possession in POSSESSIONS:
        wanted = [name for name in possession.requirements if name in kms.judge.applicable]
        try:
            if wanted:
                found.append(_given(kms, key, possession))
        except Inconclusive as problem:
            kms.judge.leave_open(wanted, problem)
    return tuple(found)


def _given(kms: Scenario, key: str, possession: Possession) -> Given:
    missing = [name for name in possession.needs if name not in kms.client.api]
    if missing:
        raise Lacking(f"The profile says that the target does not have {missing[0]}.")
    given = Given(possession, key, possession.give(kms, key))
    requirement = as_id(f"{possession.needs[0].replace('_', '-')}.reply")
    judges = (requirement,) if possession.kind in _READS_BACK else ()
    look = partial(given.missing, kms, key)
    lost = kms.pool.patience.until(possession.shown_by, look, lambda lost: not lost, judges=judges)
    if lost and judges:
        kms.judge.breaks(requirement, f"the {possession.kind} that an accepted request has given", lost)
    if lost:
        raise Inconclusive(f"The {possession.kind} given to prepare the check do not read back: {lost}.")
    return given


# --- aliases ----------------------------------------------------------------------------------------------------------


def _alias(kms: Scenario, key: str) -> Mapping[str, str]:
    """Two aliases: a key with several must not be listed several times, and none of them replaces another."""
    aliases = kms.new_alias(), kms.new_alias(kms.dialect.alias_separator)
    for alias in aliases:
        kms.done("set_alias", key_id=key, alias=alias)
    return dict.fromkeys(aliases, key)


def _aliased(kms: Scenario, key: str, value: Mapping[str, str]) -> Mapping[str, str | None]:
    shown = {}
    for alias in value:
        answer = kms.ask("describe", **kms.dialect.by_alias(key, alias))
        if answer.accepted:
            shown[alias] = kms.dialect.aliased_key(alias, answer.value)
        elif not kms.is_told("unknown_alias unknown_key", answer):
            raise Inconclusive(f"The key could not be described by its alias: {answer.summary}.")
    return shown


def _delete_alias(kms: Scenario, key: str, value: Mapping[str, str]) -> None:
    for alias in value:
        kms.ask("delete_alias", alias=alias)


def _lost_names(value: Mapping[str, str], shown: Mapping[str, str | None]) -> str:
    return ", ".join(
        f"{name} is {shown[name]!r} instead of {text!r}" if name in shown else f"{name} is not there"
        for name, text in value.items()
        if shown.get(name) != text
    )


# --- tags, grants, the policy and the rotation ------------------------------------------------------------------------


def _tag(kms: Scenario, key: str) -> Mapping[str, str]:
    tags = {TAG: kms.chance.hex(6)}
    kms.done("tag", key_id=key, tags=tags)
    return tags


def _tags(kms: Scenario, key: str, _: object) -> Mapping[str, str | None]:
    return kms.dialect.tags(kms.done("list_tags", key_id=key).value)


def _untag(kms: Scenario, key: str, value: Mapping[str, str]) -> None:
    # The dialect may have no operation of its own to take tags off; they are taken off at the end of the run then.
    if "untag" in kms.client.api:
        kms.ask("untag", key_id=key, tag_keys=list(value))


def _grant(kms: Scenario, key: str) -> Mapping[str, object]:
    principal = kms.dialect.principal(kms.view(key).arn or "")
    answer = kms.done("create_grant", key_id=key, grantee=principal, grant_operations=["DescribeKey", "RetireGrant"])
    grant = kms.dialect.result("create_grant", answer.value)
    if not isinstance(grant, str):
        raise Inconclusive("The reply names no grant.")
    return {"GrantId": grant, "Operations": ["DescribeKey", "RetireGrant"]}


def _grants(kms: Scenario, key: str, _: object) -> object:
    return kms.result("list_grants", key_id=key)


def _lost_grants(value: Mapping[str, object], shown: object) -> str:
    entries = [entry for entry in (shown if isinstance(shown, list) else ()) if isinstance(entry, Mapping)]
    found = next((entry for entry in entries if entry.get("GrantId") == value["GrantId"]), None)
    if found is None:
        return f"the grant {value['GrantId']} is not there"
    allowed = sorted(map(str, found.get("Operations") or ()))
    return "" if allowed == value["Operations"] else f"the grant {value['GrantId']} allows {allowed}"


def _put_policy(kms: Scenario, key: str) -> tuple[object, object]:
    """The policy that the key had, and the same with another `Id`, which changes no permissions."""
    text = str(kms.result("get_policy", key_id=key))
    try:
        was = json.loads(text)
    except ValueError:
        was = None
    if not isinstance(was, dict):
        raise Inconclusive(f"The policy is no JSON object, so it is not replaced: {text[:100]!r}.")
    policy = was | {"Id": f"kms-conformance-{kms.chance.hex(3)}"}
    kms.done("put_policy", key_id=key, policy=json.dumps(policy))
    return text, policy


def _policy(kms: Scenario, key: str, _: object) -> object:
    text = str(kms.result("get_policy", key_id=key))
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lost_policy(value: tuple[object, object], shown: object) -> str:
    return "" if shown == value[1] else f"the policy is {json.dumps(shown)[:300]}"


def _rotate(kms: Scenario, key: str) -> bool:
    kms.done("enable_rotation", key_id=key)
    return True


POSSESSIONS = (
    Possession(
        "aliases",
        ("set_alias", "delete_alias"),
        ALIAS,
        _alias,
        _aliased,
        _delete_alias,
        _lost_names,
    ),
    Possession("tags", ("tag", "list_tags"), "list_tags", _tag, _tags, _untag, _lost_names),
    Possession(
        "grants",
        ("create_grant", "list_grants", "revoke_grant"),
        "list_grants",
        _grant,
        _grants,
        lambda kms, key, value: kms.ask("revoke_grant", key_id=key, grant_id=value["GrantId"]),
        _lost_grants,
    ),
    Possession(
        "policy",
        ("put_policy", "get_policy"),
        "get_policy",
        _put_policy,
        _policy,
        lambda kms, key, value: kms.ask("put_policy", key_id=key, policy=value[0]),
        _lost_policy,
    ),
    Possession(
        "rotation",
        ("enable_rotation", "rotation_status", "disable_rotation"),
        "rotation_status",
        _rotate,
        lambda kms, key, _: kms.result("rotation_status", key_id=key),
        lambda kms, key, _: kms.ask("disable_rotation", key_id=key),
        lambda value, shown: "" if shown is value else f"the rotation status is {shown}",
        # While a key is pending, its rotation rests; see `test_rotation.py`.
        after=("cancel", "enable", "disable"),
        named=(("cancel", "cancel.rotation-restored"),),
    ),
)


# --- fields -----------------------------------------------------------------------------------------------------------


def looks(kms: Scenario, key: str) -> Callable[[], KeyView]:
    """Looks at a key: the first one is the last read, if nothing was sent since.

    On a target that was seen to flap, time passes before the first look, so the key is read anew.
    """
    first = [kms.view(key)]
    return lambda: first.pop() if first and not kms.pool.patience.flaps else kms.read(key)


def must_keep_fields(kms: Scenario, operation: str, was: KeyView, answer: Answer) -> KeyView:
    """Judge the fields of a key that no change of its state may change; returns the key."""
    known, now = kms.profile.key_fields, was
    for kind, names in (("fields", known.fields), ("name", known.name)):
        differ = partial(changed, names, was)
        now = kms.must_show(
            as_id(f"{operation}.keeps.{kind}"),
            looks(kms, was.id or ""),
            lambda view, differ=differ: not differ(view),  # type: ignore[misc]  # the loop's values are bound
            (f"the {kind} of the key as before", lambda view, differ=differ: differ(view) or "as before"),  # type: ignore[misc]  # as above
            answer,
        )
    return now


def must_be_as_first(kms: Scenario, key: str, look: Callable[[], KeyView]) -> None:
    """Judge that a key has the fields that no change of its state may change, as it read first in this run."""
    names, first = kms.profile.key_fields.fields, kms.pool.first.get(key)
    kms.must_show(
        "lifecycle.sequence",
        look,
        lambda now: not changed(names, first or now, now),
        ("the fields of the key as it read first", lambda now: changed(names, first or now, now) or "as at first"),
    )


def must_agree_with_list(kms: Scenario, key: KeyView, answer: Answer | None = None) -> None:
    """Judge that the row of a key in the list tells what its description tells."""

    def differ() -> str | None:
        ids = kms.pool.list_keys()
        if key.id not in ids:
            return None
        _must_be_listed_once(kms, str(key.id), ids)
        row = kms.pool.rows.get(key.id or "", {})
        names = tuple(sorted(row.keys() & key.fields.keys() & kms.profile.key_fields.known))
        return changed(names, key, replace(key, fields=row))

    told = "the row of the key as in its description", lambda found: found or "as there"
    found = kms.pool.patience.until("list", differ, lambda found: found == "")
    if found is None:
        kms.judge.leave_open(("list.row-agrees",), Inconclusive("The list does not have the key."))
    else:
        kms.must_show("list.row-agrees", lambda: found, lambda found: not found, told, answer, "list")


def _must_be_listed_once(kms: Scenario, key: str, ids: Sequence[str]) -> None:
    """Judge that a key of the run is listed once, and no key that nobody has."""
    kms.judge.that("list.complete", ids.count(key) == 1, "each key once", f"{key} {ids.count(key)} times")
    strangers = [known for known in ids if known not in kms.others_before and known not in kms.pool.keys]
    for stranger in strangers[:_MOST_STRANGERS]:
        with suppress(Inconclusive):
            state = kms.pool.read(stranger).state
            if state == GONE and stranger in kms.pool.list_keys():
                kms.judge.breaks("list.complete", "keys that exist", f"{stranger}, which is {state}")


def changed_others(known: KeyFields, was: KeyView, now: KeyView, times: Sequence[Times]) -> tuple[str, ...]:
    """The names of the fields that the profile does not list and that differ between two reads in the same state.

    A number may count, and a time of the changes may be shown, so these are left out. `times`: the first and the last
    moment between the reads, on each clock that the target may show.
    """
    names = {**was.fields, **now.fields}.keys() - known.known
    return tuple(
        sorted(
            name
            for name in names
            if (was.fields.get(name) or None) != (now.fields.get(name) or None)
            and not _moves_by_itself(now.fields.get(name), times)
        )
    )


def _moves_by_itself(value: object, times: Sequence[Times]) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    if not isinstance(value, str):
        return False
    margin = timedelta(seconds=_CLOCK_SECONDS)
    date = iso_date(value) or http_date(value)
    return value.isdecimal() or (
        date is not None and any(since - margin <= date <= until + margin for since, until in times)
    )
