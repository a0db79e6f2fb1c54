"""The command `clock`, apart from libfaketime: what it prints and refuses, and that it ends all that it started.

A file that is no library takes the place of libfaketime: the loader of Linux warns and starts the server without it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from clock_commands import TOLD_TO_END, clocked, free_port, left_of
from tiny_servers import command_of

from kms_conformance.apps.clock import library
from kms_conformance.apps.clock.library import SYSTEMS, ClockError, find_library, is_static, refuse_static, variables
from kms_conformance.cli import cli

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only the loader of Linux starts a program without it")


def clock(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; nothing of it must be left in the folder of its temporary files."""
    command = [sys.executable, "-m", "kms_conformance", "clock", *arguments]
    environment = {**os.environ, "TMPDIR": f"{folder}"}
    done = subprocess.run(command, capture_output=True, env=environment, text=True, timeout=60, check=False)
    assert left_of(folder=folder) == []
    return done


@pytest.fixture
def nothing(tmp_path: Path) -> str:
    """The option that names a file as the library that is none."""
    file = tmp_path / "no-library.so"
    file.touch()
    return f"--library={file}"


# Starts the server of `tiny_servers` in a session of its own, as a daemon does, and ignores the signal to end.
STUBBORN = textwrap.dedent(
    """
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, *sys.argv[1:]], start_new_session=True)
    time.sleep(60)
    """
)


@LINUX
@pytest.mark.parametrize("number", TOLD_TO_END, ids=lambda number: number.name)
def test_it_ends_with_all_that_it_started(number: signal.Signals, tmp_path: Path, nothing: str) -> None:
    port = free_port()
    served = command_of("python", tmp_path, port)
    command = [sys.executable, "-c", STUBBORN, *served[1:]] if number is signal.SIGKILL else served
    with clocked(command, port, nothing, folder=tmp_path) as server:
        _, pid, _ = server.ask()
        assert server.send(number) == (-number if number is signal.SIGKILL else 0)
        assert left_of(pid, folder=tmp_path) == []


@LINUX
def test_it_ends_with_its_server(tmp_path: Path, nothing: str) -> None:
    failed = clock(tmp_path, nothing, "--", "sh", "-c", "echo to stdout; echo to stderr >&2; exit 7")
    assert failed.returncode == 3
    assert "The server ended with 7: sh -c" in failed.stderr
    assert "to stdout\nto stderr\n" in failed.stderr
    assert "to stdout" not in "\n".join(failed.stdout.splitlines()[1:])
    assert clock(tmp_path, nothing, "--", "true").returncode == 0
    killed = clock(tmp_path, nothing, "--", "sh", "-c", "kill -9 $$")
    assert (killed.returncode, "ended with 137" in killed.stderr) == (3, True)


@LINUX
def test_it_prints_the_lines_for_the_target_file(tmp_path: Path, nothing: str) -> None:
    port, control = free_port(), free_port()
    with clocked(command_of("python", tmp_path, port), port, nothing, f"--port={control}", folder=tmp_path) as server:
        written = yaml.safe_load(server.lines)
        now = server.advance(86400)
        assert server.advance(0) >= now
    url = f"http://127.0.0.1:{control}/_control/clock"
    assert written == {"time_control": {"url": url, "moves": "everything"}}


@LINUX
def test_a_mistake_is_told_with_what_to_do(nothing: str, tmp_path: Path) -> None:
    absent = clock(tmp_path, nothing, "--", "no-such-server")
    assert absent.returncode == 2
    assert absent.stderr.splitlines()[-3:] == [
        "The command no-such-server could not be started.",
        "No such file or directory.",
        "Is it installed, and its name complete?",
    ]
    other = tmp_path / "other"
    other.mkdir()
    with clocked(command_of("python", tmp_path, port := free_port()), port, nothing, folder=other) as server:
        taken = clock(tmp_path, nothing, f"--port={server.url.split(':')[2].split('/')[0]}", "--", "true")
    assert (taken.returncode, "cannot be used" in taken.stderr) == (2, True)
    assert clock(tmp_path, f"--library={tmp_path / 'absent.so'}", "--", "true").returncode == 2
    assert clock(tmp_path).returncode == 2


