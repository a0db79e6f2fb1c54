"""A script stands alone: the standard library only, no secret in it, its keys given back whatever happens."""

from __future__ import annotations

import ast
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from faulty_runs import carry_out, environment, failures, run, start

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.script import script, shell_script
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.cli.replay import command
from kms_conformance.emulator import Emulator
from kms_conformance.emulator.messages import Inbound, Outbound
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError

FAULT = next(fault for fault in FAULTS if fault.name == "cancel-does-nothing")


def served(*filters: object, fault: bool = False) -> Emulator:
    decisions = type("Faulty", FAULT.decisions, {}) if fault else None
    return Emulator("huawei", filters=filters, **({} if decisions is None else {"decisions": decisions}))  # type: ignore[arg-type]  # tests only


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run at the faulty emulator; tests must not change them."""
    with FAULT.serving("huawei")() as target:
        return run(tmp_path_factory.mktemp("run"), target, ("-k", "test_cancelled_key_is_no_longer_pending"))


@pytest.fixture(scope="module")
def path(reports: Path, failure: FoundFailure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of the failure."""
    made = tmp_path_factory.mktemp("script") / "reproduce.py"
    made.write_text(script(reports, failure, made.name), encoding="utf-8")
    return made


def test_it_imports_the_standard_library_only(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    modules = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names


def test_it_needs_no_newer_python_than_it_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "Python 3.9 or newer" in text
    ast.parse(text, feature_version=(3, 9))
    assert "datetime.UTC" not in text


def test_it_holds_no_secret_and_names_the_variables(path: Path, reports: Path, failure: FoundFailure) -> None:
    text = path.read_text(encoding="utf-8")
    assert "EXAMPLE-TOKEN-OF-THE-EMULATOR" not in text
    assert "[redacted:" not in text.partition("def ")[0].replace('_HIDDEN = "[redacted:"', "")
    assert "    TOKEN=... python3 reproduce.py [BASE_URL]" in text
    assert text == script(reports, failure, "reproduce.py")


def test_it_signs_in_one_way_only(path: Path) -> None:
    defined = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert {name for name in defined if name.startswith("sign_")} == {"sign_token"}


def test_without_credentials_it_names_the_variables_and_sends_nothing(path: Path) -> None:
    with served() as emulator:
        script_ = start(path, emulator.base_url, {})
        said, _ = script_.communicate(timeout=60)
        assert emulator.requests_served == 0
    assert script_.returncode == 2
    assert "TOKEN" in said


def test_it_shows_expected_and_received_and_schedules_its_key(path: Path, failure: FoundFailure) -> None:
    with served(fault=True) as emulator:
        before = {key.id for key in emulator.store.keys}
        code, said = carry_out(path, emulator.target_yaml())
        [key] = [key for key in emulator.store.keys if key.id not in before]
    assert code == 1, said
    assert f"expected             {failure.failure.expected}" in said
    assert f"received in the run  {failure.failure.received}" in said
    assert "received now: 200 " in said
    assert "SEEN AGAIN" in said
    assert f"key {key.id} is scheduled for deletion." in said
    assert key.state.value == "pending_deletion"


def test_it_names_the_authority_that_signed_the_certificate_of_the_endpoint(tmp_path: Path) -> None:
    decisions = type("Faulty", FAULT.decisions, {})
    with Emulator("huawei", decisions=decisions, tls=tmp_path / "ca.pem") as emulator:
        reports = run(tmp_path, emulator.target_yaml(), ("-k", "test_cancelled_key_is_no_longer_pending"))
        found = failures(reports)[0]
        for name, written in (("reproduce.py", script), ("reproduce.sh", shell_script)):
            path = tmp_path / name
            path.write_text(written(reports, found, name), encoding="utf-8")
            [command] = [line for line in path.read_text().splitlines() if f"{name} [BASE_URL]" in line]
            trusting, authority = next(word for word in shlex.split(command) if "SSL" in word).split("=")
            code, said = carry_out(path, emulator.target_yaml(), **{trusting: str(Path(authority).resolve())})
            assert (code, "SEEN AGAIN" in said) == (1, True), said


@pytest.mark.parametrize("written", [script, shell_script])
def test_its_command_can_be_pasted_whatever_its_file_is_called(
    reports: Path, failure: FoundFailure, written: Callable[[Path, FoundFailure, str], str]
) -> None:
    [command] = [line for line in written(reports, failure, "it's mine.x").splitlines() if "[BASE_URL]" in line]
    assert shlex.split(command)[-2:] == ["it's mine.x", "[BASE_URL]"]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_it_gives_its_key_back(path: Path, name: signal.Signals) -> None:
    hung: list[Inbound] = []

    def hanging(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "cancel":
            return outbound
        hung.append(inbound)
        return replace(outbound, silence="never")

    with served(hanging) as emulator:
        before = {key.id for key in emulator.store.keys}
        script_ = start(path, emulator.base_url, environment(emulator.target_yaml()))
        _wait(lambda: hung)
        time.sleep(0.2)
        script_.send_signal(name)
        said, _ = script_.communicate(timeout=60)
        [key] = [key for key in emulator.store.keys if key.id not in before]
    assert script_.returncode == 3, said
    assert "Interrupted." in said
    # The hanging cancel was carried out, so the script has scheduled the key once more.
    assert key.state.value == "pending_deletion"


def _wait(ready: object) -> None:
    for _ in range(600):
        if ready():  # type: ignore[operator]  # a function without arguments
            return
        time.sleep(0.1)
    raise AssertionError("not reached in 60 s")


def test_a_key_that_cannot_be_scheduled_is_named_and_changes_the_exit_code(path: Path) -> None:
    def refusing(inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, status=500) if inbound.operation in ("schedule", "describe") else outbound

    with served(refusing) as emulator:
        code, said = carry_out(path, emulator.target_yaml())
    assert code == 3, said
    assert "schedule-key-deletion (step 4): 200 in the run, 500 now" in said
    assert "? Could not be judged: " in said
    assert "! KEY LEFT" in said


def test_what_an_endpoint_writes_is_printed_without_control_characters(path: Path) -> None:
    def evil(inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, body=b"\x1b[2J\xc2\x9b31m") if inbound.operation == "cancel" else outbound

    with served(evil) as emulator:
        code, said = carry_out(path, emulator.target_yaml())
    assert code == 0, said
    assert "\\x1b[2J" in said
    assert not any(character in said for character in "\x1b\x9b")


def test_an_unreachable_endpoint_is_no_judgement(path: Path) -> None:
    with served() as emulator:
        target = emulator.target_yaml()
    code, said = carry_out(path, target)
    assert code == 3, said
    assert "Traceback" not in said


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(reports: Path, tmp_path: Path) -> Path:
    """A copy of the reports that a test may change."""
    return Path(shutil.copytree(reports, tmp_path / "reports"))


def test_the_command_writes_the_script_and_sends_nothing(reports: Path, failure: FoundFailure, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    said = CliRunner().invoke(command, [str(reports), failure.id, "--script", "python", "--output", str(file)])
    assert said.exception is None or said.exit_code == 0
    assert file.read_text(encoding="utf-8") == script(reports, failure, "mine.py")


def test_an_output_without_a_script_is_a_mistake(reports: Path, failure: FoundFailure) -> None:
    said = CliRunner().invoke(command, [str(reports), failure.id, "--output", "x.py"])
    assert said.exit_code == 2
    assert "--script" in said.output


def test_without_a_recording_no_script_is_written(copied: Path, failure: FoundFailure) -> None:
    (copied / layout.EXCHANGES).unlink()
    with pytest.raises(ReportError, match="no recording"):
        script(copied, failure, "x.py")


def test_a_check_that_signs_wrongly_has_no_script(reports: Path, failure: FoundFailure) -> None:
    signing = replace(failure, check=replace(failure.check, family="authentication"))
    with pytest.raises(ReportError, match="signs requests wrongly"):
        script(reports, signing, "x.py")


def test_a_failure_that_cites_nothing_has_no_script(reports: Path, failure: FoundFailure) -> None:
    with pytest.raises(ReportError, match="cites no exchange"):
        script(reports, replace(failure, failure=replace(failure.failure, exchanges=())), "x.py")


def test_a_recording_that_is_no_json_is_a_mistake(copied: Path, failure: FoundFailure) -> None:
    (copied / layout.ENVIRONMENT).write_text("{}", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot be used"):
        script(copied, failure, "x.py")
