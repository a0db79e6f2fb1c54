"""Draw cache: keeps generated values in files, named by the digest of everything that the values follow from.

Generating the requests of a run takes longer than sending them. The same inputs, seed and versions always give the same
values, so a file may take the place of generating. The package has such files for the default seed (`drawn/`); all
others are written to the user's state folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeVar

from kms_conformance.client.ledger_files import LedgerError, state_directory

T = TypeVar("T")

#: The entries of the package: the requests and walks of the default seed at the tiers smoke and standard.
SHIPPED = Path(__file__).with_name("drawn")
#: The ending of the name of an entry.
SUFFIX = ".draws"

_MAGIC = b"kms-conformance draws 1\n"
_TEMPORARY = ".tmp"
# Packages that generate requests, decide which values are valid, and turn values into URLs and bodies.
_PACKAGES = ("hypothesis", "schemathesis", "jsonschema-rs", "requests", "urllib3")
# A nightly run of one dialect needs up to 0.3 MB. The oldest entries are removed until three quarters of this are left.
_MOST_BYTES = 8 * 2**20
# The most bytes of one entry, packed, and the most that it may unpack to. The largest of a nightly run have 0.03 MB and
# 0.4 MB.
_MOST_PACKED, _MOST_UNPACKED = 4 * 2**20, 64 * 2**20
# The time of an entry shows when it was last used, to this accuracy: most uses write nothing.
_STALE_SECONDS = 24 * 3600.0
# A temporary file of this age belongs to a process that has died.
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True)
class DrawCache:
    """A store of generated values: entries of the package, and entries of a folder of the user's own.

    - `folder`: the folder to read and write; None if there is none.
    - `shipped`: the folder with the entries of the package; None to ignore them.
    - `most_bytes`: the size of all entries in `folder` at which the oldest are removed.

    An entry is used only if its content has the digest that the file states, and was generated from the same inputs by
    the same versions. Every other file is treated as if it did not exist. An entry is complete from the moment at which
    it has its name, so processes may share a folder. A folder that cannot be written is used as far as it can be read.
    """

    folder: Path | None = None
    shipped: Path | None = SHIPPED
    most_bytes: int = field(default=_MOST_BYTES, repr=False)

    @classmethod
    def of_user(cls) -> DrawCache:
        """The cache in the folder `draws` of the user's state folder (`client/ledger_files.py`)."""
        with suppress(LedgerError):
            return cls(state_directory() / "draws")
        return cls()

    def drawn(
        self,
        inputs: Mapping[str, object],
        draw: Callable[[], T],
        *,
        to_json: Callable[[T], Any],
        from_json: Callable[[Any], T],
    ) -> T:
        """The values that follow from `inputs`: those of an entry, else those of `draw`, which are then kept.

        `inputs` has JSON types and must contain everything on which `draw` depends, except the versions of packages.
        """
        name = entry_name(inputs)
        for folder in (self.shipped, self.folder):
            found = None if folder is None else _read(folder / name)
            if folder is not None and found is not None:
                with suppress(KeyError, TypeError, ValueError, AttributeError):
                    values = from_json(found["values"])
                    if folder is self.folder:
                        _note_use(folder / name)
                    return values
        values = draw()
        if self.folder is not None:
            with suppress(OSError):
                _write(self.folder / name, to_json(values))
                _remove_oldest(self.folder, self.most_bytes)
        return values


#: The cache that keeps nothing: all values are generated.
NO_CACHE = DrawCache(shipped=None)
#: The cache without a folder of the user's own.
SHIPPED_ONLY = DrawCache()

#: Which cache a run uses: none, the entries of the package alone, or also those of the user's state folder.
CacheChoice = Literal["none", "package", "user"]


def chosen_cache(choice: CacheChoice) -> DrawCache:
    """The cache of a run."""
    return {"none": lambda: NO_CACHE, "package": lambda: SHIPPED_ONLY, "user": DrawCache.of_user}[choice]()


def entry_name(inputs: Mapping[str, object]) -> str:
    """The file name of an entry: the digests of the inputs and of the versions of this installation."""
    return f"{inputs_digest(inputs)}-{versions_digest()}{SUFFIX}"


def inputs_digest(inputs: Mapping[str, object]) -> str:
    """The digest of the inputs, 40 hexadecimal digits. The order of members counts, as it does for a generator."""
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:40]


@cache
def versions_digest() -> str:
    """The digest of the versions on which generated values depend, 12 hexadecimal digits."""
    return hashlib.sha256(json.dumps(versions(), sort_keys=True).encode()).hexdigest()[:12]


@cache
def versions() -> Mapping[str, str]:
    """The versions on which generated values depend: of Python (its tables of characters) and of packages, by name."""
    return {"python": ".".join(platform.python_version_tuple()[:2])} | {name: _version(name) for name in _PACKAGES}


def source_digest(*paths: Path) -> str:
    """The digest of source files that generate values; line ends do not count. Raises `OSError`."""
    found = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _read(path: Path) -> Any:  # noqa: ANN401 - JSON
    """The content of an entry; None if there is no entry, or a damaged one."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_PACKED + 1)
    except OSError:
        return None
    digest, _, packed = raw.removeprefix(_MAGIC).partition(b"\n")
    if not raw.startswith(_MAGIC) or hashlib.sha256(packed).hexdigest().encode() != digest:
        return None
    unpacking = zlib.decompressobj()
    try:
        content = json.loads(unpacking.decompress(packed, _MOST_UNPACKED))
    except (zlib.error, ValueError, RecursionError):
        return None
    # The name states inputs and versions. It stands in the content too, so a renamed file is not used.
    return content if isinstance(content, dict) and content.get("name") == path.name else None


def _write(path: Path, values: object) -> None:
    """Write an entry under a temporary name, then give it its name. Raises `OSError`."""
    packed = zlib.compress(json.dumps({"name": path.name, "versions": versions(), "values": values}).encode(), 9)
    if len(packed) > _MOST_PACKED:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=_TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(packed).hexdigest().encode() + b"\n" + packed)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _note_use(path: Path) -> None:
    with suppress(OSError):
        if path.stat().st_mtime < time.time() - _STALE_SECONDS:
            os.utime(path)


def _remove_oldest(folder: Path, most_bytes: int) -> None:
    """Remove abandoned temporary files, and the entries that were not used for longest if all are too large."""
    entries = sorted(_files(folder), key=lambda entry: entry[1].st_mtime)
    left = sum(found.st_size for _, found in entries)
    full = left > most_bytes
    for path, found in entries:
        abandoned = path.suffix == _TEMPORARY and found.st_mtime < time.time() - _ABANDONED_SECONDS
        if abandoned or (full and left > most_bytes * 3 // 4 and path.suffix == SUFFIX):
            # Another process may have removed it.
            with suppress(OSError):
                path.unlink()
            left -= found.st_size


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The entries and temporary files of a folder; other files are not ours."""
    for path in folder.iterdir():
        if path.suffix in (SUFFIX, _TEMPORARY):
            with suppress(OSError):
                yield path, path.stat()
