"""Results of the real command: exit codes, files and messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from kms_conformance import cli
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator
from tools import forked

VERDICT_SCHEMA = json.loads((specs.SPECS / "schemas" / "verdict.schema.json").read_text())


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return forked.command(*arguments, cwd=cwd, environment={"KMS_CONFORMANCE_STATE": str(cwd / "state")})


def new_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "kms_conformance", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def in_process(*arguments: str) -> int:
    """The exit code of a command, run in this process to save the second of imports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kms-conformance", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def not_proved(verdict: dict[str, Any], traced: dict[str, Any]) -> set[str]:
    """Passed requirements without a cited exchange of a check."""
    passed = {entry["id"] for entry in verdict["requirements"] if entry["verdict"] == "passed"}
    return passed - {row["requirement"] for row in traced["rows"] if row["productive"] and row["exchanges"]}


def test_built_in_emulator_is_conformant_in_every_dialect(tmp_path: Path) -> None:
    done = new_process("run", "--tier", "smoke", "--seed", "7", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = tmp_path / "reports" / "latest"
    for dialect in specs.dialects():
        verdict = json.loads((reports / f"emulator-{dialect}" / "verdict.json").read_text())
        jsonschema_rs.Draft202012Validator(VERDICT_SCHEMA).validate(verdict)
        found = {entry["verdict"] for entry in verdict["requirements"] if entry["level"] == "MUST"}
        assert (verdict["result"], verdict["seed"], verdict["tier"]) == ("conformant", 7, "smoke")
        assert found <= {"passed", "not_applicable"}
        # Two at once; keys that have ended, because the run moves the clock, are replaced at most twice as often.
        assert verdict["keys_created"] <= 6
        assert all(entry["productive"] for entry in verdict["requirements"] if entry["verdict"] == "passed")
        traced = json.loads((reports / f"emulator-{dialect}" / "traceability.json").read_text())
        assert not_proved(verdict, traced) == set()
    assert (reports / "index.html").stat().st_size > 10_000
    assert (reports / "junit.xml").is_file()
    assert list((reports / "allure-results").glob("*-result.json"))
    assert "report   reports/latest/index.html\n" in done.stdout
    assert max(map(len, done.stdout.split("\n"))) <= 80
    assert done.stderr == ""


def test_single_target_leaves_its_verdict_at_the_top(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = command(
            "run", "--target", "t.yaml", "--reports", "out", "--tier", "smoke", "--", "-k", "window", cwd=tmp_path
        )
        listed = [key for key in emulator.store.keys if key.state.value == "enabled"]
    assert done.returncode == 3, "a run that leaves out checks cannot be conformant"
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    by_id = {entry["id"]: entry["verdict"] for entry in verdict["requirements"]}
    assert (by_id["schedule.window.minimum"], by_id["cancel.effect"]) == ("passed", "inconclusive")
    assert len(listed) <= 1, "every key of the run is scheduled for deletion; one foreign key is enabled"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: [", "YAML"),
        ("name: t\nbase_url: http://127.0.0.1:1\nauth: {token: abcd, project_id: x}\n", "`dialect` is missing"),
        ("name: t\ndialect: huawei\nbase_ulr: http://127.0.0.1:1\nauth: {token: a, project_id: x}\n", "base_url"),
        ("name: t\ndialect: hauwei\nbase_url: http://127.0.0.1:1\nauth: {token: a, project_id: x}\n", "huawei"),
        (
            "name: t\ndialect: huawei\nbase_url: http://127.0.0.1:1\nauth: {token: '${NO_SUCH_VAR}', project_id: x}\n",
            "NO_SUCH_VAR",
        ),
    ],
    ids=["no yaml", "missing key", "misspelt key", "wrong dialect", "unset variable"],
)
@pytest.mark.parametrize("verb", ["run", "doctor", "sweep"])
def test_bad_target_file_is_a_usage_error_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, text: str, says: str
) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    code = in_process(verb, "--target", str(tmp_path / "bad.yaml"))
    shown = capsys.readouterr()
    assert code == 2
    assert says in shown.err
    assert "Traceback" not in shown.out + shown.err


def test_bad_target_file_ends_plain_pytest_alike(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: t\n")
    arguments = ["--pyargs", "kms_conformance.suite", "--target", "bad.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "`dialect` is missing" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_misspelt_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process("doctor", "--tagret", "x.yaml") == 2
    assert "--target" in capsys.readouterr().err


def test_unknown_waiver_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiver = "requirement: cancel.efect, reason: known, owner: us, expires: 2099-12-31"
    (tmp_path / "w.yaml").write_text(f"waivers:\n  - {{{waiver}}}\n")
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        options = ["--target", str(tmp_path / "t.yaml"), "--waivers", str(tmp_path / "w.yaml")]
        done = command("run", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.split("\n")[1:] == [
        "Line 2: No requirement is called `cancel.efect`.",
        "Did you mean `cancel.effect`?",
        "",
    ]


def test_plain_pytest_does_the_same(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        environment = os.environ | {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
        arguments = ["--pyargs", "kms_conformance.suite", "--target", "t.yaml", "--tier", "smoke", "--reports", "out"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["result"] == "conformant"


def test_doctor_says_what_a_run_would_do_and_changes_nothing(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        before = emulator.store.keys
        (tmp_path / "t.yaml").write_text(emulator.target_yaml("password"))
        done = command("doctor", "--target", "t.yaml", cwd=tmp_path)
        assert emulator.store.keys == before
    assert done.returncode == 0
    assert "signed in" in done.stdout
    assert "a run creates: at most 2 keys at smoke" in done.stdout


def test_sweep_schedules_what_a_killed_run_left_and_nothing_else(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        script = (
            "import os, sys; from pathlib import Path; from kms_conformance.keys.target_session import TargetSession; "
            "from kms_conformance.client.ledger import Ledger; from kms_conformance.target import load_target; "
            "target = load_target(Path('t.yaml')); target_session = TargetSession(target, Ledger.of(target), keys=2); "
            "target_session.open(); target_session.pool.create(); os._exit(9)"
        )
        environment = os.environ | {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False)
        before = {key.id: key.state for key in emulator.store.keys}
        dry = command("sweep", "--target", "t.yaml", "--dry-run", cwd=tmp_path)
        assert {key.id: key.state for key in emulator.store.keys} == before
        done = command("sweep", "--target", "t.yaml", cwd=tmp_path)
        changed = {key.id for key in emulator.store.keys if before[key.id] != key.state}
        again = command("sweep", "--target", "t.yaml", cwd=tmp_path)
    assert (dry.returncode, done.returncode, again.returncode) == (0, 0, 0)
    assert len(changed) == 1
    assert "0 key(s)" in again.stdout


def test_a_run_that_calls_no_check_says_so(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = command("run", "--target", "t.yaml", "--", "--collect-only", cwd=tmp_path)
    assert done.returncode == 2
    assert "No check was called: with --collect-only, pytest ends before." in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--examples", "notes.txt"), "this is a file"),
        (("--waivers", "notes.txt"), "notes.txt"),
    ],
)
def test_a_file_in_the_place_of_another_one_is_told_before_a_request(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = command("run", "--target", "t.yaml", "--tier", "smoke", *arguments, cwd=tmp_path)
    assert (done.returncode, why in done.stdout + done.stderr) == (2, True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_record_overwrites_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = command("record", "--target", "t.yaml", "--out", "notes.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert "notes.txt is not written." in done.stdout + done.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
