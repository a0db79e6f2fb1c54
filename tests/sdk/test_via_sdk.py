"""Key lifecycle through the vendors' clients: passed steps, faults of the target, faults of a client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sdk_runs import ALL, ONE_EACH, installed, only_steps, run, step, verdicts

from kms_conformance.apps.sdk.driver import CallResult, Driver
from kms_conformance.apps.sdk.registry import adapter_of
from kms_conformance.apps.sdk.vendor_clients import clients
from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.report.schemas import validate
from kms_conformance.target import Limits

CLIENTS = pytest.mark.parametrize(("dialect", "way", "client"), ONE_EACH, ids=[row[2] for row in ONE_EACH])

# Known traps that appear on an endpoint without faults.
TRAPS = {
    "otcextensions": {"otc-status-lost", "otc-key-not-found", "otc-list-refused"},
    "aliyun-python-sdk-kms": {"aliyun-signature-renamed"},
}


# Passed steps


@pytest.mark.parametrize(("dialect", "way", "client"), ALL, ids=[f"{row[2]} {row[1] or ''}" for row in ALL])
def test_every_client_leads_a_key_through_its_life(dialect: str, way: str | None, client: str, tmp_path: Path) -> None:
    installed(client)
    with Emulator(dialect) as emulator:
        before = emulator.store.keys
        report = run(emulator, way, client, tmp_path, whole=True)
        assert emulator.failures == []
        others = {key.id for key in before}
        # Pending keys of others are deleted, because the clock was moved past their date.
        assert {key.id for key in emulator.store.keys} <= others
    assert report.result == "passed"
    assert set(verdicts(report, ("passed", "absent")).values()) <= {"known_trap"}
    met = {each.trap for each in report.clients[0].steps if each.trap}
    assert met == TRAPS.get(client, set()) - ({"otc-list-refused"} if way == "password" else set())
    assert len(report.clients[0].steps) == (25 if way == "password" else 27)
    validate(report.to_json(), "sdk", "sdk.json")


def test_the_key_of_each_client_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable")
    with Emulator("alibaba") as emulator:
        before = {key.id: key for key in emulator.store.keys}
        report = run(emulator, None, "", tmp_path)
        ours = [key for key in emulator.store.keys if key.id not in before]
        assert [key.state for key in ours] == ["pending_deletion"] * 2
        assert {key.id: key for key in emulator.store.keys if key.id in before} == before
    assert Ledger.of(report.target, tmp_path / "state").unfinished() == ()
    assert report.keys_created == 2


def test_one_key_is_enough_for_two_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable", "schedule its deletion")
    with Emulator("alibaba") as emulator:
        report = run(emulator, None, "", tmp_path, limits=Limits(max_keys=1))
    assert report.keys_created == 1
    assert verdicts(report) == {"create": "inconclusive"}
    assert report.result == "inconclusive"


@CLIENTS
def test_no_secret_is_written(
    dialect: str, way: str | None, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(client)
    only_steps(monkeypatch, "schedule it again", strangers=True)

    def wrong_code(inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, status=418) if outbound.status >= 400 else outbound

    with Emulator(dialect, filters=[wrong_code]) as emulator:
        report = run(emulator, way, client, tmp_path)
    assert report.exchanges
    written = json.dumps(report.to_json())
    assert [secret for secret in report.target.secrets if secret in written] == []


# Faults of the target

Spoil = Callable[[Inbound, Outbound], Outbound]


def without_metadata(inbound: Inbound, outbound: Outbound) -> Outbound:
    """An endpoint whose reply to `describe` lacks its only object."""
    if inbound.operation != "describe" or outbound.status != 200:
        return outbound
    return outbound.with_value({k: v for k, v in outbound.value.items() if k not in ("key_info", "KeyMetadata")})


def page_in_html(operation: str, status: int) -> Spoil:
    def spoil(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != operation or outbound.status != status:
            return outbound
        return replace(outbound.with_header("Content-Type", "text/html"), body=b"<html><body>Oops</body></html>")

    return spoil


def cut_short(inbound: Inbound, outbound: Outbound) -> Outbound:
    return replace(outbound, cut_after=5, close=True) if inbound.operation == "generate_data_key" else outbound


def refuses_their_signature(inbound: Inbound, outbound: Outbound) -> Outbound:
    """An endpoint that serves our requests, but not those of vendors' clients."""
    theirs = re.search("huaweicloud|openstacksdk|AlibabaCloud|Boto3", inbound.header("user-agent") or "")
    return replace(outbound, status=401) if theirs else outbound


