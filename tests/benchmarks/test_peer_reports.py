from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.reports import Log, Report, reports_of

if TYPE_CHECKING:
    from pathlib import Path

FAILURE = {"failure": {"operation": "POST /cancel", "code": "ST105"}}
SCENARIO = {
    "ScenarioFinished": {
        "timestamp": 200.0,
        "recorder": {
            "label": "Stateful tests",
            "interactions": {"one": {"timestamp": 100.0, "response": {"elapsed": 0.5}}, "two": {"timestamp": 101.0}},
            "checks": {
                "one": [
                    {"name": "not_a_server_error", "status": "success"},
                    {"name": "response_schema_conformance", "status": "failure", "failure_info": FAILURE},
                ],
                "two": [{"name": "status_code_conformance", "status": "failure", "failure_info": {"failure": {}}}],
                "lost": [{"name": "not_a_server_error", "status": "failure", "failure_info": FAILURE}],
            },
        },
    }
}


def test_a_failed_check_is_named_by_check_and_operation_and_dated_by_its_reply() -> None:
    assert list(reports_of(SCENARIO)) == [
        Report(100.5, "response_schema_conformance POST /cancel"),
        Report(101.0, "status_code_conformance Stateful tests"),
        Report(200.0, "not_a_server_error POST /cancel"),
    ]


def test_an_error_is_a_report() -> None:
    event = {"NonFatalError": {"timestamp": 7.0, "label": "POST /cancel"}}
    assert list(reports_of(event)) == [Report(7.0, "error POST /cancel")]


def test_other_events_are_none() -> None:
    assert list(reports_of({"PhaseStarted": {"timestamp": 1.0}})) == []


def test_a_log_is_followed_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    log = Log(path)
    log.follow()
    line = json.dumps(SCENARIO) + "\n"
    path.write_text(line[:50], encoding="utf-8")
    log.follow()
    assert log.reports == []
    path.write_text(line + line[:20], encoding="utf-8")
    log.follow()
    log.follow()
    assert len(log.reports) == 3
    path.write_text(line + line, encoding="utf-8")
    log.follow()
    assert len(log.reports) == 6
