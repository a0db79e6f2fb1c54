"""The URL of a moved clock answers as that of the emulator does, and the file with the offset is never half written."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from kms_conformance.apps.clock.control import CONTROL_PATH, ControlServer, MovedClock
from kms_conformance.emulator import Emulator

START = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlServer]:
    server = ControlServer(0, MovedClock(tmp_path / "offset", lambda: START))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_clock_moves_forward_and_its_file_holds_the_sum(control: ControlServer, tmp_path: Path) -> None:
    file = tmp_path / "offset"
    assert file.read_text() == "+0.000000\n"
    for seconds, said, written in (
        (0, "2026-12-01T00:00:00.000000Z", "+0.000000\n"),
        (86400.5, "2026-12-02T00:00:00.500000Z", "+86400.500000\n"),
        (400 * 86400, "2028-01-06T00:00:00.500000Z", "+34646400.500000\n"),
        (0, "2028-01-06T00:00:00.500000Z", "+34646400.500000\n"),
    ):
        reply = requests.post(control.url, json={"advance_seconds": seconds}, timeout=5)
        assert (reply.status_code, reply.json()) == (200, {"now": said})
        assert file.read_text() == written
    assert [path.name for path in tmp_path.iterdir()] == ["offset"]


BODIES = ["{", "[]", "{}", "null", '{"advance_seconds": %s}']
VALUES = ["-1", "true", "null", '"5"', "1e400", "NaN", "1e15"]


@pytest.mark.parametrize("body", [*BODIES[:-1], *(BODIES[-1] % value for value in VALUES)])
def test_a_wrong_request_is_refused_as_the_emulator_refuses_it(control: ControlServer, body: str) -> None:
    reply = requests.post(control.url, body, timeout=5)
    assert reply.status_code == 400
    assert "advance_seconds" in reply.json()["error"]
    with Emulator("huawei") as emulator:
        assert requests.post(emulator.base_url + CONTROL_PATH, body, timeout=5).status_code == 400
    assert requests.post(control.url, json={"advance_seconds": 0}, timeout=5).json()["now"].startswith("2026-12-01")


def test_other_methods_paths_and_sizes_are_refused(control: ControlServer) -> None:
    assert requests.get(control.url, timeout=5).status_code == 405
    assert requests.post(f"{control.url}/other", json={"advance_seconds": 5}, timeout=5).status_code == 404
    assert requests.post(control.url, "x" * 20_000, timeout=5).status_code == 400


def test_a_reader_sees_whole_offsets_only(tmp_path: Path) -> None:
    clock, file = MovedClock(tmp_path / "offset", lambda: START), tmp_path / "offset"
    seen, ended = set(), threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(file.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        clock.advance(12345.5)
    ended.set()
    reader.join()
    assert clock.advance(0) == START + timedelta(seconds=300 * 12345.5)
    assert all(re.fullmatch(r"\+\d+\.\d{6}\n", text) for text in seen), json.dumps(sorted(seen)[:3])
