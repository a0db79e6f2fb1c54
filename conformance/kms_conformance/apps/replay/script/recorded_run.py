"""The recording of a run, line by line, with what a script needs to know of each exchange: operation, keys, outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import AFTER
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import Dialect, KeyView
from kms_conformance.recording.target_snapshot import target_from_snapshot
from kms_conformance.report import files, layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.recorded_exchanges import read_recording, record_of_line
from kms_conformance.target import Target
from kms_conformance.wire.exchange_log import ExchangeRecord
from kms_conformance.wire.messages import Reply


@dataclass(frozen=True)
class RecordedLine:
    """One exchange of a recording.

    - `operation`: the abstract name of its operation; "" for requests outside of the API and for unknown operations.
    - `keys`: the keys of the run that the request names, or that it created.
    - `value`: the JSON value of the reply; None if there is none.
    """

    index: int
    record: ExchangeRecord
    operation: str
    keys: frozenset[str]
    value: Any

    @property
    def accepted(self) -> bool:
        return self.record.status is not None and self.record.status < 400

    @property
    def check(self) -> str:
        """The value of `tracestate`, which names the check; "" if the run sent no trace context."""
        told = next((value for name, value in self.record.request_headers if name.lower() == "tracestate"), "")
        return told.partition("=")[2]


@dataclass(frozen=True)
class RecordedRun:
    """A recorded run with one target. `snapshot` describes the target without secrets; `run` is the run's id."""

    snapshot: Mapping[str, Any]
    run: str
    target: Target
    dialect: Dialect
    api: Api
    lines: tuple[RecordedLine, ...]

    @classmethod
    def load(cls, folder: Path) -> RecordedRun:
        """Read the recording in the folder of a target. Raises `ReportError` if there is none that can be used."""
        recording = read_recording(folder)
        if recording is None:
            raise ReportError(
                f"{folder} holds no recording, so no script can be written.",
                "A run on several workers (-n), a merged run, and a run of an early version have none.",
                "Run again without -n, or use `replay` without --script.",
            )
        environment = files.read_json(folder / layout.ENVIRONMENT)
        try:
            snapshot = environment["target"]
            target = target_from_snapshot(snapshot)
            profile = Profile.load(target.dialect, target.profile)
            api = Api.of(target.dialect, target.profile)
            dialect = adapter(profile, str(snapshot["base_url"]), str(snapshot["auth"].get("project_id") or ""))
            dialect.instance_id = target.instance_id
            names = {operation.id: operation.name for operation in api.operations.values()}
            keys = {*_keys_in(folder / layout.LEDGER)}
            lines = tuple(_lines(recording.exchanges, names, keys, dialect))
        except (KeyError, TypeError, ValueError) as error:
            raise ReportError(
                f"{folder} cannot be used.",
                f"{layout.ENVIRONMENT} is not one of this version: {error!r}.",
                "Run again.",
            ) from error
        return cls(snapshot, str(environment["run"]), target, dialect, api, lines)

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of the run that any request names."""
        return frozenset(key for line in self.lines for key in line.keys)

    def created(self, key: str) -> RecordedLine | None:
        """The exchange that created a key; None if an earlier run created it."""
        return next((line for line in self.lines if line.operation == "create" and key in line.keys), None)

    def last(self, key: str, operation: str, index: int) -> RecordedLine | None:
        """The last accepted request for an operation on a key before an exchange; None if there is none."""
        earlier = (line for line in reversed(self.lines[:index]) if line.operation == operation and line.accepted)
        return next((line for line in earlier if line.keys == {key}), None)

    def changes(self, line: RecordedLine) -> bool:
        """Whether a request may have changed something."""
        return line.operation not in self.api.harmless

    def is_refused_change(self, line: RecordedLine, key: str) -> bool:
        """Whether a request to change this key alone was refused; it may have changed the key nevertheless."""
        return line.keys == {key} and bool(line.operation) and self.changes(line) and not line.accepted

    def is_result(self, value: str, index: int) -> bool:
        """Whether a value appears first in the reply of this exchange, so that no request had it before."""
        return not any(value in f"{line.record.url}{line.record.request_body.text}" for line in self.lines[: index + 1])

    def state_before(self, key: str, index: int) -> str | None:
        """The state of a key before an exchange, by the reads of the run; None if the run did not read it before."""
        for line in self.lines[index:]:
            if key in line.keys and line.operation == "describe" and line.accepted:
                return self.view(line).state
            if key in line.keys and self.changes(line):
                break
        state = None
        for line in self.lines[:index]:
            if key not in line.keys or not line.accepted:
                continue
            if line.operation == "describe":
                state = self.view(line).state
            elif line.operation == "cancel":
                state = str(self.dialect.profile.facts["after_cancel"])
            else:
                state = AFTER.get(line.operation, state)
        return state

    def view(self, line: RecordedLine) -> KeyView:
        """The key in the reply to a read."""
        return self.dialect.key(line.value)


def _lines(
    exchanges: tuple[Mapping[str, Any], ...], names: Mapping[str, str], keys: set[str], dialect: Dialect
) -> Iterator[RecordedLine]:
    for index, raw in enumerate(exchanges):
        record = record_of_line(raw)
        operation = names.get(record.operation, "")
        value = _value(record, dialect)
        if operation == "create" and record.status is not None and record.status < 400:
            made = dialect.created_id(value)
            keys |= {made} if made else set()
            named = frozenset({made} if made else ())
        else:
            text = f"{record.url}\n{record.request_body.text}".casefold().replace("%252d", "-").replace("%2d", "-")
            # Near misses of an id count as the id: in another case, encoded, with another last digit, without dashes.
            named = frozenset(key for key in keys if key[:-1].casefold() in text or key.replace("-", "") in text)
        yield RecordedLine(index, record, operation, named, value)


def _value(record: ExchangeRecord, dialect: Dialect) -> Any:  # noqa: ANN401 - JSON
    if record.status is None or record.reply_body is None:
        return None
    body = record.reply_body.text.encode(record.reply_body.encoding, "replace")
    return dialect.decode(Reply(record.status, "", record.reply_headers, body, 0.0), None).value


def _keys_in(ledger: Path) -> Iterator[str]:
    """The keys that a ledger names."""
    try:
        lines = ledger.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        key = json.loads(line).get("key")
        if isinstance(key, str) and key:
            yield key
