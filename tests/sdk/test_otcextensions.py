"""otcextensions, a plugin of openstacksdk: signs in with a password or a token, sends the window as a number.

Its errors of status 400 carry the code in their text and no status; those of a list without leave raise KeyError.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound
from kms_conformance.emulator.huawei import credentials

pytest.importorskip("otcextensions", reason="otcextensions, of the extra `clients`, is not installed")

from openstack.exceptions import DuplicateResource, HttpException, NotFoundException, SDKException
from otcextensions.sdk.kms.v1._proxy import Proxy

from kms_conformance.apps.sdk.otc import connected

# The plugin uses deprecated functions of openstacksdk.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

STATES = states("huawei")
MINIMUM, MAXIMUM = bounds("huawei")
Call = Callable[[Proxy, str], object]


def by_password(emulator: Emulator, password: str = credentials.PASSWORD) -> Proxy:
    """The client finds the service in the catalogue of its token reply."""
    auth = {
        "auth_url": f"{emulator.base_url}/v3",
        "username": credentials.USERNAME,
        "password": password,
        "user_domain_name": credentials.DOMAIN,
        "project_name": credentials.REGION,
        "project_domain_name": credentials.DOMAIN,
    }
    return connected("", auth_type="password", auth=auth, region_name=credentials.REGION)


def by_token(emulator: Emulator, token: str = credentials.TOKEN) -> Proxy:
    endpoint = f"{emulator.base_url}/v1.0/{credentials.PROJECT_ID}"
    auth = {"endpoint": emulator.base_url, "token": token}
    return connected(
        credentials.PROJECT_ID,
        auth_type="admin_token",
        auth=auth,
        kms_endpoint_override=endpoint,
        region_name=credentials.REGION,
    )


def code(error: SDKException) -> str:
    """The error code: the whole message, or the end of `… code = KMS.1501`."""
    return error.message.rpartition("=")[2].strip()


def answer(error: HttpException) -> tuple[int, str]:
    return error.status_code, code(error)


def listed(kms: Proxy, **filters: str) -> list[str]:
    return [item.key_id for item in kms.keys(**filters)]


@pytest.fixture
def kms(huawei: Emulator) -> Proxy:
    return by_token(huawei)


@pytest.fixture
def key(kms: Proxy) -> str:
    return kms.create_key(key_alias="ours").key_id


# The life of a key


@pytest.mark.parametrize("signed_in", [by_password, by_token])
def test_a_key_is_scheduled_spared_and_used_again(
    huawei: Emulator, seen: list[Inbound], signed_in: Callable[[Emulator], Proxy]
) -> None:
    kms = signed_in(huawei)
    key = kms.create_key(key_alias="ours", key_description="für uns").key_id
    told = kms.get_key(key)
    assert (told.key_state, told.key_alias, told.key_description) == (STATES.enabled, "ours", "für uns")

    earliest = huawei.clock.now()
    assert kms.schedule_key_deletion(key, 7).key_state == STATES.pending
    assert seen[-1].parameters == {"key_id": key, "pending_days": 7}
    told = kms.get_key(key)
    assert told.key_state == STATES.pending
    gone = datetime.fromtimestamp(int(told.scheduled_deletion_date) / 1000, UTC)
    assert earliest <= gone - WEEK <= huawei.clock.now()
    with refused(huawei, SDKException) as caught:
        kms.create_datakey(key)
    assert code(caught.value) == "KMS.0210"

    assert kms.cancel_key_deletion(key).key_state == STATES.after_cancel
    told = kms.get_key(key)
    assert (told.key_state, told.scheduled_deletion_date) == (STATES.after_cancel, "")
    assert kms.enable_key(key).key_state == STATES.enabled
    assert len(bytes.fromhex(kms.create_datakey(key, datakey_length=512).plain_text)) == 64
    assert kms.disable_key(key).key_state == STATES.disabled


def test_one_password_is_one_token(huawei: Emulator, seen: list[Inbound]) -> None:
    kms = by_password(huawei)
    kms.get_key(kms.create_key(key_alias="ours"))
    assert [inbound.path for inbound in seen] == [
        "/v3",
        "/v3/auth/tokens",
        *(f"/v1.0/{credentials.PROJECT_ID}/kms/{name}" for name in ("create-key", "describe-key")),
    ]


def test_the_list_holds_each_key_once_over_its_pages(
    huawei: Emulator, kms: Proxy, key: str, seen: list[Inbound]
) -> None:
    # The client treats the text "false" as true: it stops only if there is no next marker.
    del seen[:]
    assert [item.key_id for item in kms.keys(limit=2)] == [key.id for key in huawei.store.keys]
    assert [inbound.parameters for inbound in seen] == [
        {"limit": 2},
        {"limit": 2, "marker": "2"},
        {"limit": 2, "marker": "4"},
    ]


def test_the_list_tells_which_keys_wait_for_their_deletion(kms: Proxy, key: str) -> None:
    assert key not in listed(kms, key_state=STATES.pending)
    kms.schedule_key_deletion(key)
    waiting = {item.key_id: item.key_state for item in kms.keys(key_state=STATES.pending)}
    assert waiting[key] == STATES.pending
    assert set(waiting.values()) == {STATES.pending}


def test_a_key_is_found_by_its_name(kms: Proxy, key: str) -> None:
    assert kms.find_key("ours").key_id == key


def test_a_key_that_waits_counts_as_before(kms: Proxy, key: str) -> None:
    def counted() -> tuple[int, int]:
        return kms.get_instance_number().instance_num, next(quota.used for quota in kms.quotas() if quota.type == "CMK")

    before = counted()
    kms.schedule_key_deletion(key)
    assert counted() == before


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(huawei: Emulator, kms: Proxy, key: str) -> None:
    kms.schedule_key_deletion(key)
    huawei.clock.advance(WEEK.total_seconds() - 60)
    assert kms.get_key(key).key_state == STATES.pending
    huawei.clock.advance(60)
    for call in (kms.get_key, kms.cancel_key_deletion, kms.schedule_key_deletion, kms.enable_key, kms.create_datakey):
        with refused(huawei, NotFoundException) as caught:
            call(key)
        assert answer(caught.value) == (404, "KMS.0207")
    assert key not in listed(kms)


def test_a_key_that_was_spared_in_time_stays(huawei: Emulator, kms: Proxy, key: str) -> None:
    kms.schedule_key_deletion(key)
    huawei.clock.advance(WEEK.total_seconds() - 60)
    kms.cancel_key_deletion(key)
    huawei.clock.advance(MAXIMUM * DAY.total_seconds())
    assert kms.get_key(key).key_state == STATES.after_cancel


# What is refused


@pytest.mark.parametrize("profile", specs.profile_names("huawei"))
def test_the_window_ends_where_the_profile_says(profile: str) -> None:
    minimum, maximum = bounds("huawei", profile)
    with Emulator("huawei", profile=profile) as emulator:
        kms = by_token(emulator)
        key = kms.create_key(key_alias="ours")
        for window in (minimum - 1, maximum + 1, 0, -minimum):
            with refused(emulator, SDKException) as caught:
                kms.schedule_key_deletion(key, window)
            assert code(caught.value) == "KMS.1401"
        for window in (minimum, maximum):
            assert kms.schedule_key_deletion(key, window).key_state == STATES.pending
            kms.cancel_key_deletion(key)


REFUSED: dict[str, tuple[Call, str]] = {
    "cancel, not scheduled": (Proxy.cancel_key_deletion, "KMS.1501"),
    "enable an enabled key": (Proxy.enable_key, "KMS.1201"),
    "window too short, as text": (lambda kms, key: kms.schedule_key_deletion(key, str(MINIMUM - 1)), "KMS.1401"),
    "window too long, as text": (lambda kms, key: kms.schedule_key_deletion(key, str(MAXIMUM + 1)), "KMS.1401"),
    "a name that is none": (lambda kms, key: kms.create_key(key_alias="no name"), "KMS.1101"),
}


@pytest.mark.parametrize(("call", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(huawei: Emulator, kms: Proxy, key: str, call: Call, expected: str) -> None:
    with refused(huawei, SDKException) as caught:
        call(kms, key)
    assert code(caught.value) == expected


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (Proxy.schedule_key_deletion, "already_pending"),
        (Proxy.enable_key, "pending_enable"),
        (Proxy.disable_key, "pending_disable"),
    ],
)
def test_refused_while_the_key_waits(huawei: Emulator, kms: Proxy, key: str, call: Call, refusal: str) -> None:
    kms.schedule_key_deletion(key, 30)
    with refused(huawei, SDKException) as caught:
        call(kms, key)
    # The client raises exactly this for a status of 400, and only then.
    assert (400, code(caught.value)) in documented("huawei", refusal)


def test_a_key_that_there_is_not_is_not_found(huawei: Emulator, kms: Proxy) -> None:
    for call in (kms.get_key, kms.schedule_key_deletion, kms.cancel_key_deletion):
        with refused(huawei, NotFoundException) as caught:
            call(UNKNOWN)
        assert answer(caught.value) == (404, "KMS.0207")


def test_a_name_that_is_taken_is_refused(huawei: Emulator, kms: Proxy, key: str) -> None:
    with refused(huawei, DuplicateResource):
        kms.create_key(key_alias="ours")


# Who is let in


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        ("NOBODYS", "bad_token"),
        (credentials.EXPIRED_TOKEN, "expired_token"),
        (credentials.OTHER_PROJECT_TOKEN, "wrong_project"),
    ],
)
def test_nobody_else_is_let_in(huawei: Emulator, key: str, token: str, refusal: str) -> None:
    stranger = by_token(huawei, token)
    for call in (stranger.schedule_key_deletion, stranger.cancel_key_deletion, stranger.get_key, stranger.disable_key):
        with refused(huawei, HttpException) as caught:
            call(key)
        assert answer(caught.value) in documented("huawei", refusal)


def test_a_wrong_password_gets_no_token(huawei: Emulator, seen: list[Inbound]) -> None:
    with refused(huawei, SDKException) as caught:
        by_password(huawei, "WRONG").create_key(key_alias="ours")
    assert "HTTP 401" in str(caught.value)
    assert seen[-1].path == "/v3/auth/tokens"
