"""ZIP archive of a sealed file: equal members give equal bytes, and reading assumes that the file may be hostile.

Members are stored uncompressed, in a fixed order, with a fixed date. Reading packs the members again and compares, so
that any additional bytes are found.
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
#: All members in their order. The page comes first, because readers open it first.
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
# Signature of an entry in a ZIP directory. Its occurrences are counted before parsing, to limit the number of entries.
_ENTRY, _MOST_ENTRIES = b"PK\x01\x02", 64
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class InvalidArchive(Exception):  # noqa: N818 - a property of the file
    """An archive that `pack` did not make, or that was changed; the text gives the reason."""


def pack(members: Mapping[str, bytes]) -> bytes:
    """The archive with these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return data.getvalue()


def read(path: Path) -> dict[str, bytes]:
    """The members of a file. Raises `InvalidArchive`, and `ReportError` if the file cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ReportError(
            f"{path} cannot be read.", f"{error.strerror or error}.", "Name a file that `certify` wrote."
        ) from error
    if len(data) > _MOST_BYTES:
        raise InvalidArchive(f"it is larger than the limit of {_MOST_BYTES} bytes")
    return unpack(data)


def unpack(data: bytes) -> dict[str, bytes]:
    """The members of an archive. Raises `InvalidArchive`."""
    if data.count(_ENTRY) > _MOST_ENTRIES:
        raise InvalidArchive("it has more members than a sealed file")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_other_members(archive.infolist())
            if sum(info.file_size for info in archive.infolist()) > len(data):
                raise InvalidArchive("its members overlap")
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
        raise InvalidArchive(
            f"it cannot be unpacked: it was truncated, or is not a sealed file ({ascii(str(error))[1:-1]})"
        ) from error
    if pack(members) != data:
        raise InvalidArchive("it has additional bytes, or its members are not stored as `certify` stores them")
    return members


def _refuse_other_members(found: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in found]
    for name in names:
        if name not in MEMBERS:
            raise InvalidArchive(f"it has a member {name!a}, which no sealed file has")
        if names.count(name) > 1:
            raise InvalidArchive(f"it has two members {name}")
    for name in MEMBERS:
        if name not in names:
            raise InvalidArchive(f"it has no {name}")
    for info in found:
        # Only uncompressed members are read, because they cannot unpack to more bytes than the file has.
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise InvalidArchive(f"its {info.filename} is compressed or encrypted")
