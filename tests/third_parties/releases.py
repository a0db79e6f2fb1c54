"""Releases of software that is not ours: how each is installed and started. Their pins are in `requirements/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements"
# The credentials of the vendor's own examples.
_ANYONE = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "access_key_secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


@dataclass(frozen=True)
class Implementation:
    """One implementation: its command, given the folder of its programs and a port, and what it reads at its start."""

    name: str
    command: Callable[[Path, int], Sequence[str]]
    environment: Callable[[int], Mapping[str, str]] = field(default=lambda port: {})


@dataclass(frozen=True)
class Release:
    """One release of an implementation, such as `moto-5.2.5`."""

    implementation: Implementation
    version: str

    @property
    def name(self) -> str:
        return f"{self.implementation.name}-{self.version}"

    @property
    def requirements(self) -> Path:
        """Every distribution of its environment, pinned."""
        return REQUIREMENTS / f"{self.name}.txt"

    def target_text(self, port: int, clock_url: str | None = None) -> str:
        """A target file for this release on a port of this machine, and for its clock if that can be moved."""
        target = {
            "name": self.name,
            "dialect": "aws",
            # None of them looks at a signature; the suite signs all the same.
            "profile": "local-emulator",
            "base_url": f"http://127.0.0.1:{port}",
            "auth": {**_ANYONE, "region": "us-east-1"},
        }
        if clock_url is not None:
            # All keys there are of the run.
            target |= {"time_control": {"url": clock_url, "moves": "everything"}, "disposable": True}
        return yaml.safe_dump(target, sort_keys=False)


IMPLEMENTATIONS = {
    each.name: each
    for each in (
        Implementation("moto", lambda programs, port: [f"{programs}/moto_server", "-H", "127.0.0.1", "-p", f"{port}"]),
        Implementation(
            "ministack",
            lambda programs, port: [f"{programs}/ministack"],
            # Without BIND_HOST it listens on every interface.
            lambda port: {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": f"{port}"},
        ),
        Implementation(
            "aws-local-run",
            lambda programs, port: (
                [f"{programs}/aws-local-run", "start", "--host", "127.0.0.1", "--port", f"{port}", "--services", "kms"]
            ),
        ),
    )
}


def release(name: str) -> Release:
    """The release of this name; raises `KeyError` that lists all where there is none."""
    if name not in (known := releases()):
        raise KeyError(f"no release {name!r}; there are: {', '.join(known)}")
    return known[name]


def releases() -> Mapping[str, Release]:
    """Every release whose pins we keep, by name."""
    names = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
    parts = {name: name.rpartition("-") for name in names}
    return {name: Release(IMPLEMENTATIONS[part[0]], part[2]) for name, part in parts.items()}
