"""Runs at faulty emulators whose reports stay, and scripts that are run as their readers run them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kms_conformance import suite
from kms_conformance.apps.replay.find import FoundFailure, find
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.runner import preload
from kms_conformance.apps.selftest.trial import Fault
from kms_conformance.report.load import load_report

# Faults whose failures no script can be expected to show, by class.
LEFT_OUT: Mapping[str, str] = {
    "authentication": "a recording does not tell what is wrong with a signature",
    "creation": "no key can be created, or its id is not told",
    "isolation": "their judgements compare keys that no exchange of the failure names",
    "intermittent": "they show only sometimes",
    "lagging": "they show only while changes are late",
    "silence": "they show only sometimes",
}


@dataclass(frozen=True)
class Drawn:
    """One fault in one dialect."""

    fault: Fault
    dialect: str

    def __str__(self) -> str:
        return f"{self.dialect}-{self.fault.name}"


def drawn(count: int, seed: int) -> tuple[tuple[Drawn, ...], ...]:
    """As many draws of faults that fail a MUST at smoke; the dialects take turns.

    Each draw has further faults behind the first one, because the failures of some faults cite no exchange.
    """
    source = random.Random(seed)  # noqa: S311 - a sample
    pools = {
        dialect: [
            Drawn(fault, dialect)
            for fault in FAULTS
            if dialect in fault.dialects and fault.exit_code == 1 and fault.tier == "smoke"
            if fault.fault_class not in LEFT_OUT and fault.timeout_seconds is None
            # A fault that counts what was asked of a key before the check does not show by the steps of the check.
            if "history" not in fault.families
        ]
        for dialect in ("huawei", "alibaba", "aws")
    }
    for pool in pools.values():
        source.shuffle(pool)
    turns = -(-count // len(pools))
    return tuple(tuple(pool[turn::turns][:3]) for turn in range(turns) for pool in pools.values())[:count]


def run(folder: Path, target: str, arguments: Sequence[str]) -> Path:
    """Run the suite in a forked process; returns the reports folder."""
    preload()
    child = multiprocessing.get_context("fork").Process(target=_child, args=(folder, target, tuple(arguments)))
    child.start()
    child.join(300)
    assert not child.is_alive()
    return folder / "reports"


def _child(folder: Path, target: str, arguments: tuple[str, ...]) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "target.yaml"
    file.write_text(target, encoding="utf-8")
    os.environ["KMS_CONFORMANCE_STATE"] = str(folder / "state")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    fixed = [*suite.CONFINED, "-p", "no:cacheprovider", "-p", "kms_conformance.run.plugin", "--tb=line"]
    options = [f"--target={file}", f"--reports={folder / 'reports'}", "--tier=smoke", "--seed=1"]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        pytest.main([*fixed, *options, *arguments, str(suite.FOLDER)])


def failures(reports: Path) -> list[FoundFailure]:
    """All failures of a run, in their order."""
    found = [
        find(reports, check.failure_id(failure))
        for target in load_report(reports).targets
        for check in target.checks
        for failure in check.failures
    ]
    return list({each.id: each for each in found}.values())


def environment(target: str) -> dict[str, str]:
    """The variables with the credentials of a target file, by the names that scripts have for them."""
    auth = yaml.safe_load(target)["auth"]
    return {name.upper(): str(value) for name, value in auth.items()}


def start(path: Path, url: str, variables: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a script in a shell, or in the isolated mode of Python, in which it sees no package of ours."""
    program = ["sh"] if path.suffix == ".sh" else [sys.executable, "-I", "-S"]
    return subprocess.Popen(
        [*program, str(path), url],
        env={"PATH": os.environ["PATH"], **variables},
        cwd=path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever runs these tests in the background ignores Ctrl-C, and what they start would do so as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing else is done there
    )


def carry_out(path: Path, target: str, **further: str) -> tuple[int, str]:
    """The exit code and the output of a script at a target; `further` are variables beside the credentials."""
    script = start(path, yaml.safe_load(target)["base_url"], {**environment(target), **further})
    said, _ = script.communicate(timeout=120)
    return script.returncode, said
