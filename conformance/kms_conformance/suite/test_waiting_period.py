"""The end of the waiting period, reached by moving the target's clock.

Until the end, the deletion can be cancelled; after it, this key and no other key is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import pytest

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive, Stop
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import dead_keys, read_each
from kms_conformance.keys.reader import shown
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.possessions import POSSESSIONS, given, must_keep_fields
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import END_MARGIN, Scenario
from kms_conformance.suite.steps import must_decrypt, reserved_key

# At most this many keys of others are read before and after the deletion: the first ones in the list.
_MOST_OTHERS = 200
# The last requests before the end of a waiting period are sent this long before, and the time for them.
_LAST_MOMENTS = timedelta(seconds=5)
# So long before the end, a pending key is used and managed for the last time. On a target that lags, each request may
# have to be repeated for the settle time.
_LAST_USES = timedelta(minutes=30)
# Dates and the times of a clock have a resolution of a second.
_RESOLUTION = timedelta(seconds=2)
# Listing all aliases ends after so many pages.
_MOST_PAGES = 20


def _advance_to(kms: Scenario, moment: datetime) -> None:
    kms.time.advance(max(0.0, (moment - kms.time.now()).total_seconds()))


def _pending(kms: Scenario, key: str, days: int) -> tuple[KeyView, datetime]:
    """Schedule a key with a window; returns the key as it reads then, and the time of the request.

    Judges its deletion date. Raises `Stop` if the date is too early, because the end that was told is not that of the
    window.
    """
    asked_at = kms.time.now()
    answer = kms.accepts("schedule.state-after", "schedule", key_id=key, window=days, states=[PENDING])
    view = kms.read(key)
    if view.deletion_at is None:
        raise Inconclusive("The pending key has no deletion date, so its end is not known.")
    view = kms.must_be_date("schedule.window.start", view, asked_at, days, answer)
    if view.deletion_at is None or view.deletion_at < _end(kms, view, asked_at, days)[0]:
        raise Stop
    return view, asked_at


def _burden(kms: Scenario, key: str) -> None:
    """Give a key everything that a key can have, which must not keep it alive; a refusal is judged elsewhere."""
    for possession in POSSESSIONS:
        with suppress(Inconclusive):
            given = possession.give(kms, key) if all(name in kms.client.api for name in possession.needs) else None
            if possession.kind == "aliases" and isinstance(given, Mapping):
                kms.pool.named.update(given)


def _end(kms: Scenario, view: KeyView, asked_at: datetime, days: int) -> tuple[datetime, datetime]:
    """The first and the last moment at which the waiting period of a key may end.

    The key must be there until the date that was told; if that is too early, until the end of the window.
    """
    assert view.deletion_at is not None
    tolerance = timedelta(seconds=kms.profile.deletion.date_tolerance_seconds)
    expected = asked_at + timedelta(days=days)
    end = view.deletion_at if view.deletion_at >= expected - tolerance else expected
    return end, max(end, expected) + tolerance


def _must_wait(kms: Scenario, view: KeyView, end: datetime, took: timedelta) -> bool:
    """Judge that a key is pending in the last moments before the end; `took`: the time that the requests took so far.

    `view`: the key after it was scheduled. Returns whether it is pending. Raises `Stop` if its date has moved, so that
    its end is not known.
    """
    _advance_to(kms, end - min(END_MARGIN, _LAST_MOMENTS + took))
    now = kms.pool.read_until(str(view.id), lambda now: (now.state, now.deletion_at) == (PENDING, view.deletion_at))
    still = now.state
    if still == PENDING and now.deletion_at != view.deletion_at:
        kms.judge.breaks("pending.describe", shown(view), shown(now))
        raise Stop
    if still != PENDING and kms.time.now() > end - _RESOLUTION:
        raise Inconclusive("The requests took so long that the waiting period ended meanwhile.")
    told = f"pending to the last moment before {end:%Y-%m-%dT%H:%M:%SZ}"
    return kms.judge.that("expiry.not-early", still == PENDING, told, f"state {still}")


def _must_refuse_cancel(kms: Scenario, key: str, last: datetime) -> None:
    """Judge that from the last moment on a deletion cannot be cancelled; then the key has the time that it may take."""
    _advance_to(kms, last)
    kms.must_refuse_late_cancel(key)
    _advance_to(kms, last + timedelta(seconds=kms.profile.deletion.gone_within_seconds))


@requirement("cancel.before-end", "expiry.not-early", "cancel.usable-again")
@pytest.mark.clock
@pytest.mark.alone
def test_longest_waiting_period_can_be_cancelled_to_the_end(kms: Scenario) -> None:
    """A key with all that a key can have waits for the longest window; it is what it was after a late cancel."""
    kms.time.advance(0)
    for known in tuple(kms.pool.keys):
        # A pending key would end meanwhile.
        with suppress(Inconclusive):
            kms.pool.bring(known, ENABLED)
    key = kms.key(ENABLED)
    resting = _disabled(kms, [known for known in kms.pool.keys if known != key])
    has, was = given(kms, key), kms.with_marker(key)
    ciphertexts = kms.sealed(key)
    started = kms.client.world.clock.monotonic()
    days = kms.window.maximum
    view, asked_at = _pending(kms, key, days)
    end, _ = _end(kms, view, asked_at, days)
    _advance_to(kms, end - _LAST_USES)
    told = f"{key} in the list to the end", lambda ids: f"{len(ids)} other keys"
    kms.must_show("pending.listed", kms.pool.list_keys, lambda ids: key in ids, told, what="list")
    if not _must_wait(kms, view, end, timedelta(seconds=kms.client.world.clock.monotonic() - started)):
        raise Stop
    answer = kms.accepts("cancel.before-end", "cancel", key_id=key, states=kms.states_after_cancel)
    if resting is not None:
        kms.must_be_unchanged("lifecycle.sequence", resting, kms.pool.read(str(resting.id)), answer)
    for each in has:
        each.must_survive(kms, "cancel", answer)
    must_keep_fields(kms, "cancel", was, answer)
    kms.pool.bring(key, ENABLED)
    must_decrypt(kms, "cancel.usable-again", ciphertexts)
    for each in has:
        each.give_back(kms)


def _disabled(kms: Scenario, keys: Iterable[str]) -> KeyView | None:
    """One of these keys, disabled, as it reads then: time alone changes no key. None if there is none."""
    for key in keys:
        with suppress(Inconclusive):
            return kms.pool.bring(key, DISABLED)
    return None


@requirement(
    "cancel.before-end",
    "expiry.not-early",
    "expiry.gone",
    "expiry.no-cancel",
    "expiry.not-recoverable",
    "expiry.decrypt",
    "expiry.nothing-else",
    "schedule.window.start",
    "schedule.not-immediate",
)
@pytest.mark.clock
@pytest.mark.alone
def test_end_of_the_waiting_period(kms: Scenario) -> None:
    kms.time.advance(0)
    bystander = kms.key(ENABLED)
    key = kms.key(ENABLED, bystander)
    ciphertexts, early = kms.ciphertexts(key), kms.ciphertexts(bystander)
    data_key = kms.dialect.data_key(kms.done("generate_data_key", key_id=key).value)
    _burden(kms, key)
    with suppress(Inconclusive):
        # Two keys with one description: the end of one must not be that of the other.
        kms.ask("update_description", key_id=key, description=kms.with_marker(bystander).description)
    known = [known for known in kms.pool.list_keys() if known not in kms.pool.keys]
    others = read_each(kms.pool, known[:_MOST_OTHERS])

    started = kms.client.world.clock.monotonic()
    # A deletion that was cancelled before must not shorten the next one.
    kms.pool.bring(key, PENDING)
    kms.pool.bring(key, ENABLED)
    view, asked_at = _pending(kms, key, kms.days)
    kms.with_marker(bystander)
    _pending(kms, bystander, kms.days)
    end, last = _end(kms, view, asked_at, kms.days)
    took = timedelta(seconds=kms.client.world.clock.monotonic() - started)
    waits = _must_wait(kms, view, end, took)
    answer = kms.accepts("cancel.before-end", "cancel", key_id=bystander, states=kms.states_after_cancel)
    told = f"{kms.profile.after_cancel}, as after an early cancel", lambda view: view.state
    kms.must_show(
        "cancel.state-after",
        lambda: kms.read(bystander),
        lambda view: view.state == kms.profile.after_cancel,
        told,
        answer,
    )
    if waits and (now := kms.pool.read_until(key, lambda v: v.state == PENDING)).state != PENDING:
        kms.judge.breaks("cancel.only-named-key", "the other key stays pending", now.state, (answer.number,))
        raise Stop
    # An end that disables other keys does not show on a disabled one.
    kms.pool.bring(bystander, ENABLED)
    before = kms.view(bystander)
    _must_refuse_cancel(kms, key, last)
    kms.pool.overdue.add(key)
    kms.must_be_gone(key, filter(None, (*ciphertexts, data_key)))

    spared = kms.pool.read_until(bystander, lambda view: view.state in (ENABLED, DISABLED)).state
    kms.judge.that("expiry.nothing-else", spared in (ENABLED, DISABLED), "the cancelled key lives", spared)
    if spared in (ENABLED, DISABLED):
        kms.must_be_unchanged("expiry.nothing-else", before, kms.read(bystander), answer)
    dead = dead_keys(kms.pool, others, kms.elapsed())
    kms.judge.that("expiry.nothing-else", not dead, "keys whose deletion date has not come live", dead)
    kms.pool.drop_if_gone(key)
    if spared in (ENABLED, DISABLED):
        must_decrypt(kms, "expiry.nothing-else", early)
        _must_count_from_request(kms, bystander)


def _must_count_from_request(kms: Scenario, key: str) -> None:
    """Judge that the waiting period of a key that is older than its window begins with the request."""
    kms.pool.bring(key, ENABLED)
    asked_at = kms.time.now()
    answer = kms.must_be_accepted("schedule.state-after", kms.ask("schedule", key_id=key, window=kms.days), key)
    told = "the key is there, because its waiting period has just begun", lambda view: f"it is {view.state}"
    kms.must_show("schedule.not-immediate", lambda: kms.read(key), lambda view: view.state != GONE, told, answer)
    kms.must_read_back("schedule.state-after", key, [PENDING], answer)
    kms.must_be_date("schedule.window.start", kms.view(key), asked_at, kms.days, answer)


@requirement("expiry.aliases")
@pytest.mark.clock
@pytest.mark.alone
def test_aliases_of_a_deleted_key_are_free(kms: Scenario) -> None:
    """Judge the alias of the key whose end `test_end_of_the_waiting_period` saw: each deletion uses up a key.

    A target that keeps the key after its end must not keep its alias either.
    """
    overdue = kms.pool.overdue
    alias = next((alias for alias, key in kms.pool.named.items() if key not in kms.pool.keys or key in overdue), None)
    if alias is None or (kms.pool.read(kms.pool.named[alias]).state != GONE and kms.pool.named[alias] not in overdue):
        raise Inconclusive("No key of this run that had an alias was deleted.")
    read = kms.ask("describe", **kms.dialect.by_alias(kms.pool.named[alias], alias))
    kms.must_be_refused("expiry.aliases", "unknown_alias", read)
    if "list_aliases" in kms.client.api:
        told = f"a list of all aliases without {alias}", lambda listed: f"{alias} is one of {len(listed)}"
        kms.must_show("expiry.aliases", partial(_all_aliases, kms), lambda found: alias not in found, told, read)
    kms.accepts("expiry.aliases", "set_alias", key_id=kms.key(ENABLED), alias=alias)
    kms.ask("delete_alias", alias=alias)


def _all_aliases(kms: Scenario) -> frozenset[str]:
    """The aliases of all keys, from at most `_MOST_PAGES` pages."""
    found: set[str] = set()
    cursor: dict[str, object] = {}
    for _ in range(_MOST_PAGES):
        value = kms.done("list_aliases", **cursor).value
        found |= kms.dialect.aliases(value).keys()
        after = kms.dialect.page(value).cursor
        if after is None:
            break
        cursor = {"cursor": after}
    return frozenset(found)


# `expiry.not-early` is judged as well, and declared above alone: a target that lets this key be enabled would leave it
# open.
@requirement("expiry.gone", "expiry.no-cancel", "expiry.decrypt")
@pytest.mark.clock
@pytest.mark.alone
def test_end_of_a_key_that_was_disabled(kms: Scenario) -> None:
    """A disabled key ends as an enabled one does, also after the shortest window. The key is used up."""
    key = kms.key(ENABLED)
    ciphertexts = kms.ciphertexts(key)
    kms.pool.bring(key, DISABLED)
    waiting = _waiting_for_longer(kms, key)
    started, days = kms.client.world.clock.monotonic(), kms.window.minimum
    view, asked_at = _pending(kms, key, days)
    end, last = _end(kms, view, asked_at, days)
    _advance_to(kms, end - _LAST_USES)
    if kms.pool.read_until(key, lambda view: view.state == PENDING).state == PENDING:
        _edit(kms, key)
        _must_refuse_uses(kms, key, ciphertexts)
    _must_wait(kms, view, end, timedelta(seconds=kms.client.world.clock.monotonic() - started))
    _must_refuse_cancel(kms, key, last)
    answer = kms.refuses("expiry.gone", "unknown_key", "describe", key_id=key)
    for ciphertext in ciphertexts:
        kms.refuses("expiry.decrypt", "lost_key", "decrypt", ciphertext=ciphertext)
    kms.pool.drop_if_gone(key)
    if waiting is not None:
        kms.must_be_unchanged("expiry.nothing-else", waiting, kms.read(str(waiting.id)), answer)


# `cancel.before-end` and the states are judged as well: by keys of the usual kind they are declared above.
@requirement("expiry.gone", "expiry.no-cancel", "expiry.not-recoverable")
@pytest.mark.clock
@pytest.mark.alone
@pytest.mark.parametrize("kind", ["signing", "external"])
def test_end_of_a_key_of_another_kind(kms: Scenario, kind: str) -> None:
    """A key for signatures, and one that waits for its material, end as all keys do. The key is used up.

    Another key ends together with that for signatures.
    """
    key = reserved_key(kms, **({"origin": "external"} if kind == "external" else kms.dialect.signing_key))
    beside = ""
    days = kms.window.minimum
    if kind == "signing":
        kms.accepts("schedule.state-after", "schedule", key_id=key, window=days, states=[PENDING])
        kms.accepts("cancel.before-end", "cancel", key_id=key, states=kms.states_after_cancel)
        beside = kms.key(ENABLED)
        kms.pool.bring(beside, PENDING, days)
    started = kms.client.world.clock.monotonic()
    view, asked_at = _pending(kms, key, days)
    end, last = _end(kms, view, asked_at, days)
    _must_wait(kms, view, end, timedelta(seconds=kms.client.world.clock.monotonic() - started))
    _must_refuse_cancel(kms, key, last)
    kms.must_be_gone(key, ())
    kms.pool.drop_if_gone(key)
    for ended in kms.pool.ended[:1]:
        # It ended before this key was created.
        kms.refuses("expiry.gone", "unknown_key", "describe", key_id=ended)
    if beside:
        kms.refuses("expiry.gone", "unknown_key", "describe", key_id=beside)
        kms.pool.drop_if_gone(beside)


def _waiting_for_longer(kms: Scenario, key: str) -> KeyView | None:
    """Another key, which waits for the longest window; None if the run may have no other one."""
    with suppress(Inconclusive):
        other = kms.key(ENABLED, key)
        kms.pool.bring(other, PENDING, kms.window.maximum)
        return kms.view(other)
    return None


def _edit(kms: Scenario, key: str) -> None:
    """Change what a pending key has, which must not keep it alive; whether that is allowed is judged elsewhere."""
    with suppress(Inconclusive):
        kms.ask("tag", key_id=key, tags={TAG: "pending"})
    with suppress(Inconclusive):
        kms.ask("untag", key_id=key, tag_keys=[TAG])
    with suppress(Inconclusive):
        kms.ask("put_policy", key_id=key, policy=str(kms.result("get_policy", key_id=key)))


def _must_refuse_uses(kms: Scenario, key: str, ciphertexts: Iterable[str]) -> None:
    """Judge that on its last day, a pending key is neither used nor brought back otherwise than by a cancel."""
    requests: list[tuple[str, dict[str, object]]] = [("decrypt", {"ciphertext": each}) for each in ciphertexts]
    requests += [("encrypt", {"key_id": key, "plaintext": "text"})] * kms.encrypts
    requests += [(operation, {"key_id": key}) for operation in ("generate_data_key", "enable", "disable")]
    if kms.profile.refusal_in("schedule", PENDING) is not None:
        # A refused request must not give the key the longer time that it asks for.
        requests.append(("schedule", {"key_id": key, "window": kms.window.maximum}))
    for operation, arguments in requests:
        refusal = kms.profile.refusal_in(operation, PENDING)
        assert refusal is not None
        answer = kms.ask(operation, **arguments)
        if kms.is_told("unknown_key lost_key", answer) and kms.pool.read(key).state == GONE:
            # It ended early, which is judged by itself.
            return
        twice = operation == "schedule"
        requirement_id = as_id("schedule.twice" if twice else f"pending.{operation.replace('_', '-')}")
        kms.must_be_refused(requirement_id, refusal, answer)
        if answer.accepted and operation in CHANGES:
            # The key waits no longer, so its end cannot be judged.
            raise Stop
    now = kms.read(key)
    if now.state != PENDING:
        told = "pending, as before the refused requests", f"state {now.state}"
        kms.judge.that("refused.changes-nothing", now.state == PENDING, *told, (answer.number,))
        raise Stop
