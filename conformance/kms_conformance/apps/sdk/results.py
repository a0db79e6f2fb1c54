"""Results of a run through vendors' clients: steps, clients, and the document `sdk.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from kms_conformance import __version__
from kms_conformance.report import files, layout
from kms_conformance.report.schemas import validate
from kms_conformance.target import Target
from kms_conformance.verdict.decide import specs_digest

FORMAT = 1
StepVerdict = Literal["passed", "known_trap", "client", "target", "inconclusive", "absent"]
Result = Literal["passed", "failed", "inconclusive"]

# Exit codes of `run --via`: faults of clients do not count.
EXIT_CODES: Mapping[Result, int] = {"passed": 0, "failed": 1, "inconclusive": 3}


@dataclass(frozen=True)
class StepResult:
    """One step with one client.

    `verdict`: passed (as documented), known_trap or client (the reply conforms, the client misreads it), target (the
    reply does not conform), inconclusive (see `reason`), absent (the client has no such call). `raised` is the class
    of the exception, `where` the line that raised it, `trap` the known trap that explains it, `requirements` the
    requirements that the reply breaks, `exchanges` the numbers of the recorded exchanges.
    """

    title: str
    operation: str
    call: str
    verdict: StepVerdict
    expected: str = ""
    received: str = ""
    reason: str = ""
    raised: str = ""
    where: str = ""
    trap: str = ""
    requirements: tuple[str, ...] = ()
    exchanges: tuple[int, ...] = ()

    @property
    def is_finding(self) -> bool:
        return self.verdict in ("known_trap", "client", "target")


@dataclass(frozen=True)
class ClientResult:
    """All steps with one client, and the versions of its packages."""

    name: str
    versions: Mapping[str, str]
    steps: tuple[StepResult, ...]

    @property
    def result(self) -> Result:
        verdicts = {step.verdict for step in self.steps}
        if "target" in verdicts:
            return "failed"
        return "inconclusive" if "inconclusive" in verdicts or not verdicts else "passed"


@dataclass(frozen=True)
class SdkReport:
    """Run of all clients at one target: the contents of `sdk.json`.

    `left_out` gives the reason for each client that did not run, `reason` the reason why the run ended early,
    `exchanges` the records of all exchanges that findings cite.
    """

    target: Target
    clients: tuple[ClientResult, ...]
    left_out: Mapping[str, str]
    exchanges: tuple[Mapping[str, Any], ...]
    requests: int
    keys_created: int
    started: datetime
    duration_seconds: float
    reason: str = ""

    @property
    def result(self) -> Result:
        results = {client.result for client in self.clients}
        if "failed" in results:
            return "failed"
        return "inconclusive" if "inconclusive" in results or not results else "passed"

    def to_json(self) -> dict[str, Any]:
        """The document as `specs/schemas/sdk.schema.json` describes it."""
        target = self.target
        return {
            "format": FORMAT,
            "suite": {"version": __version__, "specs_digest": specs_digest(target.dialect)},
            "target": {
                "name": target.name,
                "dialect": target.dialect,
                "profile": target.profile,
                "base_url": target.base_url,
            },
            "result": self.result,
            "reason": self.reason,
            "clients": [
                {
                    "name": client.name,
                    "versions": dict(client.versions),
                    "result": client.result,
                    "steps": [_as_json(step) for step in client.steps],
                }
                for client in self.clients
            ],
            "left_out": dict(self.left_out),
            "exchanges": [dict(exchange) for exchange in self.exchanges],
            "requests": self.requests,
            "keys_created": self.keys_created,
            "duration_seconds": round(self.duration_seconds, 3),
            "started": self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def _as_json(step: StepResult) -> dict[str, Any]:
    return asdict(step) | {"requirements": list(step.requirements), "exchanges": list(step.exchanges)}


SDK = "sdk.json"


def paths(directory: Path, names: Sequence[str]) -> Mapping[str, Path]:
    """Path of each target's document, by the target's name: in the folder with its other results."""
    return {name: folder / SDK for name, folder in layout.folders(directory, names).items()}


def write(path: Path, report: SdkReport) -> None:
    """Validate and write the document of one target. Raises `ReportError`."""
    document = report.to_json()
    validate(document, "sdk", SDK)
    files.write_atomically(path, files.to_text(document))
