"""Endpoints that show changes late, or fail once: the clients' runs accuse nobody, and still find what stays wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sdk_runs import ONE_EACH, installed, only_steps, run, step, verdicts

from kms_conformance.apps.selftest.lag import Mixin, data_plane_behind, flapping, new_key_unknown, steady
from kms_conformance.core.runtime import skipped_pauses
from kms_conformance.emulator import Decisions, Emulator, Inbound, Key, Outbound

CLIENTS = pytest.mark.parametrize(("dialect", "way", "client"), ONE_EACH, ids=[row[2] for row in ONE_EACH])
LAG_SECONDS = 0.7
LAGS = {
    "steady": steady(LAG_SECONDS),
    "flapping": flapping(LAG_SECONDS),
    "data plane": data_plane_behind(LAG_SECONDS),
    "new key": new_key_unknown(LAG_SECONDS),
}


class DisablesNothing(Decisions):
    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return () if operation == "disable" else super().effects(operation, before, after, keys)


LATE = [pytest.param(*row, lag, id=f"{row[2]}-{name}") for row in ONE_EACH for name, lag in LAGS.items()]


@pytest.fixture(autouse=True)
def _skipped() -> Iterator[None]:
    """The emulator and the judging part of a client's run are in this process, so their pauses need no time."""
    with skipped_pauses():
        yield


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("dialect", "way", "client", "lag"), LATE)
def test_a_lag_within_the_settle_time_is_no_fault(
    dialect: str, way: str | None, client: str, lag: Mixin, tmp_path: Path
) -> None:
    installed(client)
    with Emulator(dialect, decisions=lag) as emulator:
        report = run(emulator, way, client, tmp_path, whole=True)
    assert verdicts(report, ("passed", "absent", "known_trap")) == {}
    assert report.result == "passed"


def test_no_wait_is_shorter_than_the_settle_time(tmp_path: Path) -> None:
    installed("aliyun-python-sdk-kms")
    with Emulator("alibaba", decisions=steady(1.8)) as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    assert verdicts(report, ("passed", "known_trap")) == {}


def test_a_change_that_never_shows_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable")
    with Emulator("alibaba", decisions=DisablesNothing) as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    found = step(report, "disable")
    assert (report.result, found.verdict) == ("failed", "target")
    # The exchange of the change is cited with the one that read it back.
    kept = {exchange["number"]: exchange["operation"] for exchange in report.exchanges}
    assert [kept[number] for number in found.exchanges] == ["DisableKey", "DescribeKey"]


def failing(operation: str, times: int, asked: list[Inbound]) -> list:
    """Filters of an endpoint whose first `times` requests of an operation by a client get an internal error."""
    failed = 0

    def fail(inbound: Inbound, outbound: Outbound) -> Outbound:
        nonlocal failed
        if inbound.operation != operation or outbound.status >= 400:
            return outbound
        asked.append(inbound)
        theirs = any(
            word in (inbound.header("user-agent") or "").casefold()
            for word in ("huaweicloud", "openstacksdk", "alibabacloud", "aliyun", "boto3", "python-requests")
        )
        if not theirs or failed == times:
            return outbound
        failed += 1
        return replace(outbound, status=500, body=b"")

    return [fail]


@pytest.mark.parametrize(
    ("operation", "title"), [("generate_data_key", "generate a data key"), ("describe", "describe a new key")]
)
@CLIENTS
def test_one_internal_error_is_no_fault(
    dialect: str,
    way: str | None,
    client: str,
    operation: str,
    title: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed(client)
    only_steps(monkeypatch, title)
    asked: list[Inbound] = []
    with Emulator(dialect, filters=failing(operation, 1, asked)) as emulator:
        report = run(emulator, way, client, tmp_path)
    assert len(asked) > 1
    assert report.result == "passed"


@CLIENTS
def test_an_internal_error_that_repeats_is_a_fault(
    dialect: str, way: str | None, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(client)
    only_steps(monkeypatch, "generate a data key")
    with Emulator(dialect, filters=failing("generate_data_key", 100, [])) as emulator:
        report = run(emulator, way, client, tmp_path)
    found = step(report, "generate a data key")
    assert (report.result, found.verdict) == ("failed", "target")
    assert "reply.no-server-error" in found.requirements
    assert len(found.exchanges) >= 3
    assert {exchange["number"] for exchange in report.exchanges} >= set(found.exchanges)


def test_a_change_that_was_carried_out_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("aliyun-python-sdk-kms")
    only_steps(monkeypatch, "disable")
    asked: list[Inbound] = []
    with Emulator("alibaba", filters=failing("disable", 1, asked)) as emulator:
        report = run(emulator, None, "aliyun-python-sdk-kms", tmp_path)
    found = step(report, "disable")
    assert (found.verdict, len(asked)) == ("inconclusive", 1)
    assert "may have been carried out" in found.reason
    assert found.exchanges
