"""A result of a server whose whole time was moved is judged again from its exchanges, with the recorded offsets."""

from __future__ import annotations

import json
from pathlib import Path

from sealing_runs import run

from kms_conformance.apps.certificate.certify import certify
from kms_conformance.apps.certificate.pack import unpack
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.apps.selftest.deviation import only
from kms_conformance.emulator import Emulator
from kms_conformance.recording.target_snapshot import target_from_snapshot
from kms_conformance.report.layout import ENVIRONMENT


def test_the_signatures_of_the_moved_time_are_made_again(tmp_path: Path) -> None:
    emulator = Emulator("alibaba", moves_everything=True)
    emulator.clock.advance(5 * 86400)
    reports = run(tmp_path, "alibaba", only(("waiting_period",)), emulator=emulator)
    assert not emulator.failures
    path = certify(reports, evidence=True)[0].path
    verification = verify_file(path)
    assert verification.exit_code == 0, str(verification)
    [environment] = [raw for name, raw in unpack(path.read_bytes()).items() if name.endswith(ENVIRONMENT)]
    snapshot = json.loads(environment)["target"]
    assert snapshot["time_control"]["moves"] == "everything"
    assert target_from_snapshot(snapshot).clock_moves == "everything"
