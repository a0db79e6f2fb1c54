"""Commands other than `run`, ended by a signal: keys are released, and the exit code names the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kms_conformance.emulator import Emulator


@pytest.mark.parametrize(("told", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_recording_that_is_told_to_end_lets_its_keys_go(tmp_path: Path, told: signal.Signals, code: int) -> None:
    with Emulator("huawei") as emulator:
        others = {str(key.id) for key in emulator.store.keys}
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        environment = os.environ | {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
        command = [sys.executable, "-m", "kms_conformance", "record", "--target", "t.yaml", "--out", "r.json"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline and len(emulator.store.keys) == len(others):
            time.sleep(0.002)
        process.send_signal(told)
        output, _ = process.communicate(timeout=60)
        states = {key.state.value for key in emulator.store.keys if str(key.id) not in others}
    assert (process.returncode, states) == (code, {"pending_deletion"}), output
    assert "Traceback" not in output
