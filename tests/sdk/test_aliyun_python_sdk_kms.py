"""aliyun-python-sdk-kms: signs with version 1; parameters in the query of a POST or GET, or in a form."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound

pytest.importorskip("aliyunsdkkms", reason="aliyun-python-sdk-kms, of the extra `clients`, is not installed")

from aliyun_calls import PLAIN, Kms, Place, ServerException, answer

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


@pytest.mark.parametrize("place", ["query of a POST", "query of a GET", "form"])
@pytest.mark.parametrize("signed_in", [Kms.permanent, Kms.temporary])
def test_a_key_is_scheduled_spared_and_used_again(
    alibaba: Emulator, seen: list[Inbound], signed_in: Callable[[Emulator, Place], Kms], place: Place
) -> None:
    kms = signed_in(alibaba, place)
    key = kms.create()
    assert kms.describe(key)["KeyState"] == STATES.enabled
    blob = kms.encrypt(key)

    earliest = alibaba.clock.now()
    assert kms.schedule(key).keys() == {"RequestId"}
    assert (seen[-1].method == "GET", b"KeyId=" in seen[-1].body) == (place == "query of a GET", place == "form")
    told = kms.describe(key)
    assert told["KeyState"] == STATES.pending
    assert earliest <= datetime.fromisoformat(told["DeleteDate"]) - WEEK <= alibaba.clock.now()
    for use, by in ((kms.encrypt, key), (kms.decrypt, blob), (kms.data_key, key)):
        with refused(alibaba, ServerException) as caught:
            use(by)
        assert answer(caught.value) == (409, "Rejected.PendingDeletion")

    assert kms.cancel(key).keys() == {"RequestId"}
    told = kms.describe(key)
    assert told["KeyState"] == STATES.after_cancel
    assert not told.get("DeleteDate")
    kms.enable(key)
    assert kms.describe(key)["KeyState"] == STATES.enabled
    assert kms.decrypt(blob) == PLAIN
    assert len(base64.b64decode(kms.data_key(key))) == 32


def test_a_disabled_key_is_not_used(alibaba: Emulator, kms: Kms, key: str) -> None:
    kms.disable(key)
    assert kms.describe(key)["KeyState"] == STATES.disabled
    with refused(alibaba, ServerException) as caught:
        kms.encrypt(key)
    assert answer(caught.value) == (409, "Rejected.Disabled")


def test_a_key_gets_a_name_and_another_description(kms: Kms) -> None:
    key = kms.create(Description="one")
    kms.name(key, "alias/ours")
    assert kms.describe("alias/ours")["Description"] == "one"
    kms.explain(key, "für später: +&=*~ %41")
    assert kms.describe(key)["Description"] == "für später: +&=*~ %41"


def test_the_list_holds_each_key_once_over_its_pages(alibaba: Emulator, kms: Kms, key: str) -> None:
    pages = [kms.listed(PageNumber=number, PageSize=3) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 1, 0]
    assert [key_id for page in pages for key_id in page] == [key.id for key in alibaba.store.keys]
    assert kms.call("ListKeys")["TotalCount"] == 4


def test_the_list_tells_which_keys_wait_for_their_deletion(kms: Kms, key: str) -> None:
    waiting = json.dumps([{"Key": "KeyState", "Values": [STATES.pending]}])
    assert key not in kms.listed(Filters=waiting)
    kms.schedule(key)
    assert key in kms.listed(Filters=waiting)


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(alibaba: Emulator, kms: Kms, key: str) -> None:
    blob = kms.encrypt(key)
    kms.schedule(key)
    alibaba.clock.advance(WEEK.total_seconds() - 60)
    assert kms.describe(key)["KeyState"] == STATES.pending
    alibaba.clock.advance(60 + specs.facts("alibaba")["deletion"]["gone_within_seconds"])
    for call in (kms.describe, kms.cancel, kms.schedule, kms.enable, kms.encrypt):
        with refused(alibaba, ServerException) as caught:
            call(key)
        assert answer(caught.value) == (404, "Forbidden.KeyNotFound")
    with refused(alibaba, ServerException) as caught:
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
            with refused(emulator, ServerException) as caught:
                kms.schedule(key, window)
            assert answer(caught.value) in documented("alibaba", "window_out_of_range")
        for window in (minimum, maximum):
            kms.schedule(key, window)
            assert kms.describe(key)["KeyState"] == STATES.pending
            kms.cancel(key)


REFUSED: dict[str, tuple[Call, tuple[int, str]]] = {
    "describe no key": (lambda kms, key: kms.describe(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "schedule no key": (lambda kms, key: kms.schedule(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "cancel no key": (lambda kms, key: kms.cancel(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "encrypt by no key": (lambda kms, key: kms.encrypt(UNKNOWN), (404, "Forbidden.KeyNotFound")),
    "describe no name": (lambda kms, key: kms.describe("alias/nobodys"), (404, "Forbidden.AliasNotFound")),
    "cancel, not scheduled": (Kms.cancel, (409, "Rejected.StateModifiedFailed")),
    "no key named": (lambda kms, key: kms.call("CancelKeyDeletion"), (400, "MissingParameter")),
    "a name that is taken": (lambda kms, key: kms.name(key, "alias/payroll-0"), (400, "AliasAlreadyExists")),
}


@pytest.mark.parametrize(("call", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(alibaba: Emulator, kms: Kms, key: str, call: Call, expected: tuple[int, str]) -> None:
    with refused(alibaba, ServerException) as caught:
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
    with refused(alibaba, ServerException) as caught:
        call(kms, key)
    assert answer(caught.value) == (409, code)


# Who is let in


@pytest.mark.parametrize("place", ["query of a POST", "query of a GET", "form"])
def test_a_wrong_secret_is_known_by_what_both_sides_would_have_signed(
    alibaba: Emulator, key: str, place: Place
) -> None:
    stranger = Kms.permanent(alibaba, place, secret="WRONG")
    for call in (stranger.schedule, stranger.cancel, stranger.describe, stranger.disable):
        with refused(alibaba, ServerException) as caught:
            call(key)
        # The client replaces SignatureDoesNotMatch by this code if the message quotes its own string to sign.
        assert answer(caught.value) == (400, "InvalidAccessKeySecret")


def test_nobody_else_is_let_in(alibaba: Emulator, key: str) -> None:
    for stranger in (Kms.permanent(alibaba, access_key="NOBODYS"), Kms.temporary(alibaba, token="NOBODYS")):
        for call in (stranger.schedule, stranger.cancel, stranger.describe, stranger.disable):
            with refused(alibaba, ServerException) as caught:
                call(key)
            assert answer(caught.value) in documented("alibaba", "unknown_access_key")
