"""The exchanges of a stored run, without secrets: those of its recording, else those that its results name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kms_conformance.recording.player import Recording, RecordingError
from kms_conformance.report import layout
from kms_conformance.report.text.exchange import record_of
from kms_conformance.wire.exchange_log import Body, ExchangeRecord

if TYPE_CHECKING:
    from kms_conformance.report.model import Report, TargetReport
    from kms_conformance.verdict.results import CheckResult


@dataclass(frozen=True)
class TargetExchanges:
    """Exchanges with one target, in their order.

    - `records`: the exchanges. Those that reports do not count, such as requests for tokens, have the number 0.
    - `whole`: whether these are all exchanges of the run with this target.
    """

    name: str
    started: str
    records: tuple[ExchangeRecord, ...]
    whole: bool


def exchanges_of_run(directory: Path, report: Report) -> tuple[TargetExchanges, ...]:
    """The exchanges of a run with each of its targets. `directory` is the reports folder."""
    folders = layout.folders(directory, [target.verdict.name for target in report.targets])
    return tuple(_of_target(folders[target.verdict.name], target) for target in report.targets)


def exchanges_of_failure(name: str, check: CheckResult, numbers: Sequence[int]) -> TargetExchanges:
    """The exchanges with these numbers that the result of a check keeps; `name` is that of the target."""
    records = tuple(record_of(raw) for raw in check.exchanges if raw["number"] in numbers)
    started = records[0].started if records else check.started
    return TargetExchanges(name, started, records, whole=len(records) == len(set(numbers)))


def read_recording(folder: Path) -> Recording | None:
    """The recording in the folder of a target; None if there is none, or if it cannot be read.

    A run on several workers has none, because the order of its exchanges is unknown.
    """
    try:
        return Recording.read((folder / layout.EXCHANGES).read_bytes())
    except (OSError, RecordingError):
        return None


def _of_target(folder: Path, target: TargetReport) -> TargetExchanges:
    started, name = target.verdict.started, target.verdict.name
    recording = read_recording(folder)
    if recording is not None:
        return TargetExchanges(name, started, tuple(map(record_of_line, recording.exchanges)), whole=True)
    kept = {raw["number"]: raw for check in target.checks for raw in check.exchanges}
    return TargetExchanges(name, started, tuple(record_of(kept[number]) for number in sorted(kept)), whole=False)


def record_of_line(line: Mapping[str, Any]) -> ExchangeRecord:
    """The record of a line of a recording."""
    asked, got = line["request"], line["reply"]
    failed = line["failure"] or {}
    return ExchangeRecord(
        number=line["number"] or 0,
        operation=line["operation"],
        started=line["started"],
        seconds=got and got["seconds"],
        method=asked["method"],
        url=asked["url"],
        request_headers=tuple(_pairs(asked)),
        request_body=Body(asked["body"], asked["encoding"]),
        status=got and got["status"],
        reason=got and got["reason"],
        reply_headers=tuple(_pairs(got)) if got else (),
        reply_body=Body(got["body"], got["encoding"]) if got else None,
        failure=failed.get("kind"),
        failure_text=failed.get("text"),
    )


def _pairs(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in message["headers"])
