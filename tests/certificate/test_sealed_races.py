"""A run with two requests at once is judged again from its recording with the same result."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

from sealing_runs import run

from kms_conformance.apps.certificate.certify import certify
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.apps.selftest.faults.together import FAULTS

FEW = ("-k", "test_together.py or test_entry.py")
LOST = "concurrency.nothing-lost"


def verdict(reports: Path) -> str:
    (found,) = (
        each for each in json.loads((reports / "verdict.json").read_text())["requirements"] if each["id"] == LOST
    )
    return str(found["verdict"])


def test_a_run_with_races_is_judged_again(tmp_path: Path) -> None:
    reports = run(tmp_path, "huawei", FEW)
    assert verdict(reports) == "passed"
    (recording,) = reports.rglob("exchanges.jsonl.gz")
    started = Counter(json.loads(line).get("started") for line in gzip.decompress(recording.read_bytes()).splitlines())
    assert sorted(started.values())[-4:] == [2, 2, 2, 2], "no requests were sent together"
    (done,) = certify(reports)
    verification = verify_file(done.path)
    assert verification.exit_code == 0, str(verification)


def test_a_loss_is_found_again(tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "together-second-update-is-lost")
    reports = run(tmp_path, "aws", FEW, decisions=type("Faulty", fault.decisions, {}))
    assert verdict(reports) == "failed"
    (done,) = certify(reports, evidence=True)
    verification = verify_file(done.path)
    assert verification.exit_code == 0, str(verification)
