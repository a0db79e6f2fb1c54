"""Runs the suite by its command against emulators in another process."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import capture, servers
from benchmarks.process import Usage, measure, python


@dataclass(frozen=True)
class Done:
    """A finished run: its usage, checks, verdicts, and the counts of its servers."""

    usage: Usage
    parts: list[capture.Part]
    verdicts: tuple[dict[str, Any], ...]
    served: servers.Served


def run(
    dialect: str, tier: str, *pytest_args: str, targets: int = 1, foreign_keys: int = 3, clock: bool = True
) -> Done:
    """Run the suite with seed 1 against new emulators, without `time_control` if `clock` is false.

    Raises `RuntimeError` if the run writes no verdict.
    """
    with folder() as place:
        with servers.emulators(dialect, targets, foreign_keys) as served:
            files = []
            for index, text in enumerate(served.targets):
                path = place / f"target-{index}.yaml"
                kept = (
                    text
                    if clock
                    else "".join(x for x in text.splitlines(keepends=True) if not x.startswith("time_control"))
                )
                path.write_text(kept, encoding="utf-8")
                files.append(f"--target={path}")
            command = python(
                "-m", "kms_conformance", "run", f"--tier={tier}", "--seed=1", f"--reports={place / 'reports'}"
            )
            command += [*files, "--", "-p", "benchmarks.capture", f"--parts={place / 'parts'}", *pytest_args]
            usage = measure(command, place, {"KMS_CONFORMANCE_STATE": str(place / "state")})
        verdicts = tuple(json.loads(path.read_bytes()) for path in sorted(place.glob("reports/**/verdict.json")))
        if not verdicts:
            raise RuntimeError((place / "output.txt").read_text(encoding="utf-8")[-2000:])
        return Done(usage, capture.read(place / "parts"), verdicts, served)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder for one run, separate from the user's own runs."""
    with tempfile.TemporaryDirectory(prefix="kms-benchmark-") as name:
        yield Path(name)
