"""Events, answers and explanations of one real run: two targets at once, of which one has a fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest
from click.testing import CliRunner

from kms_conformance.apps.selftest.deviation import HUAWEI, serving
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.cli import cli
from kms_conformance.cli.events import events_to
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.emulator import Emulator
from kms_conformance.run.events import EventFollower, EventSpool, check_started

REFUSED = "cancel::test_key_that_is_not_pending_is_refused"


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((specs.SPECS / "schemas" / f"{name}.schema.json").read_text()))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a few checks by two worker processes: `out`, and what it printed on each stream."""
    folder = tmp_path_factory.mktemp("events")
    fault = next(fault for fault in FAULTS if fault.name == "cancel-refused-wrong-code" and HUAWEI in fault.dialects)
    with Emulator("huawei") as emulator, serving(HUAWEI, decisions=fault.decisions, filters=fault.filters)() as faulty:
        (folder / "right.yaml").write_text(emulator.target_yaml().replace("emulator-huawei", "right"))
        (folder / "wrong.yaml").write_text(faulty.replace("emulator-huawei", "wrong"))
        options = ["--target", "right.yaml", "--target", "wrong.yaml", "--tier", "smoke", "--seed", "1"]
        options += ["--reports", "out", "--events", "-", "--", "-n", "2", "-k", "not_pending_is_refused"]
        command = [sys.executable, "-m", "kms_conformance", "run", *options]
        environment = os.environ | {"KMS_CONFORMANCE_STATE": str(folder / "state")}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 1, done.stderr
    (folder / "events.ndjson").write_text(done.stdout)
    (folder / "stderr.txt").write_text(done.stderr)
    return folder


@pytest.fixture(scope="module")
def told(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "events.ndjson").read_text().splitlines()]


def invoke(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def test_every_event_is_valid_by_the_schema_and_numbered(told: list[dict[str, Any]]) -> None:
    checked = validator("events")
    assert [f"{event}: {error.message}" for event in told for error in checked.iter_errors(event)] == []
    assert [event["sequence"] for event in told] == list(range(1, len(told) + 1))
    assert not checked.is_valid(told[0] | {"event": "other"})
    passed = next(event for event in told if event["event"] == "judgement" and event["passed"])
    assert not checked.is_valid(passed | {"received": "a secret"}), "texts of passed judgements are not redacted"


def test_events_of_a_target_are_in_their_order_and_verdicts_are_last(told: list[dict[str, Any]]) -> None:
    for target in ("right", "wrong"):
        own = [event for event in told if event["target"] == target]
        assert [event["time"] for event in own] == sorted(event["time"] for event in own)
        running: list[str] = []
        for event in own[:-1]:
            if event["event"] == "check_started":
                assert running == []
                running.append(event["check"])
            else:
                assert running == [event["check"]]
                if event["event"] == "check_ended":
                    running.clear()
        assert running == []
    assert [(event["event"], event["target"], event["result"]) for event in told[-2:]] == [
        ("verdict", "right", "inconclusive"),
        ("verdict", "wrong", "nonconformant"),
    ]


def test_events_tell_what_the_results_say(run: Path, told: list[dict[str, Any]]) -> None:
    results = json.loads((run / "out" / "results.json").read_text())
    for target in results["targets"]:
        name = target["verdict"]["target"]["name"]
        for check in target["checks"]:
            own = [event for event in told if (event["target"], event.get("check")) == (name, check["check"])]
            judged = [event for event in own if event["event"] == "judgement"]
            assert sum(event["passed"] for event in judged) == sum(check["passes"].values())
            failed = [(event["requirement"], event["received"]) for event in judged if not event["passed"]]
            assert failed == [(failure["requirement"], failure["received"]) for failure in check["failures"]]
            assert own[-1]["failures"] == [failure["id"] for failure in check["failures"]]
    assert not list((run / "out").glob("**/*.ndjson")), "the files between the processes are removed"


def test_standard_output_has_the_events_and_nothing_else(run: Path, told: list[dict[str, Any]]) -> None:
    assert {event["event"] for event in told} == {"check_started", "judgement", "check_ended", "verdict"}
    assert "right: inconclusive" in (run / "stderr.txt").read_text()


def test_events_that_cannot_be_written_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="Name another file"), events_to(str(tmp_path / "none" / "events")):
        pass


