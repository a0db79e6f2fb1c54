"""Texts of endpoints and files are escaped on terminals and in CI logs, by every command."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text
from started import ONE_FAMILY, start

from kms_conformance.core.text import say, shown
from kms_conformance.emulator import Emulator
from kms_conformance.preflight.doctor import Finding
from kms_conformance.report.text.screen import Screen

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred"
BIDI = "\u202edrowssap\u2066"
HOSTILE = f"{ESCAPE}{BIDI}\ud800\x00\x9b31m\u200b\u2028"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def nothing_raw(text: str) -> bool:
    return RAW.search(text) is None


def test_say_writes_out_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{HOSTILE}\nsecond line ✓")
    out = capsys.readouterr().out
    assert nothing_raw(out)
    assert out.startswith("\\x1b]0;owned\\x07")
    assert out.endswith("second line ✓\n")


@pytest.mark.parametrize("system", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"])
def test_no_ci_system_obeys_what_was_written(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(system, "true")
    for order in ("::error::x", "  ::set-output name=a::b", "##[group]x", "##vso[task.setvariable]x", "##teamcity[x]"):
        assert shown(f"fine\n{order}", "utf-8").splitlines()[1].lstrip().startswith("| ")


@pytest.mark.parametrize("terminal", [False, True])
def test_tables_bars_and_lines_of_a_screen_write_it_out_too(terminal: bool) -> None:
    file = io.StringIO()
    screen = Screen(file=file, width=200, force_terminal=terminal, color_system=None)
    screen.write_line(HOSTILE)
    screen.write_line(Text(f"a {HOSTILE}"))
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(Text(HOSTILE))
    screen.print(table)
    with Progress(TextColumn("{task.description}", markup=False), console=screen, transient=False) as bar:
        bar.add_task(HOSTILE)
    text = file.getvalue()
    # Rich itself writes the cursor movements of a progress bar.
    own = re.sub(r"\x1b\[(\?25[lh]|[0-9]*[AK]|2K)|\r", "", text)
    assert nothing_raw(own), ascii(own[:2000])
    assert "owned" in own


def test_a_stream_that_knows_no_unicode_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    say("✓ 10 → 12 … ü 鍵")
    assert raw.getvalue() == b"+ 10 -> 12 ... \\xfc \\u9375\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run with control characters in every text, and the target file of the run."""
    path = tmp_path_factory.mktemp("hostile")
    with Emulator("huawei") as emulator:
        (path / "t.yaml").write_text(emulator.target_yaml())
        start("run", "--target", "t.yaml", "--reports", "out", "--tier", "smoke", "--", "-k", "entry", cwd=path)
    return path


def _poisoned(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _poisoned(child, key) for key, child in value.items()}
    if isinstance(value, list):
        return [_poisoned(child, name) for child in value]
    return f"{value} {ESCAPE}{BIDI}" if isinstance(value, str) and name in _TEXTS else value


_TEXTS = {"reason", "hint", "base_url", "why", "expected", "received", "title", "text", "url"}
COMMANDS = ["report out", "compare out out", "replay out 000000", "certify out --evidence", "merge out", "verify x.zip"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_poisoned_reports_folder_gives_no_orders(command: str, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    for name in ("results.json", "verdict.json", "environment.json"):
        raw = json.loads((tmp_path / "out" / name).read_text())
        (tmp_path / "out" / name).write_text(json.dumps(_poisoned(raw)))
    (tmp_path / "x.zip").write_bytes(f"PK{ESCAPE}".encode())
    ended = start(*command.split(), cwd=tmp_path)
    assert nothing_raw(ended.out.replace("\r\n", "\n")), ascii(ended.out)
    assert nothing_raw(ended.err), ascii(ended.err)
    assert ended.no_traceback()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("command", ["run", "doctor", "sweep", "record --out x.json", "compare --live target.yaml"])
def test_a_target_file_gives_no_orders(command: str, tmp_path: Path) -> None:
    for raw in (
        {
            "name": f"n{ESCAPE}",
            "dialect": "huawei",
            "base_url": "http://127.0.0.1:9",
            "auth": {"token": "secret-token"},
        },
        {"name": "n", "dialect": f"huawei{BIDI}", "base_url": f"http://127.0.0.1:9/{ESCAPE}", f"auth{ESCAPE}": {}},
    ):
        (tmp_path / "target.yaml").write_text(yaml.safe_dump(raw))
        option = [] if command.startswith("compare") else ["--target"]
        ended = start(*command.split(), *option, "target.yaml", cwd=tmp_path)
        assert ended.code == 2
        assert nothing_raw(ended.text), ascii(ended.text)


def test_the_words_of_a_hostile_endpoint_give_no_orders(tmp_path: Path) -> None:
    """Every reply contains escape sequences that colour, rename and clear a terminal."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: PLC0415 - here alone
    from threading import Thread  # noqa: PLC0415

    class Hostile(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = json.dumps({"error": {"error_code": ESCAPE, "error_msg": BIDI}, "keys": [HOSTILE]}).encode()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(403, f"{ESCAPE}")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Request-Id", "\x1b[31m")
            self.end_headers()
            self.wfile.write(body)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with Emulator("huawei") as emulator:
            raw = emulator.target() | {"base_url": f"http://127.0.0.1:{server.server_address[1]}"}
        del raw["time_control"]
        (tmp_path / "t.yaml").write_text(yaml.safe_dump(raw))
        commands = {("run", *ONE_FAMILY[:2]): 1, ("doctor",): 3, ("sweep",): 3, ("record", "--out", "x.json"): 3}
        for command, code in commands.items():
            ended = start(*command, "--target", "t.yaml", cwd=tmp_path, GITHUB_ACTIONS="true")
            assert (ended.code, ended.no_traceback()) == (code, True), ended.text
            assert nothing_raw(ended.text), ascii(ended.text)
        server.shutdown()


def test_findings_of_the_doctor_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    from kms_conformance.cli.doctor import _show  # noqa: PLC0415 - what prints a finding

    _show(Finding("endpoint", HOSTILE, "bad", HOSTILE))
    assert nothing_raw(capsys.readouterr().out)


def test_nothing_else_prints() -> None:
    """The linter forbids direct output; this test fails if the rule is switched off."""
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251,T201",
        "--output-format",
        "concise",
        "conformance",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    sources = "".join(path.read_text() for path in (root / "conformance").rglob("*.py") if path.name != "say.py")
    assert "click.echo(" not in sources
