"""Runs each tool against one emulator and collects its reports."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import settings
from benchmarks.commands import execute
from benchmarks.reports import Log
from benchmarks.score import Run
from benchmarks.served import served
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.target import load_target

# Only a hanging run takes so long, even on a busy machine.
_MOST_SECONDS = 900.0
# Stands for an emulator without a fault.
FAULTLESS = Fault("faultless", "No fault.", "none", "minor", frozenset())


def ours(fault: Fault, dialect: str, seed: int) -> Run:
    """A run of the suite at tier smoke. Every failed requirement counts: without a fault, none fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target, moment, reports = folder / "target.yaml", folder / "first", folder / "reports"
        command = [sys.executable, "-m", "kms_conformance", "run", "--tier=smoke", f"--seed={seed}"]
        command += [f"--target={target}", f"--reports={reports}"]
        command += ["--", "-p", "benchmarks.first_report", f"--first-report={moment}"]
        with served(fault, dialect) as emulator:
            target.write_text(emulator.target, encoding="utf-8")
            started = time.time()
            problem = execute(command, folder, {"KMS_CONFORMANCE_STATE": name}, _MOST_SECONDS)
            ended = time.time()
        found = list(reports.glob("**/verdict.json"))
        entries = json.loads(found[0].read_text(encoding="utf-8"))["requirements"] if found else []
        failed = tuple(sorted(entry["id"] for entry in entries if entry["verdict"] == "failed"))
        first = float(moment.read_text(encoding="utf-8")) if moment.exists() else ended
        problem = problem or emulator.problem or ("" if found else "no verdict")
        requests = emulator.requests_until(first)
        return Run(failed, failed, requests, first - started, len(emulator.times), problem)


@dataclass(frozen=True)
class Peer:
    """Schemathesis with all checks and phases.

    `home` is a folder for its baseline files, one for each dialect, and for Hypothesis' character tables, which are
    created once. `examples` is the option `--max-examples`: generated examples for each operation and phase.
    """

    home: Path
    examples: int

    def learn(self, dialect: str, seed: int) -> Run:
        """A complete run without a fault, which adds its reports to the baseline file."""
        return self._run(FAULTLESS, dialect, seed, frozenset(), learning=True)

    def ask(self, fault: Fault, dialect: str, seed: int, accepted: frozenset[str]) -> Run:
        """A run that is stopped at the first report that is not `accepted`."""
        return self._run(fault, dialect, seed, accepted, learning=False)

    def _run(self, fault: Fault, dialect: str, seed: int, accepted: frozenset[str], *, learning: bool) -> Run:
        with tempfile.TemporaryDirectory() as name, served(fault, dialect) as emulator:
            folder = Path(name)
            path, log = folder / "target.yaml", Log(folder / "log.ndjson")
            path.write_text(emulator.target, encoding="utf-8")
            target = load_target(path)
            settings.write(folder, target, settings.some_keys(target))
            document = Api.load(Profile.load(dialect, target.profile)).document
            (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")

            def enough() -> bool:
                log.follow()
                return any(report.name not in accepted for report in log.reports)

            environment = {
                settings.TARGET: str(path),
                "SCHEMATHESIS_HOOKS": "benchmarks.hooks",
                "HYPOTHESIS_STORAGE_DIRECTORY": str(self.home / "hypothesis"),
            }
            command = self._command(target.base_url, dialect, seed, log.path, learning=learning)
            started = time.time()
            problem = execute(command, folder, environment, _MOST_SECONDS, (lambda: False) if learning else enough)
            ended = time.time()
            log.follow()
        names = tuple(sorted({report.name for report in log.reports}))
        new = tuple(name for name in names if name not in accepted)
        first = min((report.moment for report in log.reports if report.name not in accepted), default=ended)
        # Requests that created its keys do not count.
        before = emulator.requests_until(started)
        requests, sent = emulator.requests_until(first) - before, len(emulator.times) - before
        return Run(names, new, requests, first - started, sent, problem or emulator.problem)

    def _command(self, url: str, dialect: str, seed: int, log: Path, *, learning: bool) -> list[str]:
        return [
            *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", f"--url={url}"),
            *("--checks=all", f"--max-examples={self.examples}", f"--seed={seed}"),
            # Without this option, a known failure would hide later ones.
            *("--continue-on-failure", f"--baseline={self.home / dialect}.json"),
            *(["--baseline-update"] if learning else []),
            *("--no-color", "--report=ndjson", f"--report-ndjson-path={log}"),
        ]