FAULTS: dict[str, tuple[Spoil, str]] = {
    "a missing field": (without_metadata, "describe a new key"),
    "HTML for a success": (page_in_html("generate_data_key", 200), "generate a data key"),
    "HTML for a refusal": (page_in_html("schedule", 400), "window below the shortest"),
    "a reply that is cut short": (cut_short, "generate a data key"),
    "the client's signature is refused": (refuses_their_signature, "describe a new key"),
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("spoil", "title"), FAULTS.values(), ids=FAULTS)
@CLIENTS
def test_a_fault_of_the_target_is_told_as_such(
    dialect: str,
    way: str | None,
    client: str,
    spoil: Spoil,
    title: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed(client)
    only_steps(monkeypatch, title)
    with Emulator(dialect, filters=[spoil]) as emulator:
        report = run(emulator, way, client, tmp_path)
    found = step(report, title)
    assert (report.result, found.verdict) == ("failed", "target")
    assert found.reason
    assert (
        found.call == adapter_of(next(each for each in clients(dialect) if each.name == client)).calls[found.operation]
    )
    assert found.raised or found.received
    assert set(found.exchanges) <= {exchange["number"] for exchange in report.exchanges}


def test_the_exchange_and_the_requirement_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("huaweicloudsdkkms")
    only_steps(monkeypatch, "generate a data key")
    with Emulator("huawei", filters=[page_in_html("generate_data_key", 200)]) as emulator:
        report = run(emulator, "aksk", "huaweicloudsdkkms", tmp_path)
    found = step(report, "generate a data key")
    assert (found.received, found.raised) == ("a result without: secret", "")
    assert found.requirements == ("reply.content-type", "reply.encoding")
    [number] = found.exchanges
    [exchange] = [each for each in report.exchanges if each["number"] == number]
    assert exchange["reply_body"]["text"] == "<html><body>Oops</body></html>"


def test_a_reply_that_both_sides_are_to_blame_for_names_the_trap_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("alibabacloud_kms20160120")
    only_steps(monkeypatch, "schedule it again")

    def in_xml(inbound: Inbound, outbound: Outbound) -> Outbound:
        if outbound.status != 409:
            return outbound
        body = "".join(f"<{name}>{value}</{name}>" for name, value in outbound.value.items())
        xml = outbound.with_header("Content-Type", "text/xml;charset=utf-8")
        return replace(xml, body=f"<KMS>{body}</KMS>".encode())

    with Emulator("alibaba", filters=[in_xml]) as emulator:
        report = run(emulator, None, "alibabacloud_kms20160120", tmp_path)
    found = step(report, "schedule it again")
    assert (found.verdict, found.trap) == ("target", "alibabacloud-xml-error")
    assert found.requirements == ("reply.content-type",)


# Faults of the client


def test_a_message_of_another_form_is_a_trap_of_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, strangers=True)

    def without_colon(inbound: Inbound, outbound: Outbound) -> Outbound:
        wrong = outbound.status == 400 and outbound.value["Code"] == "SignatureDoesNotMatch"
        return outbound.with_value(outbound.value | {"Message": "The signature is wrong"}) if wrong else outbound

    with Emulator("alibaba", filters=[without_colon]) as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    found = step(report, "describe with wrong credentials")
    assert (report.result, found.verdict, found.trap) == ("passed", "known_trap", "aliyun-signature-message")
    assert (found.raised, found.where.split(":")[0]) == ("IndexError", "aliyunsdkcore/client.py")


def test_a_hint_when_to_ask_again_is_a_trap_of_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("alibabacloud_kms20160120")
    only_steps(monkeypatch, "describe an unknown key")

    def with_hint(inbound: Inbound, outbound: Outbound) -> Outbound:
        return outbound.with_header("x-acs-retry-after", "3") if outbound.status == 404 else outbound

    with Emulator("alibaba", filters=[with_hint]) as emulator:
        report = run(emulator, None, "alibabacloud_kms20160120", tmp_path)
    found = step(report, "describe an unknown key")
    assert (report.result, found.verdict, found.trap) == ("passed", "known_trap", "alibabacloud-retry-after")


