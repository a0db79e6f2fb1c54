"""One file out of several, byte for byte the same for the same contents, and read without trusting it.

Members are stored as they are, in one order, with one date: whatever else stands in such a file was put there by
somebody, and is found by packing its members again.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from kms_conformance.report import layout
from kms_conformance.report.files import ReportError

MANIFEST = "manifest.json"
STATEMENT = "statement.dsse.json"
PAGE = "certificate.html"
#: All members, in their order: what a reader looks for first stands first.
MEMBERS = (
    PAGE,
    MANIFEST,
    layout.VERDICT,
    layout.RESULTS,
    layout.ENVIRONMENT,
    layout.LEDGER,
    layout.EXCHANGES,
    STATEMENT,
)
_MOST_BYTES = 256 << 20
# The head of an entry in a ZIP file's directory; in our members it stands by chance, if at all.
_ENTRY, _MOST_ENTRIES = b"PK\x01\x02", 64
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class Unsound(Exception):  # noqa: N818 - what is wrong with a file
    """A file that was not packed by us, or not left as it was packed; its text says why."""


def pack(members: Mapping[str, bytes]) -> bytes:
    """The file that holds these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return data.getvalue()


def read(path: Path) -> dict[str, bytes]:
    """The members of a file. Raises `Unsound`, and `ReportError` where there is no file to read."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ReportError(
            f"{path} cannot be read.", f"{error.strerror or error}.", "Name a file that `certify` made."
        ) from error
    if len(data) > _MOST_BYTES:
        raise Unsound("it is larger than any that we make")
    return unpack(data)


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of a file that was read. Raises `Unsound`."""
    if data.count(_ENTRY) > _MOST_ENTRIES:
        raise Unsound("it has more members than ours")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_strange(archive.infolist())
            if sum(info.file_size for info in archive.infolist()) > len(data):
                raise Unsound("its members lie upon each other")
            members = {info.filename: archive.read(info) for info in archive.infolist()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        struct.error,
        OverflowError,
    ) as error:
        raise Unsound(
            f"it cannot be unpacked: it was cut short, or is none of ours ({ascii(str(error))[1:-1]})"
        ) from error
    if pack(members) != data:
        raise Unsound("it holds more than its members, or they do not lie in it as they were packed")
    return members


def _refuse_strange(found: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in found]
    for name in names:
        if name not in MEMBERS:
            raise Unsound(f"it has a member {name!a}, which none of ours has")
        if names.count(name) > 1:
            raise Unsound(f"it has two members {name}")
    for name in MEMBERS:
        if name not in names:
            raise Unsound(f"it has no {name}")
    for info in found:
        # What is stored as it is cannot unpack to more than the file.
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise Unsound(f"its {info.filename} is packed otherwise than ours")
