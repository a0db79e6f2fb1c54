"""huaweicloudsdkkms: signs with an access key, for a project that it is told or looks up.

Two of its calls have names of their own: `delete_key` schedules a deletion, `list_key_detail` describes a key.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from conformance import specs
from conformance.emulator import Emulator, Inbound
from conformance.emulator.huawei import credentials

pytest.importorskip("huaweicloudsdkkms", reason="huaweicloudsdkkms, of the extra `clients`, is not installed")

# Importing its core writes an id into the home.
with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
    patch.setenv("HOME", home)
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkkms import v2 as sdk

STATES = states("huawei")
MINIMUM, MAXIMUM = bounds("huawei")
PLAIN = "grüezi"


def client_of(
    emulator: Emulator,
    *,
    access_key: str = credentials.ACCESS_KEY_ID,
    secret: str = credentials.ACCESS_KEY_SECRET,
    project_id: str = credentials.PROJECT_ID,
) -> sdk.KmsClient:
    signer = BasicCredentials(access_key, secret, project_id)
    return sdk.KmsClient.new_builder().with_credentials(signer).with_endpoint(emulator.base_url).build()


def client_that_asks(
    emulator: Emulator, *, secret: str = credentials.ACCESS_KEY_SECRET, region: str = credentials.REGION
) -> sdk.KmsClient:
    """A client that is told a region, and asks the identity service for the project."""
    signer = BasicCredentials(credentials.ACCESS_KEY_ID, secret).with_iam_endpoint(emulator.base_url)
    return sdk.KmsClient.new_builder().with_credentials(signer).with_region(Region(region, emulator.base_url)).build()


def create(client: sdk.KmsClient, alias: str = "ours") -> str:
    return client.create_key(sdk.CreateKeyRequest(body=sdk.CreateKeyRequestBody(key_alias=alias))).key_info.key_id


def schedule(client: sdk.KmsClient, key_id: str, window: object = "7") -> sdk.DeleteKeyResponse:
    body = sdk.ScheduleKeyDeletionRequestBody(key_id=key_id, pending_days=window)
    return client.delete_key(sdk.DeleteKeyRequest(body=body))


def cancel(client: sdk.KmsClient, key_id: str) -> sdk.CancelKeyDeletionResponse:
    return client.cancel_key_deletion(sdk.CancelKeyDeletionRequest(body=sdk.OperateKeyRequestBody(key_id=key_id)))


def describe(client: sdk.KmsClient, key_id: str) -> sdk.KeyDetails:
    return client.list_key_detail(sdk.ListKeyDetailRequest(body=sdk.OperateKeyRequestBody(key_id=key_id))).key_info


def enable(client: sdk.KmsClient, key_id: str) -> str:
    body = sdk.OperateKeyRequestBody(key_id=key_id)
    return client.enable_key(sdk.EnableKeyRequest(body=body)).key_info.key_state


def disable(client: sdk.KmsClient, key_id: str) -> str:
    body = sdk.OperateKeyRequestBody(key_id=key_id)
    return client.disable_key(sdk.DisableKeyRequest(body=body)).key_info.key_state


def listed(client: sdk.KmsClient, **filters: str) -> sdk.ListKeysResponse:
    return client.list_keys(sdk.ListKeysRequest(body=sdk.ListKeysRequestBody(**filters)))


def encrypt(client: sdk.KmsClient, key_id: str) -> str:
    body = sdk.EncryptDataRequestBody(key_id=key_id, plain_text=PLAIN)
    return client.encrypt_data(sdk.EncryptDataRequest(body=body)).cipher_text


def decrypt(client: sdk.KmsClient, cipher_text: str) -> str:
    body = sdk.DecryptDataRequestBody(cipher_text=cipher_text)
    return client.decrypt_data(sdk.DecryptDataRequest(body=body)).plain_text


def data_key(client: sdk.KmsClient, key_id: str) -> str:
    body = sdk.CreateDatakeyRequestBody(key_id=key_id, datakey_length="512")
    return client.create_datakey(sdk.CreateDatakeyRequest(body=body)).plain_text


def rename(client: sdk.KmsClient, key_id: str, alias: str = "another:name") -> str:
    body = sdk.UpdateKeyAliasRequestBody(key_id=key_id, key_alias=alias)
    return client.update_key_alias(sdk.UpdateKeyAliasRequest(body=body)).key_info.key_alias


def explain(client: sdk.KmsClient, key_id: str, text: str = "für später") -> str:
    body = sdk.UpdateKeyDescriptionRequestBody(key_id=key_id, key_description=text)
    return client.update_key_description(sdk.UpdateKeyDescriptionRequest(body=body)).key_info.key_description


def answer(error: ClientRequestException) -> tuple[int, str]:
    assert error.request_id
    return error.status_code, error.error_code


@pytest.fixture
def client(huawei: Emulator) -> sdk.KmsClient:
    return client_of(huawei)


@pytest.fixture
def key(client: sdk.KmsClient) -> str:
    return create(client)


@pytest.fixture(params=[client_of, client_that_asks], ids=["project given", "project looked up"])
def any_client(huawei: Emulator, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> sdk.KmsClient:
    forget_projects(monkeypatch)
    return request.param(huawei)


def forget_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    # The client keeps the projects that it has looked up for as long as the process lives.
    monkeypatch.setattr(BasicCredentials, "_CACHE", {})


# The life of a key


def test_a_key_is_scheduled_spared_and_used_again(huawei: Emulator, any_client: sdk.KmsClient) -> None:
    client = any_client
    key = create(client)
    assert describe(client, key).key_state == STATES.enabled
    secret = encrypt(client, key)

    earliest = huawei.clock.now()
    said = schedule(client, key)
    assert (said.status_code, said.key_id, said.key_state) == (200, key, STATES.pending)
    told = describe(client, key)
    assert told.key_state == STATES.pending
    gone = datetime.fromtimestamp(int(told.scheduled_deletion_date) / 1000, UTC)
    assert earliest <= gone - WEEK <= huawei.clock.now()
    for use, by in ((encrypt, key), (decrypt, secret), (data_key, key)):
        with refused(huawei, ClientRequestException) as caught:
            use(client, by)
        assert answer(caught.value) == (400, "KMS.0210")

    said = cancel(client, key)
    assert (said.status_code, said.key_id, said.key_state) == (200, key, STATES.after_cancel)
    told = describe(client, key)
    assert (told.key_state, told.scheduled_deletion_date) == (STATES.after_cancel, "")
    assert enable(client, key) == STATES.enabled
    assert decrypt(client, secret) == PLAIN
    assert len(bytes.fromhex(data_key(client, key))) == 64


def test_a_disabled_key_is_not_used_and_spared_as_a_disabled_one(
    huawei: Emulator, client: sdk.KmsClient, key: str
) -> None:
    assert disable(client, key) == STATES.disabled
    with refused(huawei, ClientRequestException) as caught:
        encrypt(client, key)
    assert answer(caught.value) == (400, "KMS.0209")
    assert schedule(client, key).key_state == STATES.pending
    assert cancel(client, key).key_state == STATES.disabled


def test_a_key_gets_another_name_and_description(client: sdk.KmsClient, key: str) -> None:
    assert rename(client, key, "another:name") == "another:name"
    assert explain(client, key, "für später") == "für später"
    told = describe(client, key)
    assert (told.key_alias, told.key_description) == ("another:name", "für später")


def test_the_list_holds_each_key_once_over_its_pages(huawei: Emulator, client: sdk.KmsClient, key: str) -> None:
    pages = [listed(client, limit="2", marker="0")]
    while pages[-1].next_marker:
        pages.append(listed(client, limit="2", marker=pages[-1].next_marker))
    assert [key_id for page in pages for key_id in page.keys] == [key.id for key in huawei.store.keys]
    assert key in pages[-1].keys
    assert [page.truncated for page in pages] == ["true", "true", "false"]
    assert {page.total for page in pages} == {len(huawei.store.keys)}


def test_the_list_tells_which_keys_wait_for_their_deletion(client: sdk.KmsClient, key: str) -> None:
    assert key not in listed(client, key_state=STATES.pending).keys
    schedule(client, key)
    details = listed(client, key_state=STATES.pending).key_details
    assert key in [detail.key_id for detail in details]
    assert {detail.key_state for detail in details} == {STATES.pending}


def test_a_key_that_waits_counts_as_before(client: sdk.KmsClient, key: str) -> None:
    def counted() -> tuple[int, int]:
        resources = client.show_user_quotas(sdk.ShowUserQuotasRequest()).quotas.resources
        used = {resource.type: resource.used for resource in resources}["CMK"]
        return client.show_user_instances(sdk.ShowUserInstancesRequest()).instance_num, used

    before = counted()
    schedule(client, key)
    assert counted() == before


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(
    huawei: Emulator, client: sdk.KmsClient, key: str
) -> None:
    secret = encrypt(client, key)
    schedule(client, key)
    huawei.clock.advance(WEEK.total_seconds() - 60)
    assert describe(client, key).key_state == STATES.pending
    huawei.clock.advance(60)
    for call in (describe, cancel, schedule, enable, encrypt):
        with refused(huawei, ClientRequestException) as caught:
            call(client, key)
        assert answer(caught.value) == (404, "KMS.0207")
    with refused(huawei, ClientRequestException) as caught:
        decrypt(client, secret)
    assert answer(caught.value) in documented("huawei", "lost_key")
    assert key not in listed(client).keys


def test_a_key_that_was_spared_in_time_stays(huawei: Emulator, client: sdk.KmsClient, key: str) -> None:
    secret = encrypt(client, key)
    schedule(client, key)
    huawei.clock.advance(WEEK.total_seconds() - 60)
    cancel(client, key)
    huawei.clock.advance(MAXIMUM * DAY.total_seconds())
    enable(client, key)
    assert decrypt(client, secret) == PLAIN


# What is refused


@pytest.mark.parametrize("profile", specs.profile_names("huawei"))
def test_the_window_ends_where_the_profile_says(profile: str) -> None:
    minimum, maximum = bounds("huawei", profile)
    with Emulator("huawei", profile=profile) as emulator:
        client = client_of(emulator)
        key = create(client)
        for window in (minimum - 1, maximum + 1, -minimum, 0):
            with refused(emulator, ClientRequestException) as caught:
                schedule(client, key, str(window))
            assert answer(caught.value) == (400, "KMS.1401")
        for window in (minimum, maximum):
            assert schedule(client, key, str(window)).key_state == STATES.pending
            cancel(client, key)


Call = Callable[[sdk.KmsClient, str], object]
REFUSED: dict[str, tuple[Call, tuple[int, str]]] = {
    "describe no key": (lambda client, key: describe(client, UNKNOWN), (404, "KMS.0207")),
    "schedule no key": (lambda client, key: schedule(client, UNKNOWN), (404, "KMS.0207")),
    "cancel no key": (lambda client, key: cancel(client, UNKNOWN), (404, "KMS.0207")),
    "encrypt by no key": (lambda client, key: encrypt(client, UNKNOWN), (404, "KMS.0207")),
    "cancel, not scheduled": (cancel, (400, "KMS.1501")),
    "window too short, a number": (lambda client, key: schedule(client, key, MINIMUM - 1), (400, "KMS.1401")),
    "window too long, a number": (lambda client, key: schedule(client, key, MAXIMUM + 1), (400, "KMS.1401")),
    "enable an enabled key": (enable, (400, "KMS.1201")),
    "a name that is taken": (lambda client, key: create(client), (400, "KMS.1104")),
}


@pytest.mark.parametrize(("call", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused(huawei: Emulator, client: sdk.KmsClient, key: str, call: Call, expected: tuple[int, str]) -> None:
    with refused(huawei, ClientRequestException) as caught:
        call(client, key)
    assert answer(caught.value) == expected


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (schedule, "already_pending"),
        (enable, "pending_enable"),
        (disable, "pending_disable"),
        (rename, "pending_update"),
        (explain, "pending_update"),
    ],
)
def test_refused_while_the_key_waits(
    huawei: Emulator, client: sdk.KmsClient, key: str, call: Call, refusal: str
) -> None:
    schedule(client, key, "30")
    with refused(huawei, ClientRequestException) as caught:
        call(client, key)
    assert answer(caught.value) in documented("huawei", refusal)


def test_an_id_that_is_none_is_refused(huawei: Emulator, client: sdk.KmsClient) -> None:
    with refused(huawei, ClientRequestException) as caught:
        schedule(client, UNKNOWN.upper())
    assert answer(caught.value) in documented("huawei", "malformed_key")


def test_the_default_key_is_not_to_be_deleted(huawei: Emulator, client: sdk.KmsClient) -> None:
    default = next(detail for detail in listed(client).key_details if detail.default_key_flag == "1")
    with refused(huawei, ClientRequestException) as caught:
        schedule(client, default.key_id)
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
    stranger = client_of(huawei, **changed)
    for call in (schedule, cancel, describe, disable):
        with refused(huawei, ClientRequestException) as caught:
            call(stranger, key)
        assert answer(caught.value) in documented("huawei", refusal)


def test_the_project_is_looked_up_first(huawei: Emulator, seen: list[Inbound], monkeypatch: pytest.MonkeyPatch) -> None:
    forget_projects(monkeypatch)
    create(client_that_asks(huawei))
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
        client_that_asks(huawei, **changed)
    assert told in caught.value.error_msg
