"""libfaketime: where it is installed, how a program is started with it, and which programs it cannot move.

The library answers a program that asks the C library for the time. It is searched for and never downloaded.
"""

from __future__ import annotations

import os
import shutil
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kms_conformance.core.errors import ExplainedMistake


class ClockError(ExplainedMistake):
    """A server could not be started with a clock that can be moved, because of something that the user can repair."""


@dataclass(frozen=True)
class System:
    """How an operating system loads the library.

    - preload: the environment variable that names libraries to load before all others.
    - also: further variables that this needs.
    - places: patterns of the paths at which packages install the library, the best first.
    - install: the command that installs it.
    """

    preload: str
    also: Mapping[str, str]
    places: Sequence[str]
    install: str


# The library for programs with threads; the other one of the package is for programs without.
_LINUX = "libfaketimeMT.so.1"
_MAC = "libfaketime.1.dylib"
SYSTEMS: Mapping[str, System] = {
    "linux": System(
        "LD_PRELOAD",
        {},
        (
            f"/usr/lib/*/faketime/{_LINUX}",  # Debian, Ubuntu
            f"/usr/lib64/faketime/{_LINUX}",  # Fedora
            f"/usr/lib/faketime/{_LINUX}",  # Arch, openSUSE
            f"/usr/lib/{_LINUX}",
            f"/usr/local/lib/faketime/{_LINUX}",  # `make install`
            f"/home/linuxbrew/.linuxbrew/lib/faketime/{_LINUX}",
        ),
        "sudo apt-get install libfaketime",
    ),
    "darwin": System(
        "DYLD_INSERT_LIBRARIES",
        {"DYLD_FORCE_FLAT_NAMESPACE": "1"},
        (f"/opt/homebrew/lib/faketime/{_MAC}", f"/usr/local/lib/faketime/{_MAC}"),
        "brew install libfaketime",
    ),
}
# Variables of the library that would override the file with the offset, or name the shared memory of another program.
_NOT_INHERITED = ("FAKETIME", "FAKETIME_SHARED", "FAKETIME_TIMESTAMP_FILE", "FAKETIME_NO_CACHE")

_ELF = b"\x7fELF"
_PT_INTERP = 3


def find_library(named: Path | None = None, platform: str = sys.platform, root: Path = Path("/")) -> Path:
    """The path of the library: `named`, or the first place of the system at which it is. Raises `ClockError`."""
    system = SYSTEMS.get(platform)
    if system is None:
        raise ClockError(
            "The clock of a program cannot be moved on this system.",
            f"libfaketime exists for Linux and macOS, not for {platform}.",
            "Run the server and this command on Linux, for example in one container.",
        )
    if named is not None:
        if named.is_file():
            # The loader splits a list of libraries at these characters.
            if any(character in f"{named.resolve()}" for character in ": "):
                raise ClockError(f"{named} cannot be loaded.", "Its path has a blank or a colon.", "Copy it elsewhere.")
            return named.resolve()
        raise ClockError(f"There is no library {named}.", "--library names no file.", f"Install it: {system.install}")
    for pattern in system.places:
        found = sorted(root.glob(pattern.lstrip("/")))
        if found:
            return found[0]
    raise ClockError(
        "libfaketime is not installed, so the clock of a program cannot be moved.",
        f"It was searched for at {', '.join(system.places)}.",
        f"Install it: {system.install}. If it is elsewhere, add --library PATH.",
    )


def variables(
    library: Path, offset_file: Path, inherited: Mapping[str, str], platform: str = sys.platform
) -> dict[str, str]:
    """The environment variables of a program whose clock follows the offset in a file; "" removes a variable.

    `inherited`: the environment that the program would have otherwise.
    """
    system = SYSTEMS[platform]
    before = inherited.get(system.preload, "")
    return {
        **{name: "" for name in _NOT_INHERITED if name in inherited},
        system.preload: f"{library}:{before}" if before else f"{library}",
        **system.also,
        "FAKETIME_TIMESTAMP_FILE": f"{offset_file}",
        # Without this, the library reads the file every 10 s.
        "FAKETIME_NO_CACHE": "1",
    }


def refuse_static(program: str) -> None:
    """Raise `ClockError` for a program that loads no library, so that its clock cannot be moved."""
    path = shutil.which(program)
    for name in () if path is None else _loaded(Path(path)):
        if is_static(name):
            raise ClockError(
                f"The clock of {name} cannot be moved.",
                "It is a static program, as most programs written in Go: it loads no library and asks the kernel for "
                "the time.",
                "Leave out time_control; a planted key judges the waiting period over nights (docs/waiting-period.md).",
            )


def is_static(path: Path) -> bool:
    """Whether a file is an ELF program that names no dynamic loader. False for what is no ELF program."""
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or not head.startswith(_ELF):
            return False
        wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
        (offset,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)
        size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        file.seek(offset)
        table = file.read(size * count)
    kinds = [struct.unpack_from(f"{order}I", table, at)[0] for at in range(0, len(table) - 3, max(size, 4))]
    return _PT_INTERP not in kinds


def _loaded(path: Path) -> Iterator[Path]:
    """The program, and the interpreter that its first line names if it is a script."""
    yield path
    with path.open("rb") as file:
        first = file.readline(256)
    words = first[2:].decode(errors="replace").split() if first.startswith(b"#!") else []
    if words and Path(words[0]).name == "env":
        words = [found for word in words[1:2] if (found := shutil.which(word)) is not None]
    if words and os.access(words[0], os.R_OK):
        yield Path(words[0])
