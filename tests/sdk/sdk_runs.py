"""Runs of the vendors' clients against an emulator, with all or some of the steps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from kms_conformance.apps.sdk import step_runner as player
from kms_conformance.apps.sdk.registry import ClientError, adapter_of
from kms_conformance.apps.sdk.results import SdkReport, StepResult
from kms_conformance.apps.sdk.session import choose_clients, run_clients
from kms_conformance.apps.sdk.steps import steps
from kms_conformance.apps.sdk.vendor_clients import clients
from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator
from kms_conformance.target import Limits, load_target

# Every client with each of its ways to sign in.
ALL = [
    ("alibaba", None, "alibabacloud_kms20160120"),
    ("alibaba", None, "aliyun-python-sdk-kms"),
    ("aws", None, "boto3"),
    ("huawei", "aksk", "huaweicloudsdkkms"),
    ("huawei", "token", "otcextensions"),
    ("huawei", "password", "otcextensions"),
]
ONE_EACH = [row for row in ALL if row[1] != "password"]


def installed(name: str) -> None:
    """Skip the test if a client is not installed (extra `clients`)."""
    known = next(client for dialect, _, _ in ALL for client in clients(dialect) if client.name == name)
    try:
        adapter_of(known)
    except ClientError as error:
        pytest.skip(str(error))


def run(
    emulator: Emulator, way: str | None, only: str, folder: Path, *, whole: bool = False, limits: Limits | None = None
) -> SdkReport:
    """Run the steps through one client (all if `only` is empty); `whole` includes the end of the waiting period."""
    path = folder / "target.yaml"
    path.write_text(emulator.target_yaml(way))
    target = load_target(path)
    target = replace(target, time_control=target.time_control if whole else None, limits=limits or target.limits)
    found, left_out = choose_clients(target, only or None)
    return run_clients(target, Ledger.of(target, folder / "state"), found, left_out, lambda *_: None)


def only_steps(monkeypatch: pytest.MonkeyPatch, *titles: str, strangers: bool = False) -> None:
    """Run only these steps and the first, to save time."""
    monkeypatch.setattr(
        player, "steps", lambda profile, days: [step for step in steps(profile, days) if step.title in titles]
    )
    if not strangers:
        monkeypatch.setattr(player, "with_wrong_credentials", lambda refusal: [])


def step(report: SdkReport, title: str) -> StepResult:
    found = [each for client in report.clients for each in client.steps if each.title == title]
    assert len(found) == 1
    return found[0]


def verdicts(report: SdkReport, besides: Collection[str] = ("passed",)) -> dict[str, str]:
    """Titles and verdicts of all steps with other verdicts than `besides`."""
    return {
        each.title: each.verdict for client in report.clients for each in client.steps if each.verdict not in besides
    }
