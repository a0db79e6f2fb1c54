"""HTTP archives of runs and failures: valid by HAR 1.2, complete where there is a recording, without secrets."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import sample_runs as samples
from click.testing import CliRunner
from test_page import hostile

from kms_conformance.cli.report import report as command
from kms_conformance.report.files import ReportError
from kms_conformance.report.har import document
from kms_conformance.report.recorded_exchanges import TargetExchanges, record_of_line
from kms_conformance.report.store import write
from kms_conformance.report.text.exchange import record_of
from kms_conformance.wire.exchange_log import Body

SCHEMA = json.loads((Path(__file__).parent / "har-1.2.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)


def archive(*records: dict[str, Any], whole: bool = True) -> dict[str, Any]:
    found = document([TargetExchanges("t", "2026-01-15T09:30:12Z", tuple(map(record_of, records)), whole)])
    text = json.dumps(found)
    VALIDATOR.validate(json.loads(text))
    log = json.loads(text)["log"]
    assert isinstance(log, dict)
    return log


def test_an_entry_holds_both_sides_of_an_exchange() -> None:
    url = "https://kms.example.com/?Action=ListKeys&Empty=&KeyId=a%2Fb"
    log = archive(samples.record(14, 400, '{"error": 1}', url=url))
    [entry] = log["entries"]
    assert entry["request"]["queryString"] == [
        {"name": "Action", "value": "ListKeys"},
        {"name": "Empty", "value": ""},
        {"name": "KeyId", "value": "a/b"},
    ]
    body = f'{{"key_id": "{samples.KEY}"}}'
    assert entry["request"]["postData"] == {"mimeType": "application/json", "text": body}
    assert entry["request"]["bodySize"] == len(body)
    assert {"name": "X-Auth-Token", "value": "[redacted:OTC_TOKEN]"} in entry["request"]["headers"]
    assert (entry["response"]["status"], entry["response"]["statusText"]) == (400, "Bad Request")
    assert entry["response"]["content"] == {"size": 12, "mimeType": "application/json", "text": '{"error": 1}'}
    assert entry["time"] == sum(entry["timings"].values()) == 12.3
    assert (entry["_number"], entry["_operation"]) == (14, "CancelKeyDeletion")


def test_a_missing_reply_says_why_it_is_missing() -> None:
    [entry] = archive(samples.record(14, None))["entries"]
    assert entry["response"]["status"] == 0
    assert entry["response"]["_error"] == "timeout: no whole reply in time"


def test_bytes_that_are_no_text_come_back_whole() -> None:
    body = Body("\xff\x00", "latin-1")
    [entry] = archive(samples.record(14, reply_body=body, request_body=body))["entries"]
    content = entry["response"]["content"]
    assert (base64.b64decode(content["text"]), content["encoding"], content["size"]) == (b"\xff\x00", "base64", 2)
    assert entry["request"]["postData"]["comment"] == "One character is one byte."


def test_a_body_that_was_cut_or_redacted_has_no_length() -> None:
    cut, redacted = Body("x" * 10, cut=True), Body("[redacted:TOKEN]")
    entries = archive(samples.record(1, request_body=cut), samples.record(2, request_body=redacted))["entries"]
    assert [entry["request"]["bodySize"] for entry in entries] == [-1, -1]
    assert entries[0]["request"]["postData"]["comment"] == "The body was longer."


def test_an_archive_without_a_recording_says_so() -> None:
    assert "no recording" in archive(samples.record(1), whole=False)["comment"]
    assert "no recording" not in archive()["comment"]


def test_a_line_of_a_recording_is_the_same_record_as_in_results() -> None:
    record = record_of(samples.record(14, 400, '{"error": 1}'))
    line = {
        "number": 14,
        "operation": "CancelKeyDeletion",
        "started": record.started,
        "request": {
            "method": "POST",
            "url": record.url,
            "headers": [list(pair) for pair in record.request_headers],
            "body": record.request_body.text,
            "encoding": "utf-8",
        },
        "reply": {
            "status": 400,
            "reason": "Bad Request",
            "headers": [list(pair) for pair in record.reply_headers],
            "body": '{"error": 1}',
            "encoding": "utf-8",
            "seconds": 0.0123,
        },
        "failure": None,
    }
    assert record_of_line(line) == record
    lost = record_of_line(line | {"reply": None, "failure": {"kind": "timeout", "text": "no whole reply in time"}})
    assert lost == record_of(samples.record(14, None))


def har(folder: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    file = folder / "out.har"
    said = CliRunner().invoke(command, [str(folder / "run"), "--har", str(file), *arguments], standalone_mode=False)
    if said.exception is not None:
        raise said.exception
    found = json.loads(file.read_text(encoding="utf-8"))
    VALIDATOR.validate(found)
    return said.return_value, said.output, found["log"]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A folder with the reports of a run in which one failure cites two of three stored exchanges."""
    verdict, shared = samples.nonconformant()
    checks = list(shared)
    at = next(index for index, check in enumerate(checks) if check.failures)
    failures = (replace(checks[at].failures[0], exchanges=(21, 23)),)
    kept = tuple(samples.record(number) for number in (21, 22, 23))
    checks[at] = replace(checks[at], failures=failures, exchanges=kept)
    write(tmp_path / "run", [(verdict, checks)])
    return tmp_path


def test_the_command_writes_the_exchanges_that_a_failure_cites(stored: Path) -> None:
    results = json.loads((stored / "run" / "results.json").read_text(encoding="utf-8"))
    failing = [check for check in results["targets"][0]["checks"] if len(check["exchanges"]) == 3]
    code, said, log = har(stored, "--failure", failing[0]["failures"][0]["id"])
    assert code == 0
    assert "2 exchanges" in said
    assert [entry["_number"] for entry in log["entries"]] == [21, 23]


def test_the_command_writes_each_stored_exchange_of_a_run_once(stored: Path) -> None:
    code, said, log = har(stored)
    numbers = [entry["_number"] for entry in log["entries"]]
    assert code == 0
    assert numbers == sorted(set(numbers))
    assert {21, 22, 23} <= set(numbers)
    assert "only those that the results name" in said


def test_whatever_an_endpoint_wrote_the_archive_is_valid(tmp_path: Path) -> None:
    write(tmp_path / "run", [hostile()])
    _, _, log = har(tmp_path)
    assert log["entries"]


def test_a_failure_without_an_archive_is_a_mistake(tmp_path: Path) -> None:
    said = CliRunner().invoke(command, [str(tmp_path), "--failure", "abcdef"])
    assert said.exit_code == 2
    assert "--har" in said.output


def test_an_archive_replaces_an_archive_and_no_other_file(stored: Path) -> None:
    har(stored)
    assert har(stored)[0] == 0
    (stored / "out.har").write_text("mine")
    with pytest.raises(ReportError, match=r"out\.har is not written"):
        CliRunner().invoke(
            command,
            [str(stored / "run"), "--har", str(stored / "out.har")],
            standalone_mode=False,
            catch_exceptions=False,
        )
    assert (stored / "out.har").read_text() == "mine"
