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
StepVerdict = Literal["passed", "known_trap", "client", "target", "open", "inconclusive", "absent"]
Result = Literal["passed", "failed", "inconclusive"]

# Exit codes of `run --via`; a fault of a client does not make the result "failed".
EXIT_CODES: Mapping[Result, int] = {"passed": 0, "failed": 1, "inconclusive": 3}


@dataclass(frozen=True)
class StepResult:
    """One step with one client.

    - `operation`, `call`: the abstract operation, and the vendor's name of the call.
    - `verdict`: "passed": the outcome is the documented one; "target": the target is at fault; "client": the client is
      at fault; "known_trap": the client is at fault in a known way; "open": the target refused a form of request that
      the documents leave open, so that nobody is at fault; "inconclusive": the step could not be judged; "absent": the
      client has no such call.
    - `expected`, `received`: the documented and the deviating outcome, in words.
    - `reason`: why the step has this verdict.
    - `raised`, `where`: the class of the exception, and the line that raised it.
    - `trap`: the id of the known trap that explains the outcome.
    - `erratum`: the id of the erratum that leaves the request open.
    - `requirements`: the ids of the requirements that the reply breaks.
    - `exchanges`: the numbers of the exchanges that show the outcome; the last one decides.
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
    erratum: str = ""
    requirements: tuple[str, ...] = ()
    exchanges: tuple[int, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether the report explains the verdict, so that the exchanges of the step must be kept."""
        return self.verdict not in ("passed", "absent")


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

    - `clients`: the results of each client that ran.
    - `left_out`: for each client that did not run, the reason.
    - `exchanges`: the records of all exchanges that steps with a told verdict cite.
    - `reason`: the reason why the run ended early; "" if it did not.
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
        kept = {exchange["number"] for exchange in self.exchanges}
        told = [step for client in self.clients for step in client.steps if step.is_told]
        assert kept.issuperset(number for step in told for number in step.exchanges)
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
    """The path of each target's `sdk.json`, by the target's name: in the folder with the target's other results."""
    return {name: folder / SDK for name, folder in layout.folders(directory, names).items()}


def write(path: Path, report: SdkReport) -> None:
    """Validate and write the `sdk.json` of one target. Raises `ReportError`."""
    document = report.to_json()
    validate(document, "sdk", SDK)
    files.write_atomically(path, files.to_text(document))
