"""What a key has survives: scheduling, cancelling, enabling and disabling a key change its state and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.front import NotReached
from kms_conformance.client.judge import Inconclusive, Lacking, Stop
from kms_conformance.client.oracle import AFTER, ENABLED
from kms_conformance.dialects.base import EVERY_DESCRIPTION, KeyView
from kms_conformance.keys.transitions import EFFECTS, changed, is_usable
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.neighbours import Neighbour
from kms_conformance.suite.possessions import (
    POSSESSIONS,
    Given,
    changed_others,
    given,
    looks,
    must_agree_with_list,
    must_be_as_first,
    must_keep_fields,
)
from kms_conformance.suite.scenario import Scenario

# Letters beyond ASCII, capitals, characters that some documents escape, and more characters than a short field takes.
# The first text has a character beyond 16 bits and markup too, and is longer where the documents allow it: a target, or
# what stands in front, may refuse it.
_SPECIALS = (' \U0001f511 <b> Größe & ZIEL \\ "', ' Größe & ZIEL \\ "')
_MORE = " und mehr"
_CHANGES = ("schedule", "cancel", "enable", "disable")
_KEPT: tuple[RequirementId, ...] = (
    *(as_id(f"{operation}.keeps.{kind}") for operation in _CHANGES for kind in ("fields", "name")),
    *(name for possession in POSSESSIONS for name in possession.requirements),
)


@requirement(*_KEPT, "lifecycle.sequence", "lifecycle.keeps-other-fields", "list.row-agrees", "cancel.usable-again")
@pytest.mark.first_process
def test_what_a_key_has_survives(kms: Scenario) -> None:
    """One key is scheduled, cancelled, enabled and disabled; after each step, all that it has is compared.

    A neighbour, which is scheduled after it, gets nothing of what it has.
    """
    key = kms.key(ENABLED)
    beside = Neighbour.of(kms, key)
    was, since = _named(kms, key), _clocks(kms)
    must_be_as_first(kms, key, looks(kms, key))
    has = list(given(kms, key))
    kept = (*kms.profile.key_fields.fields, *kms.profile.key_fields.name)
    ciphertexts = kms.sealed(key)
    kms.pool.sealed[key] = (*kms.pool.sealed.get(key, ()), *ciphertexts)
    try:
        for operation in _steps(kms):
            states = [AFTER[operation]] if operation in AFTER else kms.states_after_cancel
            window = {"window": kms.days} if operation == "schedule" else {}
            answer = kms.accepts(EFFECTS[operation], operation, key_id=key, states=states, **window)
            if operation == "cancel" and not is_usable(kms.view(key)):
                # No later check could use the key: it is judged here, before there is none left.
                kms.must_read_back("cancel.state-after", key, [kms.profile.after_cancel], answer)
            now = must_keep_fields(kms, operation, was, answer)
            # What differs now is judged, and is no difference after the next change.
            was = replace(was, fields={**was.fields, **{name: now.fields.get(name) for name in kept}})
            for possession in tuple(has):
                if not possession.must_survive(kms, operation, answer):
                    possession.leave_open(kms)
                    has.remove(possession)
            if operation in ("schedule", "cancel"):
                must_agree_with_list(kms, now, answer)
            if operation == "schedule":
                _must_survive_refusal(kms, key, has)
            if operation == "schedule" and beside is not None:
                beside.must_have_none_of(kms, has, answer)
                beside.schedule(kms)
            if operation == "enable":
                _must_be_usable(kms, key, ciphertexts, answer)
        kms.pool.bring(key, ENABLED)
        with suppress(Lacking, NotReached):
            _must_change_alone(kms, key, has)
        # This may give back what the key has.
        _must_keep_others(kms, _first_look(kms, was, since), has, answer)
    finally:
        with suppress(Inconclusive, Stop):
            kms.pool.bring(key, ENABLED)
            for possession in has:
                possession.give_back(kms)
            kms.with_marker(key)


def _must_change_alone(kms: Scenario, key: str, has: Sequence[Given]) -> None:
    """Judge that another description, or another name, changes nothing else that the key has."""
    was, names = kms.view(key), kms.profile.key_fields.name
    sent, now = f"{was.description} again", was
    answer = kms.ask("update_description", key_id=key, description=sent)
    if answer.accepted:
        others = tuple(name for name in names if was.fields.get(name) != was.description)
        now = kms.pool.read_until(key, lambda view: view.description == sent and not changed(others, was, view))
        differ = changed(others, was, now)
        kms.judge.that("update-description.reply", not differ, "the other fields as before", differ, (answer.number,))
        for each in has:
            each.must_be_there(kms, "update-description.reply", answer)
    if len(names) > 1:
        before = now.description
        answer = kms.done("set_alias", key_id=key, alias=kms.new_alias())
        shown = f"the description {before!r} as before", lambda view: repr(view.description)
        kms.must_show("set-alias.reply", partial(kms.read, key), lambda view: view.description == before, shown, answer)


def _must_survive_refusal(kms: Scenario, key: str, has: Sequence[Given]) -> None:
    """Judge that scheduling a pending key once more, which is refused, takes none of its aliases."""
    answer = kms.ask("schedule", key_id=key, window=kms.days)
    if answer.accepted:
        return
    for each in has:
        if each.possession.kind == "aliases":
            told = "the aliases of the key as before", lambda lost: lost or "as before"
            missing = partial(each.missing, kms, key)
            kms.must_show("refused.changes-nothing", missing, lambda lost: not lost, told, answer)


def _named(kms: Scenario, key: str) -> KeyView:
    """The key with a name and a description of its own, so that a loss or another form of them can be seen.

    If the target refuses the description, what it shows is compared. No page says in which form spaces and letters
    beyond ASCII come back, so these may be shown in another form at once.
    """
    view = kms.with_marker(key)
    lengths = kms.dialect.long_description, EVERY_DESCRIPTION
    for special, length in zip(_SPECIALS, lengths, strict=True):
        with suppress(Lacking, NotReached):
            text = f"{view.description}{special}"
            sent = text + _MORE * ((length - len(text)) // len(_MORE))
            answer = kms.ask("update_description", key_id=key, description=sent)
            if answer.accepted:
                view = _must_be_described(kms, key, sent, answer)
                break
    names = [view.fields.get(name) for name in kms.profile.key_fields.name]
    if all(_has_capital(name) for name in names if name != view.description):
        return view
    kms.done("set_alias", key_id=key, alias=kms.new_alias())
    return kms.read(key)


def _must_be_described(kms: Scenario, key: str, sent: str, answer: Answer) -> KeyView:
    """Judge that a key has the description that was sent, also in XML where replies have that form."""
    view = kms.pool.read_until(key, lambda view: _plain(view.description) == _plain(sent))
    same = _plain(view.description) == _plain(sent)
    told = f"the description {sent!r}", f"{view.description!r}"
    kms.judge.that("update-description.reply", same, *told, (answer.number,))
    if same and (in_xml := kms.dialect.forms.get("xml")) is not None:
        reply = kms.client.send(in_xml(kms.dialect.request("describe", {"key_id": key})), kms.client.api["describe"])
        if reply.accepted:
            described = kms.dialect.key(reply.value).description
            kms.judge.that(
                "update-description.reply",
                _plain(described) == _plain(sent),
                told[0],
                f"{described!r}",
                (reply.number,),
            )
    return view


def _plain(text: str | None) -> str:
    """The characters of a text that are neither spaces nor beyond ASCII."""
    return "".join(each for each in text or "" if each.isascii() and not each.isspace())


def _has_capital(name: object) -> bool:
    return str(name or "") != str(name or "").lower()


def _steps(kms: Scenario) -> tuple[str, ...]:
    """The changes in an order in which each of them changes the state."""
    last = ("disable", "enable") if kms.profile.after_cancel == ENABLED else ("enable", "disable")
    return ("schedule", "cancel", *last)


def _first_look(kms: Scenario, was: KeyView, since: Sequence[datetime]) -> tuple[KeyView, Sequence[datetime]]:
    """The key as it read first in this run, with the time before that; else as it was before the changes.

    Earlier checks may have changed it. A key that read first in another state is not compared with that.
    """
    first, start = kms.pool.first.get(was.id or ""), kms.others_since
    if first is None or first.state != was.state or start is None:
        return was, since
    known = kms.profile.key_fields.known
    others = {name: value for name, value in first.fields.items() if name not in known}
    return replace(was, fields={**was.fields, **others}), (kms.time.at(start), start.real)


def _must_keep_others(
    kms: Scenario, first: tuple[KeyView, Sequence[datetime]], has: Sequence[Given], answer: Answer
) -> None:
    """Judge the fields that the profile does not know, in the same state as at first; `has` is what the key has now.

    Fields that something else than a change of the state moves, too, such as a revision, are left out.
    """
    was, since = first
    key, known = was.id or "", kms.profile.key_fields

    def differ(view: KeyView) -> tuple[str, ...]:
        return changed_others(known, was, view, tuple(zip(since, _clocks(kms), strict=True)))

    now = kms.pool.patience.until("describe", looks(kms, key), lambda view: not differ(view))
    names = differ(now)
    if names:
        try:
            other = _changed_otherwise(kms, now, has)
        except Inconclusive as problem:
            kms.judge.leave_open(("lifecycle.keeps-other-fields",), problem)
            return
        names = tuple(name for name in names if other.fields.get(name) == now.fields.get(name))
        if (other.fields.keys() ^ now.fields.keys()) - known.known:
            # Such fields come and go with each read.
            names = tuple(name for name in names if name in was.fields and name in now.fields)
    told = "all other fields as before", lambda _: changed(names, was, now) or "as before"
    kms.must_show("lifecycle.keeps-other-fields", lambda: names, lambda names: not names, told, answer)


def _changed_otherwise(kms: Scenario, was: KeyView, has: Sequence[Given]) -> KeyView:
    """The key with another description, another alias, and without what it was given."""
    key = was.id or ""
    for each in has:
        each.give_back(kms)
    if "set_alias" in kms.client.api:
        kms.done("set_alias", key_id=key, alias=kms.new_alias())
    kms.done("update_description", key_id=key, description=f"{was.description} again")
    return kms.pool.read_until(key, lambda view: view.description != was.description)


def _clocks(kms: Scenario) -> tuple[datetime, datetime]:
    """The time for keys, which this run may have moved, and the real time."""
    return kms.time.now(), kms.client.world.clock.now()


def _must_be_usable(kms: Scenario, key: str, ciphertexts: Sequence[str], answer: Answer) -> None:
    """Judge that what was made before the deletion was scheduled is decrypted; else, that a data key is made."""
    uses: list[tuple[str, dict[str, str]]] = [("decrypt", {"ciphertext": each}) for each in ciphertexts]
    for operation, arguments in uses or [("generate_data_key", {"key_id": key})]:
        kms.must_show(
            "cancel.usable-again",
            partial(kms.ask, operation, **arguments),
            lambda answer: answer.accepted,
            ("what was made before is used", lambda answer: answer.summary),
            answer,
            operation,
        )
