"""Chooses the exchanges of a run that lead to a failure: those that it cites, and those that these depend on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.script.recorded_run import RecordedLine, RecordedRun
from kms_conformance.report.files import ReportError
from kms_conformance.wire.trace_context import state_value

# The random part of a name that the suite gives.
RANDOM = re.compile(r"kms-?conformance[-/:_ ]?([0-9a-f]{12}|[0-9a-f]{8})(?![0-9a-f])")
# Fewest characters of a value that a request takes from an earlier reply. Shorter ones are equal by chance.
_SHORTEST = 24
# Deepest place at which results are sought. No documented reply is nested as deeply.
_DEEPEST = 40
# Digits of the id of a run, which all its names have. Names of aliases, tags and the like have more random digits.
_RUN_ID = 8
# Families whose checks sign wrongly on purpose. A recording does not tell what is wrong with a signature.
_SIGNING_WRONGLY = frozenset({"authentication"})


@dataclass(frozen=True)
class ChosenExchanges:
    """The exchanges that lead to a failure, in their order.

    - `before`: exchanges of earlier checks that gave what the check uses, such as a ciphertext.
    - `during`: exchanges of the check.
    - `start`: the index of the first exchange of the check.
    - `cited`: the indexes of the exchanges whose replies are compared: those that the failure cites, and the reads that
      follow them and show their effects.
    - `keys`: the keys that these exchanges name, in the order of their first use.
    """

    before: tuple[RecordedLine, ...]
    during: tuple[RecordedLine, ...]
    start: int
    cited: frozenset[int]
    keys: tuple[str, ...]


def choose(run: RecordedRun, found: FoundFailure) -> ChosenExchanges:
    """The exchanges that a script needs. Raises `ReportError` if no script can reproduce the failure."""
    _refuse_impossible(found)
    of_check = [line for line in run.lines if _belongs(line, found)]
    numbers = set(found.failure.exchanges)
    cited = frozenset(line.index for line in run.lines if line.record.number in numbers and line.record.number)
    if not cited or not of_check:
        raise _impossible(found, "The recording does not hold the exchanges that the failure cites.")
    if all(run.lines[index].operation == "list" for index in cited):
        raise _impossible(found, "It is about whole lists, which depend on the keys of others at the endpoint.")
    cited |= {line.index for index in cited for line in _read_back(run, index, of_check)}
    start, last = min(of_check[0].index, *cited), max(cited)
    slice_ = run.lines[start : last + 1]
    keys = {key for line in slice_ if line.index in cited for key in line.keys}
    # A ciphertext names its key, though a request to decrypt it need not.
    unnamed = {line.index: line for line in slice_ if line.index in cited and not line.keys}
    keys |= {key for line in _providers(run, unnamed, last).values() for key in line.keys}
    keys = keys or {key for line in slice_ for key in line.keys}
    kept = {line.index: line for line in slice_ if line.index in cited or _matters(run, line, keys)}
    # Requests on several keys, such as those that move a ciphertext to another key, bring further keys in.
    while more := {key for line in kept.values() for key in line.keys} - keys:
        keys |= more
        kept |= {line.index: line for line in slice_ if _matters(run, line, more)}
    kept |= _providers(run, kept, last)
    lines = [kept[index] for index in sorted(kept)]
    order = dict.fromkeys(key for line in lines for key in sorted(line.keys))
    return ChosenExchanges(
        tuple(line for line in lines if line.index < start and line.operation != "create"),
        tuple(line for line in lines if line.index >= start),
        start,
        cited,
        tuple(order),
    )


def _read_back(run: RecordedRun, index: int, of_check: list[RecordedLine]) -> list[RecordedLine]:
    """The reads that follow an exchange and show its effect: of each kind the last one before the next change.

    A judgement cites the request whose effect is wrong. The wrong effect is in the reply to a read.
    """
    cited = run.lines[index]
    reads: dict[tuple[str, frozenset[str]], RecordedLine] = {}
    for line in of_check:
        if line.index <= index:
            continue
        if run.changes(line):
            break
        of_ours = line.keys & (cited.keys or run.keys) or (line.operation == "list" and not cited.keys)
        if line.operation in run.api.read_only and of_ours:
            reads[line.operation, line.keys] = line
    return list(reads.values())


def _refuse_impossible(found: FoundFailure) -> None:
    if found.check.family in _SIGNING_WRONGLY:
        raise _impossible(
            found, "Its check signs requests wrongly on purpose, and a recording does not tell what is wrong with them."
        )

    if not found.failure.exchanges:
        raise _impossible(found, "It cites no exchange whose reply a script could compare.")


def _impossible(found: FoundFailure, why: str) -> ReportError:
    return ReportError(
        f"No script can reproduce the failure {found.id}.", why, "Use `replay` without --script: it repeats the check."
    )


def _belongs(line: RecordedLine, found: FoundFailure) -> bool:
    """Whether an exchange belongs to the check: by the trace context, or by its time if the run sent none."""
    if line.check:
        return line.check == state_value(found.check.check)
    if not found.check.started:
        return False
    return datetime.fromisoformat(line.record.started) >= datetime.fromisoformat(found.check.started)


def _matters(run: RecordedRun, line: RecordedLine, keys: set[str]) -> bool:
    """Whether an exchange of the check may be a cause: it may have changed one of the keys, or the clock."""
    return is_clock(run, line) or (run.changes(line) and bool(line.operation) and bool(keys & line.keys))


def is_clock(run: RecordedRun, line: RecordedLine) -> bool:
    """Whether an exchange moved the clock of the target."""
    control = run.snapshot["time_control"]
    return control is not None and line.record.url == control


def _providers(run: RecordedRun, kept: dict[int, RecordedLine], last: int) -> dict[int, RecordedLine]:
    """Earlier exchanges that gave values or names that the kept requests repeat, and those that these need in turn."""
    found: dict[int, RecordedLine] = {}
    open_ = sorted(kept)
    while open_:
        index = open_.pop()
        line = kept.get(index) or found[index]
        text = text_of(line)
        for earlier in reversed(run.lines[: min(index, last)]):
            if earlier.index in kept or earlier.index in found or not earlier.accepted or earlier.operation == "list":
                continue
            names = {each[1] for each in RANDOM.finditer(text) if len(each[1]) > _RUN_ID}
            given = (value for value, _ in leaves(earlier.value) if _is_result(run, value) and value in text)
            if any(run.is_result(value, earlier.index) for value in given) or (
                run.changes(earlier) and earlier.operation and any(name in text_of(earlier) for name in names)
            ):
                found[earlier.index] = earlier
                open_.append(earlier.index)
                break
    return found


def text_of(line: RecordedLine) -> str:
    """The parts of a request in which names and results stand."""
    return f"{line.record.url}\n{line.record.request_body.text}"


def _is_result(run: RecordedRun, value: str) -> bool:
    """Whether a text of a reply is a result of its request, and not the name of a key, which steps have anyway."""
    return len(value) >= _SHORTEST and not any(key in value for key in run.keys) and "kms-conformance" not in value


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, tuple[str | int, ...]]]:  # noqa: ANN401 - JSON
    """All texts of a JSON value, each with its path."""
    if isinstance(value, str):
        yield value, path
    elif len(path) > _DEEPEST:
        return
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(child, (*path, name))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from leaves(child, (*path, number))
