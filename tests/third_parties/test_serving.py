"""The helper that installs, starts and ends what is not ours, tried on servers of a few lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import environments
import pytest
import serving
from releases import IMPLEMENTATIONS, Implementation, Release, release, releases

from kms_conformance.apps.clock.serve import GUARD

# Answers everything with 200, tells its own and a child's process id, and lets the child ignore the signal to end.
SERVER = textwrap.dedent(
    """
    import http.server, os, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN);"
                              "print('ready', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
    child.stdout.readline()
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200); self.end_headers()
            self.wfile.write(f"{os.getpid()} {child.pid} {os.environ.get('TZ')} {os.environ.get('SECRET')}".encode())
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
    """
)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A zombie that waits for init is dead for us.
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        # It may end between the two questions.
        return False


def gone(*pids: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def ask(url: str) -> list[str]:
    return subprocess.run(["curl", "-sS", "-X", "POST", url], capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Release:
    monkeypatch.setattr(serving, "programs_of", lambda what: Path(sys.executable).parent)
    monkeypatch.setenv("SECRET", "ours")
    return Release(Implementation("fake", lambda programs, port: [sys.executable, "-c", SERVER, f"{port}"]), "1")


def test_it_serves_and_leaves_no_process_behind(fake: Release) -> None:
    with serving.serve(fake) as served:
        own, child, timezone, secret = ask(served.url)
        assert (timezone, secret) == (serving.ELSEWHERE, "None")
        assert alive(int(own))
        assert alive(int(child))
    assert gone(int(own), int(child))


def test_it_ends_with_us_even_when_we_are_killed(fake: Release, tmp_path: Path) -> None:
    script = tmp_path / "holder.py"
    script.write_text(
        "import subprocess, sys, time\n"
        f"process = subprocess.Popen([sys.executable, '-I', {str(GUARD)!r}, '/nowhere', '--', sys.executable, '-c', "
        f"{SERVER!r}, sys.argv[1]], stdin=subprocess.PIPE)\n"
        "print('started', flush=True)\n"
        "time.sleep(60)\n"
    )
    port = serving._free_port()  # noqa: SLF001
    holder = subprocess.Popen([sys.executable, str(script), str(port)], stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                own, child, *_ = ask(f"http://127.0.0.1:{port}")
                break
            except subprocess.CalledProcessError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert gone(int(own), int(child))


def test_what_does_not_start_says_its_last_words(fake: Release) -> None:
    broken = Implementation("broken", lambda programs, port: [sys.executable, "-c", "raise SystemExit('no licence')"])
    with pytest.raises(RuntimeError, match="no licence"), serving.serve(Release(broken, "1")):
        pass


def test_an_unreachable_registry_is_an_error_and_no_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(RuntimeError, match=r"(?s)aws-local-run-1\.1\.0 could not be installed.*package registry"):
        environments.programs_of(release("aws-local-run-1.1.0"))


def test_an_older_release_listens_on_this_machine_alone() -> None:
    # They have no option for it.
    for name in ("ministack-1.2.19", "moto-1.3.15", "moto-4.1.3"):
        assert "127.0.0.1" in release(name).command(Path("programs"), 5000), name
    assert release("ministack-1.5.33").implementation.environment(5000)["BIND_HOST"] == "127.0.0.1"


def test_a_release_that_needs_another_python_gets_it_or_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = release("localstack-core-2026.3.0")
    ours, shim, theirs = (tmp_path / name for name in ("ours", "path/python3.13", "theirs"))
    shim.parent.mkdir()
    ours.write_text("#!/bin/sh\necho 3.11.7 of us\n")
    shim.write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    theirs.write_text("#!/bin/sh\necho 3.13.0 of them\n")
    for program in (ours, shim, theirs):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/bin:/bin")
    monkeypatch.setenv("KMS_CONFORMANCE_PYTHON_3_13", f"{theirs}")
    assert environments.python_of(what) == (f"{theirs}", "3.13.0 of them\n")
    monkeypatch.setenv("KMS_CONFORMANCE_PYTHON_3_13", f"{ours}")
    with pytest.raises(environments.MissingPythonError, match=r"needs Python 3\.13.*KMS_CONFORMANCE_PYTHON_3_13"):
        environments.python_of(what)
    monkeypatch.delenv("KMS_CONFORMANCE_PYTHON_3_13")
    with pytest.raises(environments.MissingPythonError):
        environments.python_of(what)
    shim.write_text("#!/bin/sh\necho 3.13.1 on PATH\n")
    assert environments.python_of(what) == (f"{shim}", "3.13.1 on PATH\n")


@pytest.mark.parametrize("name", releases())
def test_every_environment_is_pinned_whole(name: str) -> None:
    what = release(name)
    lines = [line for line in what.requirements.read_text().splitlines() if not line.startswith("#")]
    assert f"{what.implementation.name}=={what.version}" in lines
    assert all(line.count("==") == 1 for line in lines)


def test_an_unknown_release_lists_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"moto-5\.2\.5"):
        release("moto-0")
    assert set(IMPLEMENTATIONS) == {what.implementation.name for what in releases().values()}
