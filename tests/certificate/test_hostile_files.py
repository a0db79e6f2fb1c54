"""Hostile sealed files: nested archives, compression bombs, overlapping members, wrong names."""

from __future__ import annotations

import gzip
import io
import json
import resource
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from forging import Forgery

from kms_conformance.apps.certificate.pack import MANIFEST, MEMBERS, pack, unpack
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.recording.player import Recording, RecordingError

END = b'{"end": 0, "now": [], "monotonic": []}\n'
DEEP = b"[" * 100_000 + b"]" * 100_000
REQUEST: dict[str, Any] = {"method": "GET", "url": "http://h/", "headers": [], "body": "", "encoding": "utf-8"}
LINE: dict[str, Any] = {
    "number": 1,
    "operation": "list",
    "started": "2026-01-01T00:00:00.000000+00:00",
    "now": [1],
    "monotonic": [1],
    "request": REQUEST,
    "reply": {"status": 200, "reason": "OK", "headers": [], "body": "", "encoding": "utf-8", "seconds": 0.1},
    "failure": None,
}


@cache
def bomb(of: bytes, times: int) -> bytes:
    """Gzip of a repeated text, written without holding the text in memory."""
    packer, packed = zlib.compressobj(9, zlib.DEFLATED, 31), bytearray()
    for _ in range(times):
        packed += packer.compress(of)
    return bytes(packed + packer.flush())


def changed(**parts: Any) -> bytes:
    return json.dumps(LINE | parts).encode() + b"\n" + END.replace(b"0", b"1")


