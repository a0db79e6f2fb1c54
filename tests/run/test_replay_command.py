"""A failure of a real run, asked again: seen, mended, out of reach; and nothing of others is touched."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from conformance.emulator import Emulator
from conformance.selftest.faults import FAULTS

FAULT = next(fault for fault in FAULTS if fault.name == "cancel-accepted-when-enabled")


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def faulty() -> Emulator:
    return Emulator("huawei", decisions=type("Faulty", FAULT.decisions, {}), foreign_keys=3)


def test_a_failure_of_a_run_is_asked_again_and_nothing_else_is_touched(tmp_path: Path) -> None:
    with faulty() as emulator:
        foreign = {key.id: key for key in emulator.store.keys}
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        options = ["--target", "t.yaml", "--reports", "out", "--tier", "smoke"]
        ran = command("run", *options, "--", "-k", "test_key_that_is_not_pending_is_refused", cwd=tmp_path)
        assert ran.returncode == 1
        shown = next(line for line in ran.stdout.split("\n") if line.startswith("    again "))
        # As a user does: the line that the run has shown.
        again = shlex.split(shown.removeprefix("    again ").strip())
        assert again[:3] == ["kms-conformance", "replay", "out"]
        seen = command(*again[1:], cwd=tmp_path)
        ours = [key for key in emulator.store.keys if key.id not in foreign]
        assert {key.state.value for key in ours} == {"pending_deletion"}
        assert {key.id: key for key in emulator.store.keys if key.id in foreign} == foreign
    with Emulator("huawei") as sound:
        (tmp_path / "u.yaml").write_text(sound.target_yaml())
        mended = command(*again[1:], "--target", "u.yaml", cwd=tmp_path)
    gone = command(*again[1:], cwd=tmp_path)
    assert [seen.returncode, mended.returncode, gone.returncode] == [1, 0, 3], seen.stdout + mended.stdout
    assert seen.stderr + mended.stderr + gone.stderr == ""
    assert "\n✗ Seen again.\n  expected  400 KMS.1501\n  received  200 " in seen.stdout
    assert "\n✓ Not seen again: the requirement held this time.\n" in mended.stdout
    assert re.search(r"\n  ≠ status +200 OK +400 Bad Request\n", mended.stdout)
    assert re.search(r"\n  ≠ error.error_code +- +KMS.1501\n", mended.stdout)
    assert "\n? Could not be judged again.\n  No reply (refused)" in gone.stdout
    assert max(len(line) for line in (seen.stdout + mended.stdout + gone.stdout).split("\n")) <= 80
