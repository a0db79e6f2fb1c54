"""aliyun-python-sdk-kms: signs by version 1, in the query of a POST or a GET; it takes and gives plain JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from conformance import specs
from conformance.emulator import Emulator, Inbound
from conformance.emulator.alibaba import credentials

pytest.importorskip("aliyunsdkkms", reason="aliyun-python-sdk-kms, of the extra `clients`, is not installed")

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient

STATES = states("alibaba")
MINIMUM, MAXIMUM = bounds("alibaba")
PLAIN = base64.b64encode("grüezi".encode()).decode()
CONTEXT = json.dumps({"purpose": "a test of +&=*~ ü"})


class Kms:
    """Calls of actions by their names; `method` is that of all requests."""

    def __init__(self, emulator: Emulator, client: AcsClient, method: str = "POST") -> None:
        self.emulator = emulator
        self.client = client
        self.method = method

    def __call__(self, action: str, **fields: object) -> dict[str, Any]:
        kind = f"{action}Request"
        request = getattr(import_module(f"aliyunsdkkms.request.v20160120.{kind}"), kind)()
        for name, value in fields.items():
            getattr(request, f"set_{name}")(value)
        request.set_endpoint(self.emulator.base_url.removeprefix("http://"))
        request.set_protocol_type("http")
        request.set_method(self.method)
        return json.loads(self.client.do_action_with_exception(request))

    def create(self) -> str:
        return self("CreateKey")["KeyMetadata"]["KeyId"]

    def describe(self, key_id: str) -> dict[str, Any]:
        return self("DescribeKey", KeyId=key_id)["KeyMetadata"]

    def schedule(self, key_id: str, window: object = 7) -> dict[str, Any]:
        return self("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=window)

    def cancel(self, key_id: str) -> dict[str, Any]:
        return self("CancelKeyDeletion", KeyId=key_id)

    def enable(self, key_id: str) -> dict[str, Any]:
        return self("EnableKey", KeyId=key_id)

    def disable(self, key_id: str) -> dict[str, Any]:
        return self("DisableKey", KeyId=key_id)

    def encrypt(self, key_id: str) -> str:
        return self("Encrypt", KeyId=key_id, Plaintext=PLAIN, EncryptionContext=CONTEXT)["CiphertextBlob"]

    def decrypt(self, blob: str) -> str:
        return self("Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"]

    def data_key(self, key_id: str) -> str:
        return self("GenerateDataKey", KeyId=key_id)["Plaintext"]

    def explain(self, key_id: str, text: str = "another") -> dict[str, Any]:
        return self("UpdateKeyDescription", KeyId=key_id, Description=text)

    def name(self, key_id: str, alias: str = "alias/ours") -> dict[str, Any]:
        return self("CreateAlias", KeyId=key_id, AliasName=alias)

    def listed(self, **fields: object) -> list[str]:
        return [key["KeyId"] for key in self("ListKeys", **fields)["Keys"]["Key"]]


Call = Callable[[Kms, str], object]


def permanent(
    emulator: Emulator,
    method: str = "POST",
    access_key: str = credentials.ACCESS_KEY_ID,
    secret: str = credentials.ACCESS_KEY_SECRET,
) -> Kms:
    return Kms(emulator, AcsClient(access_key, secret, credentials.REGION), method)


def temporary(emulator: Emulator, method: str = "POST", token: str = credentials.STS_SECURITY_TOKEN) -> Kms:
    credential = StsTokenCredential(credentials.STS_ACCESS_KEY_ID, credentials.STS_ACCESS_KEY_SECRET, token)
    return Kms(emulator, AcsClient(region_id=credentials.REGION, credential=credential), method)


def answer(error: ServerException) -> tuple[int, str]:
    assert error.get_request_id()
    return error.get_http_status(), error.get_error_code()


@pytest.fixture
def kms(alibaba: Emulator) -> Kms:
    return permanent(alibaba)


@pytest.fixture
def key(kms: Kms) -> str:
    return kms.create()


# The life of a key


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("signed_in", [permanent, temporary])
def test_a_key_is_scheduled_spared_and_used_again(
    alibaba: Emulator, seen: list[Inbound], method: str, signed_in: Callable[[Emulator, str], Kms]
) -> None:
    kms = signed_in(alibaba, method)
    key = kms.create()
    assert kms.describe(key)["KeyState"] == STATES.enabled
    blob = kms.encrypt(key)

    earliest = alibaba.clock.now()
    assert kms.schedule(key).keys() == {"RequestId"}
    assert (seen[-1].method, seen[-1].body) == (method, b"")
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


def test_a_key_gets_a_name_and_another_description(kms: Kms, key: str) -> None:
    kms.name(key, "alias/ours")
    kms.explain(key, "für später: +&=*~ %41")
    assert kms.describe("alias/ours")["KeyId"] == key
    assert kms.describe(key)["Description"] == "für später: +&=*~ %41"


def test_the_list_holds_each_key_once_over_its_pages(alibaba: Emulator, kms: Kms, key: str) -> None:
    assert kms("ListKeys")["TotalCount"] == len(alibaba.store.keys) == 4
    pages = [kms.listed(PageNumber=number, PageSize=3) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 1, 0]
    assert sum(pages, []) == [key.id for key in alibaba.store.keys]


def test_the_list_tells_which_keys_wait_for_their_deletion(kms: Kms, key: str) -> None:
    waiting = json.dumps([{"Key": "KeyState", "Values": [STATES.pending]}])
    before = kms("ListKeys", Filters=waiting)
"""draft"""
