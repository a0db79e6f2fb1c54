"""What is written is whole, or not there; and each new folder is on disk in its parent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kms_conformance.client.ledger import Ledger
from kms_conformance.core import disk
from kms_conformance.report.files import write_atomically


def test_a_line_is_whole_though_the_system_takes_it_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(disk.os, "write", lambda descriptor, data: write(descriptor, bytes(data[:3])))
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1", kind="x" * 100)
    assert [record.marker for record in Ledger(ledger.path).records().values()] == ["m1"]


def test_what_a_full_disk_has_taken_of_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.write("intent", "m1")
    before = ledger.path.read_bytes()
    write = os.write

    def filling(descriptor: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(data[:20]))

    monkeypatch.setattr(disk.os, "write", filling)
    with pytest.raises(OSError, match="No space left"):
        ledger.write("intent", "m2")
    assert ledger.path.read_bytes() == before


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files and folders that were waited for, in order."""
    found: list[Path] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
def test_every_new_folder_on_the_way_to_a_ledger_is_on_disk(tmp_path: Path, synced: list[Path]) -> None:
    Ledger(tmp_path / "a" / "b" / "l.jsonl").write("intent", "m1")
    assert {tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "l.jsonl"} <= set(synced)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
def test_the_name_of_a_report_is_on_disk_as_its_content_is(tmp_path: Path, synced: list[Path]) -> None:
    write_atomically(tmp_path / "new" / "verdict.json", "{}")
    assert synced[-1] == tmp_path / "new"
    assert tmp_path in synced