TAPES: dict[str, Callable[[], bytes]] = {
    "nested": lambda: gzip.compress(DEEP + b"\n" + END),
    "nested in a line": lambda: gzip.compress(b'{"now": ' + DEEP + b"}\n" + END),
    "a gigabyte without a line": lambda: bomb(b" " * (1 << 20), 1_000),
    "a gigabyte of lines": lambda: bomb(b"{}\n" * (1 << 18), 1024),
    "millions of values in a line": lambda: bomb(b"{}," * (1 << 18), 16),
    "a member in a member": lambda: gzip.compress(gzip.compress(END)),
    "a million members": lambda: gzip.compress(END) + gzip.compress(b"") * 1_000_000,
    "cut short": lambda: gzip.compress(END * 1000)[:-20],
    "no gzip": lambda: b"\x1f\x8b" + b"\0" * 100,
    "nothing": lambda: b"",
    "a time beyond all": lambda: gzip.compress(changed(now=[10**30])),
    "no number": lambda: gzip.compress(changed(monotonic=[float("nan")])),
    "a whole number of many digits": lambda: gzip.compress(b'{"end": ' + b"9" * 100_000 + b"}\n"),
    "an encoding that is none": lambda: gzip.compress(changed(request=REQUEST | {"encoding": "zip_codec"})),
    "half a surrogate pair": lambda: gzip.compress(changed(request=REQUEST | {"url": "http://h/\ud800"})),
    "a header of three": lambda: gzip.compress(changed(request=REQUEST | {"headers": [["a", "b", "c"]]})),
    "a list for an exchange": lambda: gzip.compress(b"[]\n" + END),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("made", TAPES.values(), ids=TAPES)
def test_a_hostile_tape_is_refused_in_a_sentence(made: Callable[[], bytes]) -> None:
    with pytest.raises(RecordingError) as refused:
        Recording.read(made())
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


def test_an_exchange_of_the_known_form_is_read() -> None:
    assert len(Recording.read(gzip.compress(changed())).exchanges) == 1


READ = """
import resource, sys
from kms_conformance.recording.player import Recording, RecordingError
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    Recording.read(data)
except RecordingError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", ["a gigabyte without a line", "a gigabyte of lines", "millions of values in a line"])
def test_a_tape_that_is_packed_a_thousandfold_takes_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tape.gz"
    path.write_bytes(TAPES[name]())
    assert path.stat().st_size < 2 << 20
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) < 64 << 10, "kilobytes more than before"


def archive(members: dict[str, bytes], twice: str = "", packed: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", packed) as file:
        for name, content in members.items():
            file.writestr(name, content)
            if name == twice:
                with pytest.warns(UserWarning, match="Duplicate"):
                    file.writestr(name, content)
    return data.getvalue()


def of(plain: Path, **changes: bytes) -> dict[str, bytes]:
    names = {name.partition(".")[0]: name for name in MEMBERS}
    return unpack(plain.read_bytes()) | {names[key]: value for key, value in changes.items()}


ARCHIVES: dict[str, Callable[[Path], bytes]] = {
    "packed": lambda plain: archive(of(plain), packed=zipfile.ZIP_DEFLATED),
    "a packed bomb": lambda plain: archive(of(plain, results=b" " * (64 << 20)), packed=zipfile.ZIP_DEFLATED),
    "a member twice": lambda plain: archive(of(plain), twice=MANIFEST),
    "a way out": lambda plain: archive(of(plain) | {"../../evil": b""}),
    "a name with orders to the terminal": lambda plain: archive(of(plain) | {"\x1b]0;evil\x07\x1b[2J": b""}),
    "thousands of members": lambda plain: archive(of(plain) | {f"{n}": b"" for n in range(5_000)}),
    "one file in another": lambda plain: archive({"inner.zip": plain.read_bytes()}),
    "nested manifest": lambda plain: pack(of(plain, manifest=DEEP)),
    "nested results": lambda plain: pack(of(plain, results=DEEP)),
    "nested environment": lambda plain: pack(of(plain, environment=DEEP)),
    "nested statement": lambda plain: pack(of(plain, statement=b'{"payload": ' + DEEP + b"}")),
    "millions of values": lambda plain: pack(of(plain, results=b"[" + b"{}," * 6_000_000 + b"{}]")),
    "a bomb for a tape": lambda plain: pack(of(plain, exchanges=bomb(b" " * (1 << 20), 512))),
    "an envelope that is none": lambda plain: pack(of(plain, statement=b'{"payload": 1}')),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("made", ARCHIVES.values(), ids=ARCHIVES)
def test_a_hostile_file_does_not_hold_and_says_so_in_plain_text(
    plain: Path, tmp_path: Path, made: Callable[[Path], bytes]
) -> None:
    path = tmp_path / "hostile.zip"
    path.write_bytes(made(plain))
    found = verify_file(path)
    assert found.exit_code == 1
    assert len(str(found)) < 4_000
    assert [sign for sign in str(found) if not sign.isprintable()] == ["\n"] * str(found).count("\n")
    assert [each.name for each in tmp_path.iterdir()] == ["hostile.zip"]


def members_upon_each_other(data: bytes) -> bytes:
    """The same file with a directory in which each member has the size of all members."""
    result = bytearray(data)
    at = result.find(b"PK\x01\x02")
    while at >= 0:
        result[at + 20 : at + 28] = (len(data) // 2).to_bytes(4, "little") * 2
        at = result.find(b"PK\x01\x02", at + 1)
    return bytes(result)


def test_members_that_lie_upon_each_other_are_not_unpacked(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.zip"
    path.write_bytes(members_upon_each_other(plain.read_bytes()))
    assert "its members overlap" in str(verify_file(path)).lower()


FORGED: dict[str, Callable[[Forgery], object]] = {
    "a time beyond all": lambda forged: forged.lines[0].update(now=[9 * 10**15]),
    "a start that is no time": lambda forged: forged.lines[0].update(started="\x1b[2J"),
    "a start without a zone": lambda forged: [line.update(started="2026-01-01T00:00:00") for line in forged.lines],
    "a ledger of rubbish": lambda forged: setattr(forged, "ledger", '{"run": 1}\n[]\n\x1b[2J\nnull\n' * 10),
    "a nested ledger": lambda forged: setattr(forged, "ledger", DEEP.decode() + "\n"),
    "an address that is none": lambda forged: forged.environment["target"].update(base_url="http://[::1"),
    "another way to sign in": lambda forged: forged.environment["target"]["auth"].update(way="rpc"),
    "replies that are swapped": lambda forged: forged.lines[0].update(reply=forged.lines[1]["reply"]),
    "replies that are nested": lambda forged: [
        line["reply"].update(body=DEEP.decode()) for line in forged.lines if line["reply"]
    ],
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_what_is_forged_with_right_digests_ends_in_a_sentence(
    plain: Path, tmp_path: Path, change: Callable[[Forgery], object]
) -> None:
    forged = Forgery(plain.read_bytes())
    change(forged)
    found = verify_file(forged.saved(tmp_path))
    assert found.exit_code in (1, 3)
    assert len(str(found)) < 10_000


def test_memory_of_these_tests_is_bounded() -> None:
    """The limit for all files together; unpacking the largest file above would take many times as much."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20, "kilobytes"
