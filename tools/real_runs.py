"""Sample runs of the suite against the emulator: conformant, with deliberate faults, and without a clock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Decisions, Emulator

_SEED = 20260115


@dataclass(frozen=True)
class Endpoint:
    """One emulator: its name, dialect, faults by name, and whether it offers `time_control`."""

    name: str
    dialect: str
    faults: tuple[str, ...] = ()
    clock: bool = True


RUNS: Mapping[str, tuple[Endpoint, ...]] = {
    "conformant": (Endpoint("my-kms", "huawei"),),
    "nonconformant": (
        Endpoint(
            "my-kms",
            "huawei",
            ("window-below-minimum-accepted", "cancel-accepted-when-enabled", "cancel-keeps-the-date"),
        ),
        Endpoint("my-other-kms", "alibaba", ("window-wrong-code", "error-without-message")),
    ),
    # Like every real cloud: the end of the waiting period stays inconclusive.
    "inconclusive": (Endpoint("my-kms", "huawei", clock=False),),
}


def run(kind: str, directory: Path, *arguments: str) -> int:
    """Start one of `RUNS` at tier smoke by the command line; returns its exit code. Reports go to `directory`."""
    targets = directory.with_name(f"{directory.name}-targets")
    targets.mkdir(parents=True, exist_ok=True)
    with ExitStack() as serving:
        files = [serving.enter_context(_served(endpoint, targets)) for endpoint in RUNS[kind]]
        command = [sys.executable, "-m", "kms_conformance", "run", "--tier", "smoke", f"--seed={_SEED}"]
        command += [f"--reports={directory}", *(f"--target={file}" for file in files), *arguments]
        return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode  # noqa: S603 - our own command


@contextmanager
def _served(endpoint: Endpoint, directory: Path) -> Iterator[Path]:
    """Serve an emulator within the context; gives the path of its target file."""
    wanted = [f for f in FAULTS if f.name in endpoint.faults and endpoint.dialect in f.dialects]
    decisions = type("Deviating", (*(each for f in wanted for each in f.decisions), Decisions), {})
    filters = [each for fault in wanted for each in fault.filters]
    with Emulator(endpoint.dialect, decisions=decisions, filters=filters) as emulator:
        target = emulator.target() | {"name": endpoint.name}
        if not endpoint.clock:
            del target["time_control"]
        file = directory / f"{endpoint.name}.yaml"
        file.write_text(yaml.safe_dump(target, sort_keys=False), encoding="utf-8")
        yield file
