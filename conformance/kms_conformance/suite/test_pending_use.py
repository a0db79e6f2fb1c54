"""Use of a pending key: it can be read and listed; using and managing it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from operator import eq

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.belongings import UNKNOWN
from kms_conformance.client.judge import Inconclusive, Stop
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.dialects.base import EVERY_ALIAS, KeyView
from kms_conformance.keys.reader import DATE_PAUSE_SECONDS
from kms_conformance.suite.key_requests import KeyRequests, Place, places
from kms_conformance.suite.marks import asks, requirement
from kms_conformance.suite.named_key import NAMES
from kms_conformance.suite.possessions import must_agree_with_list
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import in_context, long_in_context, must_name

# Each request is sent this many times, because some replicas of a service may refuse it and others may not. It is sent
# once more to a key with another past.
_ASKED = 2
# In bytes. Where another length than the usual one can be asked for, this one can.
_SHORT_DATA_KEY = 16
# A pending key is read this many times.
_READ = 3
# The list is read in pages this many times if keys of others come and go meanwhile.
_LISTED = 3
# By how much the clock is moved between two reads of a pending key: much less than the shortest waiting period.
_PASSING = timedelta(hours=2)
# name of the requirement -> (operation, its arguments besides the key)
_MANAGING: dict[str, tuple[str, dict[str, object]]] = {
    "encrypt": ("encrypt", {"plaintext": "text"}),
    "generate-data-key": ("generate_data_key", {}),
    "enable": ("enable", {}),
    "disable": ("disable", {}),
    "update-description": ("update_description", {"description": "changed while pending"}),
}


@requirement("pending.{use}")
@pytest.mark.parametrize("use", _MANAGING)
def test_pending_key_refuses(kms: Scenario, use: str) -> None:
    operation, arguments = _MANAGING[use]
    key = kms.key(PENDING)
    refusal = kms.profile.refusal_in(operation, PENDING)
    assert refusal is not None
    for turn in range(_ASKED):
        further = {**arguments, **_otherwise(kms, operation)} if turn else arguments
        kms.refuses(as_id(f"pending.{use}"), refusal, operation, key_id=key, unchanged=[key], **further)


def _otherwise(kms: Scenario, operation: str) -> dict[str, object]:
    """Arguments with which a use may take another way through a service, on which the state is not looked at."""
    if operation == "encrypt":
        return long_in_context(kms)
    if operation != "generate_data_key":
        return {}
    length = {} if kms.dialect.other_data_key_bytes is None else {"length": _SHORT_DATA_KEY}
    return {**length, **in_context(kms)}


@requirement("pending.decrypt")
def test_pending_key_does_not_decrypt(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    ciphertext = kms.encrypted(key)
    kms.pool.bring(key, PENDING)
    refusal = kms.profile.refusal_in("decrypt", PENDING)
    assert refusal is not None
    for _ in range(_ASKED):
        kms.refuses("pending.decrypt", refusal, "decrypt", ciphertext=ciphertext, unchanged=[key])


# The requirements on places of requests that are not named as their operations are.
_OF_PLACES: Mapping[str, RequirementId] = {
    "schedule": "schedule.twice",
    "re_encrypt": "pending.re-encrypt-to",
    "re_encrypt.source_key_id": "pending.re-encrypt-from",
}


# Declared is what no installation lacks; what it may lack is judged as well, and declared by the checks above.
@requirement(
    "pending.encrypt",
    "pending.decrypt",
    "pending.generate-data-key",
    "pending.enable",
    "pending.disable",
)
@pytest.mark.moves_clock
def test_pending_key_refuses_whatever_it_was_before(kms: Scenario) -> None:
    """A key that was disabled and has no alias waits for the longest window; some time passes before the requests."""
    key = kms.key(ENABLED)
    if "delete_alias" in kms.client.api:
        # Aliases of earlier checks.
        for alias in sorted(kms.client.belongings.on(key, "alias") - {UNKNOWN}):
            kms.ask("delete_alias", alias=alias)
    requests = KeyRequests(kms, key, kms.key(ENABLED, key))
    refused = [place for place in places(kms) if kms.profile.refusal_in(place.operation, PENDING) is not None]
    rows = {_of_place(place): place for place in requests.prepare(refused) if place.operation != "decrypt"}
    sealed: list[dict[str, object]] = [{"ciphertext": each} for each in kms.ciphertexts(key)]
    if "generate_data_key" in kms.client.api:
        context = in_context(kms)
        data_key = kms.dialect.data_key(kms.done("generate_data_key", key_id=key, **context).value)
        sealed += [] if data_key is None else [{"ciphertext": data_key, **context}]
    try:
        before = _waiting_longest(kms, key)
        with suppress(Inconclusive):
            kms.time.advance(_PASSING.total_seconds())
        for requirement_id, place in rows.items():
            with requests.by_itself(place.operation):
                answer = _must_refuse(kms, requirement_id, place.operation, requests.arguments(place, key))
                if answer.accepted:
                    requests.note_accepted(place, answer.value)
                    before = _waiting_longest(kms, key)
                else:
                    # A key that was changed goes on as it is, so that the next request is not blamed.
                    before = kms.must_be_unchanged(requirement_id, before, kms.read(key), answer, alone=True)
        for decrypted in sealed:
            _must_refuse(kms, "pending.decrypt", "decrypt", decrypted)
            if "pending.re-encrypt-to" in rows:
                # A ciphertext that stays with its key.
                _must_refuse(kms, "pending.re-encrypt-to", "re_encrypt", {**_re_encrypted(decrypted), "key_id": key})
    finally:
        requests.clean()
    for place in refused:
        if (problem := requests.unprepared.get(place.operation)) is not None:
            kms.judge.leave_open([_of_place(place)], problem)


def _re_encrypted(decrypted: Mapping[str, object]) -> Mapping[str, object]:
    """The arguments of `re_encrypt` for a ciphertext; what `decrypt` takes as its context is that of the old one."""
    return {"old_context" if name == "context" else name: value for name, value in decrypted.items()}


def _of_place(place: Place) -> RequirementId:
    return _OF_PLACES.get(str(place)) or as_id(f"pending.{place.operation.replace('_', '-')}")


def _waiting_longest(kms: Scenario, key: str) -> KeyView:
    """Bring a key by way of the state disabled into the longest waiting period; returns how it reads then."""
    kms.pool.bring(key, DISABLED)
    kms.pool.bring(key, PENDING, kms.window.maximum)
    return kms.view(key)


def _must_refuse(
    kms: Scenario, requirement_id: RequirementId, operation: str, arguments: Mapping[str, object]
) -> Answer:
    refusal = kms.profile.refusal_in(operation, PENDING)
    assert refusal is not None
    answer = kms.ask(operation, **arguments)
    kms.must_be_refused(requirement_id, refusal, answer)
    return answer


@requirement("pending.set-alias")
def test_pending_key_gets_no_alias(kms: Scenario) -> None:
    key = kms.key(PENDING)
    alias = kms.new_alias()
    refusal = kms.profile.refusal_in("set_alias", PENDING)
    assert refusal is not None
    kms.refuses("pending.set-alias", refusal, "set_alias", key_id=key, alias=alias, unchanged=[key])
    _must_keep_its_name(kms, key)


def _must_keep_its_name(kms: Scenario, key: str) -> None:
    """Judge that a pending key keeps its name, which is its alias in some dialects, if another key asks for the name.

    What the other key is answered is left open.
    """
    view = kms.view(key)
    for field in kms.profile.key_fields.name:
        name = view.fields.get(field)
        if name in (None, "", view.description):
            continue
        other = kms.key(ENABLED, key)
        answer = kms.ask("set_alias", key_id=other, alias=name)
        shown = partial(_field, kms, key, field)
        told = f"{field} {name!r} of the pending key as before", repr
        kms.must_show("set-alias.reply", shown, partial(eq, name), told, answer)
        if answer.accepted:
            kms.with_marker(other)


def _field(kms: Scenario, key: str, field: str) -> object:
    return kms.read(key).fields.get(field)


@requirement("pending.delete-alias", "delete-alias.reply", "set-alias.reply")
@asks("set_alias", "delete_alias")
def test_alias_of_a_pending_key_can_be_deleted(kms: Scenario) -> None:
    """The alias names no key then; a longer alias of the same key, which begins with it, stays.

    At the end, the longer alias is asked for another key. That is refused, and the alias stays where it is.
    """
    key = kms.key(ENABLED)
    other = kms.key(ENABLED, key)
    alias = kms.new_alias()
    longer = f"{alias}-".ljust(EVERY_ALIAS, "0")
    for name in (alias, longer):
        answer = kms.accepts("set-alias.reply", "set_alias", key_id=key, alias=name)
    # Some targets may remember by this request what the alias names.
    if not must_name(kms, "set-alias.reply", alias, key, answer):
        raise Stop
    kms.ask("generate_data_key", key_id=alias)
    kms.pool.bring(key, PENDING)
    before = kms.view(key)
    answer = kms.accepts(("pending.delete-alias", "delete-alias.reply"), "delete_alias", alias=alias)
    kms.must_be_unchanged("pending.delete-alias", before, kms.read(key), answer)
    answer = kms.ask("describe", **kms.dialect.by_alias(key, alias))
    kms.must_be_refused("delete-alias.reply", "unknown_alias or unknown_key", answer)
    must_name(kms, "delete-alias.reply", longer, key, answer)
    answer = kms.ask("set_alias", key_id=other, alias=longer)
    told = f"a refusal, because {longer} names {key}", answer.summary
    kms.judge.that("set-alias.reply", not answer.accepted, *told, (answer.number,))
    if not answer.accepted:
        must_name(kms, "refused.changes-nothing", longer, key, answer)
        # The last alias of a key may go, and the key stays.
        answer = kms.accepts("pending.delete-alias", "delete_alias", alias=longer)
        kms.must_be_unchanged("pending.delete-alias", before, kms.read(key), answer)
    else:
        kms.ask("delete_alias", alias=longer)
    kms.pool.bring(key, ENABLED)
    # A cancel does not bring back what was deleted while the key was pending, and no use remembers it.
    answer = kms.ask("describe", **kms.dialect.by_alias(key, alias))
    told = "a refusal, because the alias was deleted while the key was pending", answer.summary
    kms.judge.that("pending.delete-alias", not answer.accepted, *told, (answer.number,))
    if NAMES not in kms.profile.may_lack:
        kms.refuses("delete-alias.reply", "unknown_alias or unknown_key", "generate_data_key", key_id=alias)


@requirement("pending.describe")
@pytest.mark.moves_clock
def test_pending_key_can_be_read_and_reading_moves_nothing(kms: Scenario) -> None:
    """The key is read again after some time: a date that is counted from the time of the read moves with it."""
    key = kms.key(PENDING)
    first = kms.read(key)
    _let_time_pass(kms)
    answer = kms.accepts("pending.describe", "describe", key_id=key)
    for _ in range(_READ):
        kms.must_be_unchanged("pending.describe", first, kms.read(key), answer)


def _let_time_pass(kms: Scenario) -> None:
    """Move the clock of the target where that is possible, else wait for longer than the resolution of dates."""
    try:
        kms.time.advance(_PASSING.total_seconds())
    except Inconclusive:
        kms.client.world.clock.sleep(DATE_PAUSE_SECONDS)


@requirement("pending.listed", "list.complete")
@pytest.mark.alone
def test_pending_key_is_listed_once(kms: Scenario) -> None:
    key = kms.key(PENDING)
    told = f"{key} in the list", lambda ids: f"{len(ids)} other keys"
    ids = kms.must_show("pending.listed", kms.pool.list_keys, lambda ids: key in ids, told, what="list")
    twice = _listed_twice(ids)
    if twice:
        # A key that its owner creates between two pages moves another one to the next page.
        twice = sorted({*twice} & {*_listed_twice(kms.pool.list_keys())})
    kms.judge.that("list.complete", not twice, "each key once", f"more than once: {twice}")
    # Some clouds list keys of other kinds only if they are asked for these.
    missing = [known for known in kms.pool.usual if known not in ids]
    kms.judge.that("list.complete", not missing, "every key of the run", f"missing: {missing}")
    must_agree_with_list(kms, kms.read(key))
    _must_be_listed_by_state(kms, key)


def _listed_twice(ids: Sequence[str]) -> list[str]:
    return sorted({known for known in ids if ids.count(known) > 1})


def _must_be_listed_by_state(kms: Scenario, key: str) -> None:
    """Judge that a pending key is listed among the pending keys and not among the enabled ones, if lists have filters.

    What the target does not take as a filter is left out.
    """
    other = kms.key(ENABLED, key)
    view = kms.view(other)
    for state, wanted, foreign in ((PENDING, key, other), (ENABLED, other, key)):
        arguments = kms.dialect.in_state(view, state, state_first=state == ENABLED)
        if arguments is None:
            return
        requirement_id: RequirementId = "pending.listed" if state == PENDING else "list.complete"
        with suppress(Inconclusive):
            listed = partial(kms.pool.list_some, arguments)
            told = f"{wanted} among the keys in the state {state}", lambda ids: f"{len(ids)} other keys"
            kms.must_show(requirement_id, listed, lambda ids, wanted=wanted: wanted in ids, told, what="list")  # type: ignore[misc]  # the loop's value is bound
            told = (
                f"the list of keys in the state {state} without {foreign}, which is in another state",
                lambda ids: f"{len(ids)} keys, with that one",
            )
            kms.must_show("list.row-agrees", listed, lambda ids, foreign=foreign: foreign not in ids, told, what="list")  # type: ignore[misc]  # as above
    both = kms.dialect.in_states((ENABLED, PENDING))
    if both is not None:
        with suppress(Inconclusive):
            told = f"{key} and {other} among the keys in either state", lambda ids: f"{len(ids)} keys, without one"
            listed = partial(kms.pool.list_some, both)
            kms.must_show("list.complete", listed, lambda ids: {key, other} <= {*ids}, told, what="list")


@requirement("list.complete")
@pytest.mark.alone
def test_pages_of_a_list_leave_nothing_out(kms: Scenario) -> None:
    ours = {kms.key(ENABLED)}
    ours.add(kms.key(DISABLED, *ours))
    whole = set(kms.pool.list_keys())
    for size in _page_sizes(len(whole), max(100, kms.dialect.largest_page)):
        _must_be_in_pages(kms, size, whole, ours)


def _page_sizes(keys: int, largest: int) -> tuple[int, ...]:
    """The sizes of pages for a list of so many keys: three pages or more, and one key on the last page if that fits.

    A large account needs few requests: its pages are about as large as the documents allow.
    """
    usual = min(largest, max(1, keys // 3))
    lone = [size for size in range(2, min(keys - 1, largest) + 1) if keys % size == 1 and 3 * size >= usual]
    three = [size for size in lone if keys > 2 * size]
    return tuple(three[-1:]) or (usual, *lone[-1:])


def _must_be_in_pages(kms: Scenario, size: int, whole: set[str], ours: set[str]) -> None:
    """Judge that pages of this size have each key of `whole` that stays, and each of `ours`, once."""

    def wrong() -> list[str]:
        now = set(kms.pool.list_keys())
        for _ in range(_LISTED):
            before, ids = now, kms.pool.list_keys(size)
            now = set(kms.pool.list_keys())
            if now == before:
                # Keys that owners created or deleted since the first listing are not judged.
                return sorted(key for key in whole & now | ours if ids.count(key) != 1)
        raise Inconclusive(
            "While the list was read in pages, keys appeared or vanished each time.",
            "Run again while nobody creates keys in this account.",
        )

    told = "each key once over all pages", lambda wrong: f"not once: {wrong[:5]}"
    kms.must_show("list.complete", wrong, lambda wrong: not wrong, told, what="list")