@pytest.mark.parametrize(("platform", "line"), [("linux", "apt-get install libfaketime"), ("darwin", "brew install")])
def test_a_missing_library_is_told_with_the_line_that_installs_it(platform: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(ClockError, match=line) as caught:
        find_library(platform=platform, root=tmp_path)
    assert caught.value.exit_code == 2
    assert "is not installed" in caught.value.what
    with pytest.raises(ClockError, match="Linux and macOS, not for plan9"):
        find_library(platform="plan9")


def test_a_path_that_the_loader_would_split_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two parts.so"
    path.touch()
    with pytest.raises(ClockError, match="a blank or a colon"):
        find_library(path, platform="linux")


def test_without_the_library_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = library.System("LD_PRELOAD", {}, (f"{tmp_path}/none",), "sudo apt-get install libfaketime")
    monkeypatch.setattr(library, "SYSTEMS", dict.fromkeys(SYSTEMS, found))
    done = CliRunner().invoke(cli, ["clock", "--", "touch", f"{tmp_path}/started"])
    assert isinstance(done.exception, ClockError)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("platform", SYSTEMS)
def test_the_library_is_found_where_packages_install_it(platform: str, tmp_path: Path) -> None:
    for pattern in reversed(SYSTEMS[platform].places):
        path = tmp_path / pattern.lstrip("/").replace("*", "x86_64-linux-gnu")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        assert find_library(platform=platform, root=tmp_path) == path


def test_the_server_is_given_the_library_beside_its_own(tmp_path: Path) -> None:
    mine = {"LD_PRELOAD": "/mine.so", "FAKETIME": "+1d", "FAKETIME_SHARED": "a b", "FAKETIME_XRESET": "1"}
    given = variables(Path("/lib.so"), tmp_path / "offset", mine, "linux")
    assert given == {
        "LD_PRELOAD": "/lib.so:/mine.so",
        "FAKETIME": "",
        "FAKETIME_SHARED": "",
        "FAKETIME_TIMESTAMP_FILE": f"{tmp_path}/offset",
        "FAKETIME_NO_CACHE": "1",
    }
    assert variables(Path("/l"), tmp_path, {}, "darwin")["DYLD_INSERT_LIBRARIES"] == "/l"


def elf(*kinds: int) -> bytes:
    """The head of a program of 64 bits with segments of these kinds."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(16) + (64).to_bytes(8, "little") + bytes(14)
    head += (56).to_bytes(2, "little") + len(kinds).to_bytes(2, "little")
    return head.ljust(64, b"\0") + b"".join(kind.to_bytes(4, "little") + bytes(52) for kind in kinds)


def test_a_static_program_is_refused_before_it_starts(tmp_path: Path) -> None:
    static, linked, text = tmp_path / "static", tmp_path / "linked", tmp_path / "text"
    static.write_bytes(elf(1, 6))
    linked.write_bytes(elf(6, 3, 1))
    text.write_text(f"#!{static} --serve\n")
    for file in (static, linked, text):
        file.chmod(0o755)
    assert [is_static(file) for file in (static, linked, text, Path(sys.executable))] == [True, False, False, False]
    refuse_static(f"{linked}")
    refuse_static(sys.executable)
    refuse_static("no-such-program")
    for refused in (static, text):
        with pytest.raises(ClockError, match="static program, as most programs written in Go"):
            refuse_static(f"{refused}")


def test_a_real_static_program_is_known_as_one() -> None:
    program = next(filter(Path.exists, (Path("/sbin/ldconfig"), Path("/usr/bin/busybox"))), None)
    if program is None or not program.read_bytes().startswith(b"\x7fELF"):
        pytest.skip("no static program is known to be here")
    assert is_static(program)
