"""The command `emulator` with a profile and keys of the user's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from kms_conformance.target import load_target

OWN = "name: ours\ntitle: Ours\nextends: otc\nfacts: {settle_seconds: 40}\n"


def test_it_follows_a_file_begins_with_keys_and_saves_them(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(OWN)
    (tmp_path / "keys.yaml").write_text("keys: [{aliases: [mine]}]\n")
    options = ("--dialect", "huawei", "--profile", "ours.yaml", "--load", "keys.yaml", "--save", "saved.yaml")
    process = subprocess.Popen(
        [sys.executable, "-m", "kms_conformance", "emulator", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("disposable:"):
        lines.append(process.stdout.readline())
        assert lines[-1], process.wait()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    # The file as it is printed can be used, and its comments set the variables of the vendor's clients.
    (tmp_path / "target.yaml").write_text("".join(lines))
    assert load_target(tmp_path / "target.yaml").profile.startswith("file:ours@")
    assert any(line.startswith("# export HUAWEICLOUD_SDK_AK=") for line in lines)
    (key,) = yaml.safe_load((tmp_path / "saved.yaml").read_text())["keys"]
    assert key["aliases"] == ["mine"]


def test_what_cannot_be_used_is_told_before_it_serves(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("keys: [{stat: enabled}]\n")
    (tmp_path / "ours.yaml").write_text(OWN.replace("extends", "extend"))
    for options, said in (
        (("--load", "keys.yaml"), "Did you mean state?"),
        (("--profile", "ours.yaml"), "Did you mean `extends`?"),
        (("--profile", "otcc"), "Did you mean `otc`?"),
        (("--save", "nowhere/saved.yaml"), "does not exist"),
    ):
        command = [sys.executable, "-m", "kms_conformance", "emulator", "--dialect", "huawei", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split()), done.stderr
