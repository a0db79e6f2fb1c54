"""huaweicloudsdkkms: signs with an access key, for a configured or looked-up project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound
from kms_conformance.emulator.huawei import credentials

pytest.importorskip("huaweicloudsdkkms", reason="huaweicloudsdkkms, of the extra `clients`, is not installed")

from huaweicloud_calls import PLAIN, ClientRequestException, Kms, SdkException, answer, forget_projects

STATES = states("huawei")
MINIMUM, MAXIMUM = bounds("huawei")
Call = Callable[[Kms, str], object]


@pytest.fixture
def kms(huawei: Emulator) -> Kms:
    return Kms.told_its_project(huawei)


@pytest.fixture
def key(kms: Kms) -> str:
    return kms.create()


# The life of a key


@pytest.mark.parametrize("signed_in", [Kms.told_its_project, Kms.asking_for_its_project])
def test_a_key_is_scheduled_spared_and_used_again(
    huawei: Emulator, monkeypatch: pytest.MonkeyPatch, signed_in: Callable[[Emulator], Kms]
) -> None:
    forget_projects(monkeypatch)
    kms = signed_in(huawei)
    key = kms.create()
    assert kms.describe(key).key_state == STATES.enabled
    secret = kms.encrypt(key)

    earliest = huawei.clock.now()
    said = kms.schedule(key)
    assert (said.status_code, said.key_id, said.key_state) == (200, key, STATES.pending)
    told = kms.describe(key)
    assert told.key_state == STATES.pending
    gone = datetime.fromtimestamp(int(told.scheduled_deletion_date) / 1000, UTC)
    assert earliest <= gone - WEEK <= huawei.clock.now()
    for use, by in ((kms.encrypt, key), (kms.decrypt, secret), (kms.data_key, key)):
        with refused(huawei, ClientRequestException) as caught:
            use(by)
        assert answer(caught.value) == (400, "KMS.0210")

    said = kms.cancel(key)
    assert (said.status_code, said.key_id, said.key_state) == (200, key, STATES.after_cancel)
    told = kms.describe(key)
    assert (told.key_state, told.scheduled_deletion_date) == (STATES.after_cancel, "")
    assert kms.enable(key) == STATES.enabled
    assert kms.decrypt(secret) == PLAIN
    assert len(bytes.fromhex(kms.data_key(key))) == 64


def test_a_disabled_key_is_not_used_and_is_disabled_when_it_is_spared(huawei: Emulator, kms: Kms, key: str) -> None:
    assert kms.disable(key) == STATES.disabled
    with refused(huawei, ClientRequestException) as caught:
        kms.encrypt(key)
    assert answer(caught.value) == (400, "KMS.0209")
    assert kms.schedule(key).key_state == STATES.pending
    assert kms.cancel(key).key_state == STATES.disabled


def test_a_key_gets_another_name_and_description(kms: Kms, key: str) -> None:
    assert kms.rename(key, "another:name") == "another:name"
    assert kms.explain(key, "für später") == "für später"
    told = kms.describe(key)
    assert (told.key_alias, told.key_description) == ("another:name", "für später")


def test_the_list_holds_each_key_once_over_its_pages(huawei: Emulator, kms: Kms, key: str) -> None:
    pages = [kms.listed(limit="2", marker="0")]
    while pages[-1].next_marker:
        pages.append(kms.listed(limit="2", marker=pages[-1].next_marker))
    assert [key_id for page in pages for key_id in page.keys] == [key.id for key in huawei.store.keys]
    assert key in pages[-1].keys
    assert [page.truncated for page in pages] == ["true", "true", "false"]
    assert {page.total for page in pages} == {len(huawei.store.keys)}


def test_the_list_tells_which_keys_wait_for_their_deletion(kms: Kms, key: str) -> None:
    assert key not in kms.listed(key_state=STATES.pending).keys
    kms.schedule(key)
    details = kms.listed(key_state=STATES.pending).key_details
    assert key in [detail.key_id for detail in details]
    assert {detail.key_state for detail in details} == {STATES.pending}


def test_a_key_that_waits_counts_as_before(kms: Kms, key: str) -> None:
    before = kms.counted()
    kms.schedule(key)
    assert kms.counted() == before


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(huawei: Emulator, kms: Kms, key: str) -> None:
    secret = kms.encrypt(key)
    kms.schedule(key)
    huawei.clock.advance(WEEK.total_seconds() - 60)
    assert kms.describe(key).key_state == STATES.pending
    huawei.clock.advance(60)
    for call in (kms.describe, kms.cancel, kms.schedule, kms.enable, kms.encrypt):
        with refused(huawei, ClientRequestException) as caught:
            call(key)
        assert answer(caught.value) == (404, "KMS.0207")
    with refused(huawei, ClientRequestException) as caught:
        kms.decrypt(secret)
    assert answer(caught.value) in documented("huawei", "lost_key")
    assert key not in kms.listed().keys


def test_a_key_that_was_spared_in_time_stays(huawei: Emulator, kms: Kms, key: str) -> None:
    secret = kms.encrypt(key)
    kms.schedule(key)
    huawei.clock.advance(WEEK.total_seconds() - 60)
    kms.cancel(key)
    huawei.clock.advance(MAXIMUM * DAY.total_seconds())
    kms.enable(key)
    assert kms.decrypt(secret) == PLAIN


# What is refused


@pytest.mark.parametrize("profile", specs.profile_names("huawei"))
def test_the_window_ends_where_the_profile_says(profile: str) -> None:
    minimum, maximum = bounds("huawei", profile)
    with Emulator("huawei", profile=profile) as emulator:
        kms = Kms.told_its_project(emulator)
        key = kms.create()
        for window in (minimum - 1, maximum + 1, 0, -minimum):
            with refused(emulator, ClientRequestException) as caught:
                kms.schedule(key, str(window))
            assert answer(caught.value) == (400, "KMS.1401")
        for window in (minimum, maximum):
            assert kms.schedule(key, str(window)).key_state == STATES.pending
            kms.cancel(key)


REFUSED: dict[str, tuple[Call, tuple[int, str]]] = {
    "describe no key": (lambda kms, key: kms.describe(UNKNOWN), (404, "KMS.0207")),
    "schedule no key": (lambda kms, key: kms.schedule(UNKNOWN), (404, "KMS.0207")),
    "cancel no key": (lambda kms, key: kms.cancel(UNKNOWN), (404, "KMS.0207")),
    "encrypt by no key": (lambda kms, key: kms.encrypt(UNKNOWN), (404, "KMS.0207")),
    "cancel, not scheduled": (Kms.cancel, (400, "KMS.1501")),
    "window too short, a number": (lambda kms, key: kms.schedule(key, MINIMUM - 1), (400, "KMS.1401")),
    "window too long, a number": (lambda kms, key: kms.schedule(key, MAXIMUM + 1), (400, "KMS.1401")),
    "enable an enabled key": (Kms.enable, (400, "KMS.1201")),
    "a name that is taken": (lambda kms, key: kms.create(), (400, "KMS.1104")),
}


@pytest.mark.parametrize(("call", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(huawei: Emulator, kms: Kms, key: str, call: Call, expected: tuple[int, str]) -> None:
    with refused(huawei, ClientRequestException) as caught:
        call(kms, key)
    assert answer(caught.value) == expected


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (Kms.schedule, "already_pending"),
        (Kms.enable, "pending_enable"),
        (Kms.disable, "pending_disable"),
        (Kms.rename, "pending_update"),
        (Kms.explain, "pending_update"),
    ],
)
def test_refused_while_the_key_waits(huawei: Emulator, kms: Kms, key: str, call: Call, refusal: str) -> None:
    kms.schedule(key, "30")
    with refused(huawei, ClientRequestException) as caught:
        call(kms, key)
    assert answer(caught.value) in documented("huawei", refusal)


def test_an_id_of_another_form_is_refused(huawei: Emulator, kms: Kms, key: str) -> None:
    with refused(huawei, ClientRequestException) as caught:
        kms.schedule(key.upper())
    assert answer(caught.value) in documented("huawei", "malformed_key")


def test_the_default_key_is_not_to_be_deleted(huawei: Emulator, kms: Kms) -> None:
    default = next(detail for detail in kms.listed().key_details if detail.default_key_flag == "1")
    with refused(huawei, ClientRequestException) as caught:
        kms.schedule(default.key_id)
    assert answer(caught.value) == (400, "KMS.0211")


# Who is let in


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"secret": "WRONG"}, "wrong_signature"),
        ({"access_key": "NOBODYS"}, "unknown_access_key"),
        ({"project_id": credentials.OTHER_PROJECT_ID}, "wrong_project"),
    ],
)
def test_nobody_else_is_let_in(huawei: Emulator, key: str, changed: dict[str, str], refusal: str) -> None:
    stranger = Kms.told_its_project(huawei, **changed)
    for call in (stranger.schedule, stranger.cancel, stranger.describe, stranger.disable):
        with refused(huawei, ClientRequestException) as caught:
            call(key)
        assert answer(caught.value) in documented("huawei", refusal)


def test_the_project_is_looked_up_first(huawei: Emulator, seen: list[Inbound], monkeypatch: pytest.MonkeyPatch) -> None:
    forget_projects(monkeypatch)
    Kms.asking_for_its_project(huawei).create()
    assert [inbound.path for inbound in seen] == ["/v3/projects", f"/v1.0/{credentials.PROJECT_ID}/kms/create-key"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"secret": "WRONG"}, "status_code:401"), ({"region": "xx-nowhere"}, "project id of region 'xx-nowhere'")],
)
def test_nobody_else_is_told_a_project(
    huawei: Emulator, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], told: str
) -> None:
    forget_projects(monkeypatch)
    with refused(huawei, SdkException) as caught:
        Kms.asking_for_its_project(huawei, **changed)
    assert told in caught.value.error_msg
