"""Certificates of earlier commits: each verifies, or the output names the judged parts and the command to verify it."""

from __future__ import annotations

import lzma
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_conformance.apps.certificate.verify import verify_file

# Whole runs of every dialect take half a minute: only `tox run -e kept` verifies all of them.
_ALL = os.environ.get("KMS_CONFORMANCE_KEPT") == "all"
_KEPT = Path(__file__).parent / "kept"
_MADE: dict[Path, dict[str, Any]] = {
    path.parent: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(_KEPT.glob("*/made.yaml"))
}


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        pytest.param(folder, name, id=f"{folder.name}-{name}")
        for folder, made in _MADE.items()
        for name, file in made["files"].items()
        if _ALL or file.get("always")
    ],
)
def test_a_kept_certificate_verifies_or_says_what_is_judged_and_what_verifies_it(
    folder: Path, name: str, tmp_path: Path
) -> None:
    made = _MADE[folder]
    key = made["files"][name].get("key")
    path = tmp_path / name.removesuffix(".xz")
    path.write_bytes(lzma.decompress((folder / name).read_bytes()))
    said = verify_file(path, key=None if key is None else folder / key)
    if said.exit_code == 0:
        assert " verifies: " in str(said)
        return
    assert said.exit_code == 3, str(said)
    text = str(said)
    assert "Traceback" not in text
    assert "Judged:" in text
    assert "Not judged:" in text
    [command] = [line for line in text.splitlines() if "pipx run" in line]
    assert made["commit"] in command or command.count(f"=={made['version']} ") == 1
    assert command.rstrip().endswith(f"verify {path}")
