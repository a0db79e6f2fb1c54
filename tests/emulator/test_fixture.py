"""The fixture `kms_emulator` for other people's tests, and their pytest sessions without our options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import os, urllib.request
import pytest

@pytest.mark.kms_emulator("aws", foreign_keys=0, tls=True)
def test_marked(kms_emulator, monkeypatch):
    assert kms_emulator.rules.dialect == "aws"
    assert [key.default for key in kms_emulator.store.keys] == [True]
    for name, value in kms_emulator.environment.items():
        monkeypatch.setenv(name, value)
    boto3 = pytest.importorskip("boto3")
    kms = boto3.client("kms")
    assert kms.meta.endpoint_url.startswith("https://127.0.0.1:")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms_emulator.clock.advance(7 * 86400)
    assert key not in [each.id for each in kms_emulator.store.keys]

def test_by_option(kms_emulator):
    assert kms_emulator.rules.dialect == "huawei"
"""


def session(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_fixture_serves_what_mark_or_option_name(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TESTS)
    done = session(tmp_path, "-q", "--strict-markers", "--kms-emulator-dialect", "huawei")
    assert "2 passed" in done.stdout, done.stdout
    done = session(tmp_path, "-q", "-k", "by_option")
    assert "no dialect is named. Known: alibaba, aws, huawei. Name one with" in done.stdout, done.stdout


@pytest.mark.sampled(1)
@pytest.mark.parametrize("named", [(), ("--pyargs", "kms_conformance.suite")])
def test_only_a_session_that_names_the_suite_has_its_options(tmp_path: Path, named: tuple[str, ...]) -> None:
    shown = session(tmp_path, "--help", *named).stdout
    assert "--kms-emulator-dialect" in shown
    assert ("--rescue" in shown) is bool(named)
