"""alibabacloud_kms20160120: signs with version 3 (in headers), or with version 1 if configured."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound

pytest.importorskip(
    "alibabacloud_kms20160120", reason="alibabacloud_kms20160120, of the extra `clients`, is not installed"
)

from alibabacloud_calls import PLAIN, ClientException, Kms, answer

STATES = states("alibaba")
_, MAXIMUM = bounds("alibaba")
Call = Callable[[Kms, str], object]


@pytest.fixture
def kms(alibaba: Emulator) -> Kms:
    return Kms.permanent(alibaba)


@pytest.fixture
def key(kms: Kms) -> str:
    return kms.create()


# The life of a key


@pytest.mark.parametrize("signed_in", [Kms.permanent, Kms.temporary, Kms.by_the_older_signature])
def test_a_key_is_scheduled_spared_and_used_again(alibaba: Emulator, signed_in: Callable[[Emulator], Kms]) -> None:
    kms = signed_in(alibaba)
    key = kms.create()
    assert kms.describe(key).key_state == STATES.enabled
    blob = kms.encrypt(key)

    earliest = alibaba.clock.now()
    said = kms.schedule(key)
    assert (said.status_code, said.body.to_map()) == (200, {"RequestId": said.body.request_id})
    told = kms.describe(key)
    assert told.key_state == STATES.pending
    assert earliest <= datetime.fromisoformat(told.delete_date) - WEEK <= alibaba.clock.now()
    for use, by in ((kms.encrypt, key), (kms.decrypt, blob), (kms.data_key, key)):
        with refused(alibaba, ClientException) as caught:
            use(by)
        assert answer(caught.value) == (409, "Rejected.PendingDeletion")

    said = kms.cancel(key)
    assert (said.status_code, said.body.to_map()) == (200, {"RequestId": said.body.request_id})
    told = kms.describe(key)
    assert told.key_state == STATES.after_cancel
    assert not told.delete_date
    kms.enable(key)
    assert kms.describe(key).key_state == STATES.enabled
    assert kms.decrypt(blob) == PLAIN
    assert len(base64.b64decode(kms.data_key(key))) == 32


def test_it_signs_by_both_versions(alibaba: Emulator, seen: list[Inbound]) -> None:
    Kms.permanent(alibaba).create()
    Kms.by_the_older_signature(alibaba).create()
    third, first = seen
    assert (third.header("authorization") or "").startswith("ACS3-HMAC-SHA256 ")
    assert "Signature" not in third.parameters
    assert first.header("authorization") is None
    assert first.parameters["SignatureMethod"] == "HMAC-SHA1"


def test_a_disabled_key_is_not_used(alibaba: Emulator, kms: Kms, key: str) -> None:
    kms.disable(key)
    assert kms.describe(key).key_state == STATES.disabled
    with refused(alibaba, ClientException) as caught:
        kms.encrypt(key)
    assert answer(caught.value) == (409, "Rejected.Disabled")


def test_a_key_gets_a_name_and_another_description(kms: Kms) -> None:
    key = kms.create(description="one")
    kms.name(key, "alias/ours")
    assert kms.describe("alias/ours").description == "one"
    kms.explain(key, "für später: +&=*~ %41")
    assert kms.describe(key).description == "für später: +&=*~ %41"


def test_the_list_holds_each_key_once_over_its_pages(alibaba: Emulator, kms: Kms, key: str) -> None:
    pages = [kms.listed(page_number=number, page_size=3) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 1, 0]
    assert [key_id for page in pages for key_id in page] == [key.id for key in alibaba.store.keys]
    assert kms.page().total_count == 4


def test_the_list_tells_which_keys_wait_for_their_deletion(kms: Kms, key: str) -> None:
    waiting = json.dumps([{"Key": "KeyState", "Values": [STATES.pending]}])
    assert key not in kms.listed(filters=waiting)
    kms.schedule(key)
    assert key in kms.listed(filters=waiting)


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(alibaba: Emulator, kms: Kms, key: str) -> None:
    blob = kms.encrypt(key)
    kms.schedule(key)
    alibaba.clock.advance(WEEK.total_seconds() - 60)
    assert kms.describe(key).key_state == STATES.pending
    alibaba.clock.advance(60 + specs.facts("alibaba")["deletion"]["gone_within_seconds"])
    for call in (kms.describe, kms.cancel, kms.schedule, kms.enable, kms.encrypt):
        with refused(alibaba, ClientException) as caught:
            call(key)
        assert answer(caught.value) == (404, "Forbidden.KeyNotFound")
    with refused(alibaba, ClientException) as caught:
        kms.decrypt(blob)
    assert answer(caught.value) in documented("alibaba", "lost_key")
    assert key not in kms.listed()


def test_a_key_that_was_spared_in_time_stays(alibaba: Emulator, kms: Kms, key: str) -> None:
    blob = kms.encrypt(key)
    kms.schedule(key)
    alibaba.clock.advance(WEEK.total_seconds() - 60)
    kms.cancel(key)
    alibaba.clock.advance(MAXIMUM * DAY.total_seconds())
    assert kms.decrypt(blob) == PLAIN


# What is refused


@pytest.mark.parametrize("profile", specs.profile_names("alibaba"))
def test_the_window_ends_where_the_profile_says(profile: str) -> None:
    minimum, maximum = bounds("alibaba", profile)
    with Emulator("alibaba", profile=profile) as emulator:
        kms = Kms.permanent(emulator)
        key = kms.create()
        for window in (minimum - 1, maximum + 1, 0, -minimum):
            with refused(emulator, ClientException) as caught:
                kms.schedule(key, window)
            assert answer(caught.value) in documented("alibaba", "window_out_of_range")
        for window in (minimum, maximum):
            kms.schedule(key, window)
            assert kms.describe(key).key_state == STATES.pending
            kms.cancel(key)


REFUSED: dict[str, tuple[Call, tuple[int, str]]] = {
    "describe no key": (lambda kms, key: kms.describe(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "schedule no key": (lambda kms, key: kms.schedule(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "cancel no key": (lambda kms, key: kms.cancel(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "encrypt by no key": (lambda kms, key: kms.encrypt(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "describe no name": (lambda kms, key: kms.describe("alias/nobodys"), (404, "Forbidden.AliasNotFound")),
    "cancel, not scheduled": (Kms.cancel, (409, "Rejected.StateModifiedFailed")),
    "no key named": (lambda kms, key: kms.cancel(None), (400, "MissingParameter")),
    "a name that is taken": (lambda kms, key: kms.name(key, "alias/payroll-0"), (400, "AliasAlreadyExists")),
}


@pytest.mark.parametrize(("call", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(alibaba: Emulator, kms: Kms, key: str, call: Call, expected: tuple[int, str]) -> None:
    with refused(alibaba, ClientException) as caught:
        call(kms, key)
    assert answer(caught.value) == expected


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (Kms.schedule, "Rejected.StateModifiedFailed"),
        (Kms.enable, "Rejected.StateModifiedFailed"),
        (Kms.disable, "Rejected.StateModifiedFailed"),
        (Kms.name, "Rejected.StateModifiedFailed"),
        (Kms.explain, "Rejected.PendingDeletion"),
    ],
)
def test_refused_while_the_key_waits(alibaba: Emulator, kms: Kms, key: str, call: Call, code: str) -> None:
    kms.schedule(key, 30)
    with refused(alibaba, ClientException) as caught:
        call(kms, key)
    assert answer(caught.value) == (409, code)


def test_a_protected_key_is_not_scheduled(alibaba: Emulator, kms: Kms, key: str) -> None:
    kms.protect(key, on=True)
    assert kms.describe(key).deletion_protection == "Enabled"
    with refused(alibaba, ClientException) as caught:
        kms.schedule(key)
    assert answer(caught.value) in documented("alibaba", "deletion_protected")
    kms.protect(key, on=False)
    kms.schedule(key)
    assert kms.describe(key).key_state == STATES.pending


# Who is let in


@pytest.mark.parametrize(
    ("signed_in", "changed", "refusal"),
    [
        (Kms.permanent, {"secret": "WRONG"}, "wrong_signature"),
        (Kms.by_the_older_signature, {"secret": "WRONG"}, "wrong_signature"),
        (Kms.permanent, {"access_key": "NOBODYS"}, "unknown_access_key"),
        (Kms.temporary, {"token": "NOBODYS"}, "unknown_access_key"),
    ],
)
def test_nobody_else_is_let_in(
    alibaba: Emulator, key: str, signed_in: Callable[..., Kms], changed: dict[str, str], refusal: str
) -> None:
    stranger = signed_in(alibaba, **changed)
    for call in (stranger.schedule, stranger.cancel, stranger.describe, stranger.disable):
        with refused(alibaba, ClientException) as caught:
            call(key)
        assert answer(caught.value) in documented("alibaba", refusal)
