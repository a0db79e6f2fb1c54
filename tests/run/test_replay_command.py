"""Command `replay` for a failure of a real run: seen again, repaired, unreachable; other keys are not changed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from forked import forked

from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Emulator

FAULT = next(fault for fault in FAULTS if fault.name == "cancel-accepted-when-enabled")


def faulty() -> Emulator:
    return Emulator("huawei", decisions=type("Faulty", FAULT.decisions, {}), foreign_keys=3)


def test_a_failure_of_a_run_is_asked_again_and_nothing_else_is_touched(tmp_path: Path) -> None:
    with faulty() as emulator:
        foreign = {key.id: key for key in emulator.store.keys}
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        options = ["--target", "t.yaml", "--reports", "out", "--tier", "smoke"]
        code, ran = forked("run", *options, "--", "-k", "test_key_that_is_not_pending_is_refused", cwd=tmp_path)
        assert code == 1
        shown = next(line for line in ran.split("\n") if line.startswith("    repeat "))
        # The command line that the run printed.
        again = shlex.split(shown.removeprefix("    repeat ").strip())
        assert again[:3] == ["kms-conformance", "replay", "out"]
        code, seen = forked(*again[1:], cwd=tmp_path)
        ours = [key for key in emulator.store.keys if key.id not in foreign]
        assert {key.state.value for key in ours} == {"pending_deletion"}
        assert {key.id: key for key in emulator.store.keys if key.id in foreign} == foreign
    with Emulator("huawei") as sound:
        (tmp_path / "u.yaml").write_text(sound.target_yaml())
        mended_code, mended = forked(*again[1:], "--target", "u.yaml", cwd=tmp_path)
    assert (code, mended_code) == (1, 0), seen + mended
    assert "\n✗ Seen again.\n  expected  400 KMS.1501\n  received  200 " in seen
    assert "\n✓ Not seen again: the requirement held this time.\n" in mended
    assert re.search(r"\n  ≠ status +200 OK +400 Bad Request\n", mended)
    assert re.search(r"\n  ≠ error.error_code +- +KMS.1501\n", mended)
    assert max(len(line) for line in (seen + mended).split("\n")) <= 80
