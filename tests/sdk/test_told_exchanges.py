"""Every kind of finding cites the exchanges that show it, and the report keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sdk_runs import installed, only_steps, run, step

from kms_conformance.apps.sdk.driver import CallResult, Driver
from kms_conformance.apps.sdk.results import SdkReport, StepResult
from kms_conformance.catalogue.api import Api
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.report.schemas import validate

Spoil = Callable[[Inbound, Outbound], Outbound]
ID = "00000000-0000-4000-8000-000000000000"


def refused(outbound: Outbound, status: int, code: str) -> Outbound:
    return replace(outbound.with_value({"Code": code, "Message": "no", "RequestId": ID}), status=status)


def without_metadata(inbound: Inbound, outbound: Outbound) -> Outbound:
    return outbound.with_value({"RequestId": ID}) if inbound.operation == "generate_data_key" else outbound


def cut_short(inbound: Inbound, outbound: Outbound) -> Outbound:
    return replace(outbound, cut_after=5, close=True) if inbound.operation == "generate_data_key" else outbound


def no_reply(inbound: Inbound, outbound: Outbound) -> Outbound:
    return replace(outbound, cut_after=0, close=True) if inbound.operation == "disable" else outbound


def wrong_code(inbound: Inbound, outbound: Outbound) -> Outbound:
    return refused(outbound, 400, "NoSuchCode") if inbound.operation == "generate_data_key" else outbound


def denied(inbound: Inbound, outbound: Outbound) -> Outbound:
    return refused(outbound, 403, "Forbidden.NoPermission") if inbound.operation == "generate_data_key" else outbound


def throttled(inbound: Inbound, outbound: Outbound) -> Outbound:
    return refused(outbound, 400, "Throttling") if inbound.operation == "disable" else outbound


def failing(inbound: Inbound, outbound: Outbound) -> Outbound:
    return replace(outbound, status=500, body=b"") if inbound.operation == "disable" else outbound


def redirected(inbound: Inbound, outbound: Outbound) -> Outbound:
    if inbound.operation != "generate_data_key":
        return outbound
    there = outbound.with_header("Location", "https://kms.example.com/")
    return replace(there.with_header("Content-Type", "text/html"), status=301, body=b"")


def with_hint(inbound: Inbound, outbound: Outbound) -> Outbound:
    return outbound.with_header("x-acs-retry-after", "3") if outbound.status == 404 else outbound


# kind: the filter, the client, the step, its verdict, and what its reason says
KINDS: dict[str, tuple[Spoil, str, str, str, str]] = {
    "a wrong reply": (
        without_metadata,
        "aliyun-python-sdk-kms",
        "generate a data key",
        "target",
        "generate-data-key.reply",
    ),
    "a reply that is cut short": (
        cut_short,
        "aliyun-python-sdk-kms",
        "generate a data key",
        "target",
        "not a complete HTTP reply",
    ),
    "a wrong code": (wrong_code, "aliyun-python-sdk-kms", "generate a data key", "target", "NoSuchCode"),
    "no permission": (denied, "aliyun-python-sdk-kms", "generate a data key", "inconclusive", "Forbidden.NoPermission"),
    "a redirect": (redirected, "aliyun-python-sdk-kms", "generate a data key", "inconclusive", "`base_url`"),
    "no reply": (no_reply, "aliyun-python-sdk-kms", "disable", "inconclusive", "reply"),
    "throttling": (throttled, "aliyun-python-sdk-kms", "disable", "inconclusive", "Throttling"),
    "an internal error": (failing, "aliyun-python-sdk-kms", "disable", "inconclusive", "carried out"),
    "a known trap": (
        with_hint,
        "alibabacloud_kms20160120",
        "describe an unknown key",
        "known_trap",
        "ThrottlingException",
    ),
}


def told(report: SdkReport, title: str) -> StepResult:
    """The step, whose exchanges the report keeps; the last one is of the operation of the step."""
    found = step(report, title)
    kept = {exchange["number"]: exchange for exchange in report.exchanges}
    assert found.exchanges
    assert kept.keys() >= set(found.exchanges)
    dialect = report.target.dialect
    assert kept[found.exchanges[-1]]["operation"] == Api.of(dialect, "documents")[found.operation].id
    validate(report.to_json(), "sdk", "sdk.json")
    return found


@pytest.mark.parametrize(("spoil", "client", "title", "verdict", "reason"), KINDS.values(), ids=KINDS)
def test_the_exchanges_of_a_finding_are_kept(
    spoil: Spoil,
    client: str,
    title: str,
    verdict: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed(client)
    only_steps(monkeypatch, title)
    with Emulator("alibaba", filters=[spoil]) as emulator:
        report = run(emulator, None, client, tmp_path)
    found = told(report, title)
    assert found.verdict == verdict
    assert reason in found.reason
    assert report.result == {"target": "failed", "inconclusive": "inconclusive"}.get(verdict, "passed")


def test_the_exchange_of_a_fault_of_the_client_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable")
    real = Driver.call

    def call(self: Driver, operation: str, **arguments: object) -> CallResult:
        result = real(self, operation, **arguments)
        if operation == "disable":
            raise RuntimeError("the client has a bad day")
        return result

    monkeypatch.setattr(Driver, "call", call)
    with Emulator("alibaba") as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    assert told(report, "disable").verdict == "client"


def test_a_client_that_cannot_sign_in_is_inconclusive(tmp_path: Path) -> None:
    """The identity service serves us and refuses the client, which signs in when it is made."""
    installed("otcextensions")

    def refuses_client(inbound: Inbound, outbound: Outbound) -> Outbound:
        theirs = "openstacksdk" in (inbound.header("user-agent") or "")
        return replace(outbound, status=401, body=b"{}") if theirs and inbound.path.endswith("/tokens") else outbound

    with Emulator("huawei", filters=[refuses_client]) as emulator:
        report = run(emulator, "password", "otcextensions", tmp_path)
    found = step(report, "create")
    assert (report.result, found.verdict) == ("inconclusive", "inconclusive")
    assert found.reason.startswith("The client could not sign in: ")
    written = str(report.to_json())
    assert [secret for secret in report.target.secrets if secret in written] == []


def test_a_create_that_the_quota_forbids_is_nobodys_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("boto3")
    only_steps(monkeypatch)

    def full(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "create":
            return outbound
        return replace(outbound.with_value({"__type": "LimitExceededException", "message": "no"}), status=400)

    with Emulator("aws", filters=[full]) as emulator:
        report = run(emulator, None, "boto3", tmp_path)
    found = told(report, "create")
    assert (report.result, found.verdict) == ("inconclusive", "inconclusive")
    assert "LimitExceededException" in found.reason
