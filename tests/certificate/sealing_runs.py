"""Runs whose results are sealed, each in a forked process, so that modules are imported only once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_conformance import suite
from kms_conformance.apps.selftest.runner import preload
from kms_conformance.emulator import Decisions, Emulator, Filter
from kms_conformance.target import parse_target

SUITE = Path(suite.__file__).parent
#: Some families without generated requests: all kinds of judgement, own plaintexts, wrong credentials.
FEW = ("-k", "test_cancel.py or decrypt or test_authentication.py and missing or test_entry.py")


def run(
    folder: Path,
    dialect: str,
    arguments: Sequence[str] = FEW,
    *,
    way: str | None = None,
    tier: str = "smoke",
    decisions: type[Decisions] = Decisions,
    filters: Sequence[Filter] = (),
    emulator: Emulator | None = None,
    **changes: Any,
) -> Path:
    """Run the suite at an emulator, with `changes` in the target file; returns the reports folder."""
    preload()
    context = contextlib.nullcontext(emulator) if emulator else Emulator(dialect, decisions=decisions, filters=filters)
    with context as served:
        assert served is not None
        target = {name: value for name, value in (served.target(way) | changes).items() if value is not None}
        parse_target(yaml.safe_dump(target), "t")
        child = multiprocessing.get_context("fork").Process(
            target=_child, args=(folder, yaml.safe_dump(target), tuple(arguments), tier)
        )
        child.start()
        child.join(300)
        assert not child.is_alive()
    return folder / "reports"


def _child(folder: Path, target: str, arguments: tuple[str, ...], tier: str) -> None:
    file = folder / "target.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(target, encoding="utf-8")
    os.environ["KMS_CONFORMANCE_STATE"] = str(folder / "state")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    fixed = [f"--config-file={SUITE / 'pytest.ini'}", f"--rootdir={SUITE}", "-p", "no:cacheprovider"]
    options = [f"--target={file}", f"--reports={folder / 'reports'}", f"--tier={tier}", "--seed=1", "--tb=line"]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        pytest.main([*fixed, "-p", "kms_conformance.run.plugin", *options, *arguments, str(SUITE)])
    file.unlink()