@pytest.mark.parametrize("spoil", [None, lambda _, outbound: outbound.with_header("X-Request-Id", None)])
def test_a_release_that_misses_an_attribute_is_a_trap_of_the_client_whatever_the_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Spoil | None
) -> None:
    installed("otcextensions")
    import openstack.resource  # noqa: PLC0415 - where it is installed

    only_steps(monkeypatch, "disable")
    # A function that release 4.22 removed.
    monkeypatch.delattr(openstack.resource.Resource, "has_body")
    monkeypatch.setattr("kms_conformance.apps.sdk.vendor_clients.metadata.version", lambda _: "4.22.0")
    with Emulator("huawei", filters=[spoil] if spoil else []) as emulator:
        report = run(emulator, "token", "otcextensions", tmp_path)
        # The request was sent: the key is ours and is released.
        assert [key.state for key in emulator.store.keys][-1] == "pending_deletion"
    assert report.result == "passed"
    assert {title: step(report, title).trap for title in ("create", "disable")} == {
        "create": "otc-has-body",
        "disable": "otc-has-body",
    }


def test_what_no_reply_explains_is_the_clients_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable", "enable", "describe a new key")
    real = Driver.call

    def call(self: Driver, operation: str, **arguments: object) -> CallResult:
        told = real(self, operation, **arguments)
        if operation == "disable":
            raise RuntimeError("the client has a bad day")
        return replace(told, key_id="another") if operation == "describe" else told

    monkeypatch.setattr(Driver, "call", call)
    with Emulator("alibaba") as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    assert report.result == "passed"
    assert verdicts(report) == {"describe a new key": "client", "disable": "client", "enable": "client"}
    assert step(report, "disable").received == "RuntimeError: the client has a bad day"


# Inconclusive steps


def test_a_client_that_names_a_key_of_somebody_elses_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable")
    with Emulator("alibaba") as emulator:
        before = emulator.store.keys
        real = Driver.call

        def call(self: Driver, operation: str, **arguments: object) -> CallResult:
            changed = {"key_id": before[0].id} if operation == "disable" else {}
            return real(self, operation, **{**arguments, **changed})

        monkeypatch.setattr(Driver, "call", call)
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
        assert emulator.store.keys[: len(before)] == before
    found = step(report, "disable")
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "The client tried to send a request that names a key that this run did not create; the request was stopped.",
    )


def test_a_target_that_throttles_the_client_is_accused_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable")

    def throttles(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "disable":
            return outbound
        value = {"Code": "Throttling", "Message": "slowly", "RequestId": "00000000-0000-4000-8000-000000000000"}
        return replace(outbound.with_value(value), status=400)

    with Emulator("alibaba", filters=[throttles]) as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    assert (report.result, step(report, "disable").verdict) == ("inconclusive", "inconclusive")


def test_a_media_type_in_capitals_is_a_trap_of_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("otcextensions")
    only_steps(monkeypatch, "describe an unknown key")

    def in_capitals(inbound: Inbound, outbound: Outbound) -> Outbound:
        return outbound.with_header("Content-Type", "Application/JSON; charset=UTF-8")

    with Emulator("huawei", filters=[in_capitals]) as emulator:
        report = run(emulator, "token", "otcextensions", tmp_path)
    found = step(report, "describe an unknown key")
    assert (report.result, found.verdict, found.trap) == ("passed", "known_trap", "otc-media-type-case")


@CLIENTS
def test_an_unknown_id_is_looked_up_before_a_client_may_change_it(
    dialect: str, way: str | None, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(client)
    only_steps(monkeypatch, "schedule an unknown key", "cancel an unknown key")
    asked = []

    def denying(inbound: Inbound, outbound: Outbound) -> Outbound:
        if outbound.refusal != "unknown_key":
            return outbound
        asked.append(inbound.operation)
        return replace(outbound, status=403)

    with Emulator(dialect, filters=[denying]) as emulator:
        report = run(emulator, way, client, tmp_path)
    assert set(asked) == {"describe"}
    assert verdicts(report) == {"schedule an unknown key": "inconclusive", "cancel an unknown key": "inconclusive"}
