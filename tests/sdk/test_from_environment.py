"""Each client over https at the emulator, led there by the variables that the emulator names, or by code."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from kms_conformance.apps.sdk.session import clean_environment
from kms_conformance.emulator import Emulator, State
from kms_conformance.emulator.alibaba import credentials

WEEK = 7 * 86400


def by_boto3(_: Emulator) -> str:
    boto3 = pytest.importorskip("boto3")
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return str(key)


def by_huaweicloudsdkkms(_: Emulator) -> str:
    with clean_environment():  # importing it writes an id into the home directory
        pytest.importorskip("huaweicloudsdkkms")
        from huaweicloud_calls import Kms, sdk  # noqa: PLC0415 - not installed everywhere
        from huaweicloudsdkkms.v2.region.kms_region import KmsRegion  # noqa: PLC0415 - as above
    kms = Kms(sdk.KmsClient.new_builder().with_region(KmsRegion.value_of("eu-example")).build())
    return str(kms.schedule(kms.create()).key_id)


def by_otcextensions(_: Emulator) -> str:
    pytest.importorskip("otcextensions")
    import openstack  # noqa: PLC0415 - not installed everywhere
    import otcextensions.sdk  # noqa: PLC0415 - as above

    connection = openstack.connect(load_yaml_config=False)
    otcextensions.sdk.register_otc_extensions(connection)
    key = connection.kms.create_key(key_alias="ours")
    connection.kms.schedule_key_deletion(key, 7)
    return str(key.key_id)


def by_aliyun(emulator: Emulator) -> str:
    pytest.importorskip("aliyunsdkkms")
    from aliyun_calls import Kms  # noqa: PLC0415 - not installed everywhere

    kms = Kms.permanent(emulator)
    key = kms.create()
    kms.schedule(key)
    return key


def by_alibabacloud(emulator: Emulator) -> str:
    """The client reads access keys from the environment by its default credential, and nothing else."""
    pytest.importorskip("alibabacloud_kms20160120")
    from alibabacloud_calls import Kms  # noqa: PLC0415 - not installed everywhere
    from alibabacloud_credentials.client import Client  # noqa: PLC0415 - as above
    from alibabacloud_credentials.utils import auth_util  # noqa: PLC0415 - as above

    # It reads the variables when it is imported, which another test may have done.
    importlib.reload(auth_util)
    kms = Kms(emulator.base_url, region_id=credentials.REGION, credential=Client(), ca=str(emulator.authority))
    key = kms.create()
    kms.schedule(key)
    return key


@pytest.mark.sampled(2)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("dialect", "scheduled"),
    [
        ("aws", by_boto3),
        ("huawei", by_huaweicloudsdkkms),
        ("huawei", by_otcextensions),
        ("alibaba", by_aliyun),
        ("alibaba", by_alibabacloud),
    ],
)
def test_client_finds_its_way_by_what_the_emulator_prints(
    dialect: str, scheduled: Callable[[Emulator], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Emulator(dialect, tls=True) as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        key = scheduled(emulator)
        states = {each.id: each.state for each in emulator.store.keys}
        assert states[key] is State.PENDING_DELETION
        emulator.clock.advance(WEEK)
        assert key not in {each.id for each in emulator.store.keys}
        assert emulator.failures == []


def test_what_no_variable_says_is_told() -> None:
    """Those of Alibaba Cloud have no variable of an endpoint: whoever copies the lines must read how to go on."""
    told = {}
    for dialect in ("huawei", "alibaba", "aws"):
        with Emulator(dialect) as emulator:
            named = any(emulator.base_url in value for value in emulator.environment.values())
            told[dialect] = named, "endpoint" in emulator.set_in_code
    assert told == {"huawei": (True, False), "alibaba": (False, True), "aws": (True, False)}
