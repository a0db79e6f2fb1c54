"""Pytest's own reports of a run agree with its verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from kms_conformance.apps.selftest.reply_mutations import saying, status, where
from kms_conformance.emulator import Emulator

LACKING = where(
    lambda inbound, _: inbound.operation == "list_tags",
    saying(lambda _: {"__type": "UnknownOperationException"}),
    status(400),
)


def plain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"KMS_CONFORMANCE_STATE": str(folder / "state")}
    options = ["--pyargs", "kms_conformance.suite", "--target", "t.yaml", "--reports", "out", "--tier", "smoke"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_what_could_not_be_judged_is_not_called_failed(tmp_path: Path) -> None:
    with Emulator("aws", filters=[LACKING]) as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = plain(tmp_path, "-k", "test_pending_belongings.py and list", "--junitxml=own.xml")
    results = json.loads((tmp_path / "out" / "results.json").read_text())["targets"][0]["checks"]
    unclear = sum(check["outcome"] == "inconclusive" for check in results)
    assert unclear > 0
    assert f"{unclear} inconclusive" in done.stdout.splitlines()[-1], done.stdout
    assert "failed" not in done.stdout.splitlines()[-1]
    (suite,) = ET.fromstring((tmp_path / "own.xml").read_text())  # noqa: S314 - pytest's own file
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", str(unclear))
    assert done.returncode == 3
    assert "report: " in done.stdout


def test_nothing_that_is_collected_only_names_a_report(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = plain(tmp_path, "--collect-only", "-q")
        asked = emulator.requests_served
    assert (done.returncode, asked) == (0, 0), done.stdout
    assert "report" not in done.stdout.splitlines()[-1]
    assert not (tmp_path / "out").exists()
