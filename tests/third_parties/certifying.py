"""Runs `kms-conformance run`, unchanged, on a release that serves, and keeps what it says.

Write down what a release is expected to be found to be, and the record of its run for the board of the documentation:

    python tests/third_parties/certifying.py moto-5.2.5
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments import MissingPythonError, python_of
from releases import HERE, Release, release
from serving import serve

from kms_conformance.apps.clock.library import ClockError, find_library

ROOT = HERE.parents[1]
EXPECTED = HERE / "expected"
# The end of the waiting period is judged where the clock of a release is moved, which needs libfaketime.
CLOCK = "smoke with a clock"
TIERS = ("smoke", "standard", CLOCK)
# The tier of the records that the board of the documentation is made of.
_RECORDED = "smoke"
# What a change waits for is the newest release of each at the tier smoke, and a piece of history.
# `tox run -e third-parties` asks all there is.
EVERYTHING = os.environ.get("KMS_CONFORMANCE_THIRD_PARTIES") == "all"
# One seed, so that generated requests are the same in each run.
SEED = 1
_LONGEST_SECONDS = 1200


@dataclass(frozen=True)
class Run:
    """What one run said: `verdict.json`, and what became of each requirement, by its id."""

    verdict: Mapping[str, Any]
    output: str

    @property
    def requirements(self) -> dict[str, str]:
        # Which of two requests at once arrives first is chance, and so is what can be judged of them.
        entries = (entry for entry in self.verdict["requirements"] if not entry["id"].startswith("concurrency."))
        return {entry["id"]: entry["verdict"] for entry in entries}

    def ids(self, verdict: str) -> set[str]:
        return {name for name, found in self.requirements.items() if found == verdict}


def certify(what: Release, tier: str, reports: Path | None = None, families: Sequence[str] = ()) -> Run:
    """Certify a release at a tier of `TIERS`, by all families of checks or by these.

    Raises `RuntimeError` with the command's output where it leaves no verdict.
    """
    with (
        tempfile.TemporaryDirectory(prefix="third-party-run-") as directory,
        serve(what, clock=tier == CLOCK) as serving,
    ):
        here = Path(directory)
        (here / "target.yaml").write_text(serving.target_text, encoding="utf-8")
        out = reports or here / "reports"
        command = [sys.executable, "-m", "kms_conformance", "run", "--target", "target.yaml", "--reports", f"{out}"]
        command += ["--tier", tier.split(maxsplit=1)[0], "--seed", f"{SEED}"]
        command += ["--", "-k", " or ".join(f"test_{family}.py" for family in families)] if families else []
        # pytest's own variables would reach the pytest of the run.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        environment |= {"KMS_CONFORMANCE_STATE": f"{here}/state", "NO_COLOR": "1", "COLUMNS": "120"}
        done = subprocess.run(
            command,
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        try:
            verdict = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RuntimeError(f"{' '.join(command)} left no verdict, and said:\n{said[-4000:]}") from None
        return Run(verdict, said)


def asked(names: Iterable[str]) -> list[str]:
    """The releases that are asked here: without those that are slow to install and to start, unless all are."""
    return [name for name in names if EVERYTHING or not release(name).implementation.slow]


def missing_python(what: Release) -> str:
    """Why a release cannot be installed here; empty where it can."""
    try:
        python_of(what)
    except MissingPythonError as error:
        return f"{error}"
    return ""


def missing_library() -> str:
    """Why no release can be started with a clock here; empty where it can."""
    try:
        find_library()
    except ClockError as error:
        return f"{error.what} {error.hint}"
    return ""


def expected(what: Release) -> Mapping[str, Any]:
    """What a release is expected to be found to be: tier -> requirement -> verdict, and of what suite."""
    content: Mapping[str, Any] = json.loads(_file(what).read_text(encoding="utf-8"))
    return content


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """One line for each requirement whose verdict is another, such as `- cancel.effect: passed` and what it is now."""
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            yield f"{name}: expected {before.get(name, 'no such requirement')}, found {now.get(name, 'not judged')}"


def _file(what: Release) -> Path:
    return EXPECTED / f"{what.name}.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME", help="such as moto-5.2.5")
    parser.add_argument("--reports", type=Path, help="keep the reports there, a folder a release and tier")
    parser.add_argument("--tier", choices=TIERS, action="append", help="these alone; without it, each")
    parser.add_argument("--record", action="store_true", help="write the record for the board alone, no verdicts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="third-party-reports-") as directory:
        for name in options.names:
            _write_down(name, options, (options.reports or Path(directory)).resolve())


def _write_down(name: str, options: argparse.Namespace, reports: Path) -> None:
    what = release(name)
    tiers = dict(expected(what)["tiers"]) if _file(what).exists() else {}
    for tier in [_RECORDED] if options.record else options.tier or TIERS:
        folder = reports / f"{name}-{tier}"
        run = certify(what, tier, folder)
        for line in differences(tiers.get(tier, run.requirements), run.requirements):
            sys.stdout.write(f"{name} {tier} {line}\n")
        tiers[tier] = run.requirements
        if tier == _RECORDED:
            subprocess.run([sys.executable, "-m", "tools.board", "--keep", f"{folder}"], cwd=ROOT, check=True)
    if not options.record:
        EXPECTED.mkdir(exist_ok=True)
        written = json.dumps({"release": name, "seed": SEED, "tiers": tiers}, indent=1) + "\n"
        _file(what).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