def test_events_go_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text("of an earlier run")
    with events_to(str(path)) as events:
        (spool,) = (option.partition("=")[2] for option in events.options)
        EventSpool(Path(spool)).add(check_started("otc", "cancel::test_x"))
    assert [json.loads(line)["check"] for line in path.read_text().splitlines()] == ["cancel::test_x"]
    assert not Path(spool).exists()


def test_reader_that_leaves_does_not_end_the_run(tmp_path: Path) -> None:
    def write(line: bytes) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    spool = EventSpool(tmp_path)
    with EventFollower(tmp_path, write) as follower:
        spool.add(check_started("otc", "cancel::test_x"))
    assert follower.lost == "Broken pipe"


def test_half_a_line_is_not_read(tmp_path: Path) -> None:
    lines: list[bytes] = []
    follower = EventFollower(tmp_path, lines.append)
    (tmp_path / "otc.ndjson").write_bytes(b'{"a":1}\n{"a"')
    follower.finish()
    with (tmp_path / "otc.ndjson").open("ab") as file:
        file.write(b":2}\n")
    follower.finish([{"a": 3}])
    assert lines == [b'{"sequence":1,"a":1}\n', b'{"sequence":2,"a":2}\n', b'{"sequence":3,"a":3}\n']


def test_answers_that_never_came_are_explained_by_the_check_that_brings_them(run: Path) -> None:
    text = " ".join(invoke("answers", run / "out", "KMS.1501").split())
    right, wrong = text.split("wrong: ")[0], text.partition("wrong: ")[2]
    assert "cancel-key-deletion · enabled · 400 KMS.1501 came" in right
    assert "cancel-key-deletion · enabled · 400 KMS.1501 never seen: A check asked for it" in wrong
    assert "demanded by cancel.not-pending.enabled" in wrong
    assert f"check {REFUSED}[enabled]: failed" in wrong
    assert "in its place: cancel-key-deletion · enabled · 400 KMS.1402 (" in wrong
    assert "No requirement demands this refusal on a key in the state pending_import." in wrong
    used = " ".join(invoke("answers", run / "out", "encrypt").split())
    assert "did not run: " in used
    with pytest.raises(UserMistake, match=r"Did you mean `KMS\.1501`"):
        invoke("answers", run / "out", "KMS.151")


def test_answers_of_a_run_are_in_its_files(run: Path) -> None:
    listed = invoke("answers", run / "out", "--all")
    assert "right: 83 documented answers" in listed
    assert "cancel-key-deletion · enabled · 400 KMS.1402 (" in listed.partition("seen and not documented (")[2]
    statement = (run / "out" / "statement.md").read_text()
    assert "Seen and not documented: 2" in statement
    checked = validator("answers")
    for name, undocumented in (("right", set()), ("wrong", {"KMS.1402"})):
        document = json.loads((run / "out" / name / "answers.json").read_text())
        checked.validate(document)
        assert {each["code"] for each in document["came"] if not each["documented"]} == undocumented
    assert json.loads(invoke("answers", run / "out", "--json"))[1] == document


def test_requirement_is_explained_with_what_the_run_saw(run: Path) -> None:
    text = " ".join(invoke("requirements", "cancel.not-pending.enabled", "--reports", run / "out").split())
    for said in (
        "cancel.not-pending.enabled · MUST · huawei, profile documents",
        "Function · sentence 2",
        "accepted cancel: 400 KMS.1501 (refusal not_pending)",
        f"checks {REFUSED}[enabled]",
        "cancel-refused-wrong-code: Cancelling on a key that is not pending is refused with the code for another",
        "at wrong: failed reason expected 400 KMS.1501; received 400 KMS.1402",
        "(cancel-key-deletion → 400)",
        f"repeat kms-conformance replay {run / 'out'} ",
    ):
        assert said in text
    assert "cancel.not-pending.enabled</code>" in (run / "out" / "index.html").read_text()
