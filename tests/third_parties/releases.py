"""Releases of software that is not ours: how each is installed and started. Their pins are in `requirements/`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from packaging.version import Version

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements"
_PYTHON = re.compile(r"^# python: (\d+\.\d+)$", re.MULTILINE)
# The credentials of the vendor's own examples.
_ANYONE = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "access_key_secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


@dataclass(frozen=True)
class Implementation:
    """One implementation: its command, given the folder of its programs and a port, and what it reads at its start.

    `earlier` is how releases before its first value are started. One that is `slow` to install and to start is asked
    by `tox run -e third-parties` alone.
    """

    name: str
    command: Callable[[Path, int], Sequence[str]]
    environment: Callable[[int], Mapping[str, str]] = field(default=lambda port: {})
    earlier: tuple[str, Callable[[Path, int], Sequence[str]]] | None = None
    slow: bool = False


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

    @property
    def python(self) -> str:
        """The Python that it needs, such as `3.13`, by the line `# python: 3.13` of its pins; empty if ours will do."""
        found = _PYTHON.search(self.requirements.read_text(encoding="utf-8"))
        return found[1] if found else ""

    def command(self, programs: Path, port: int) -> Sequence[str]:
        """What starts it on a port of 127.0.0.1."""
        earlier = self.implementation.earlier
        if earlier and Version(self.version) < Version(earlier[0]):
            return earlier[1](programs, port)
        return self.implementation.command(programs, port)

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


def _like_localstack(package: str) -> Implementation:
    return Implementation(
        package,
        lambda programs, port: [f"{programs}/python", "-m", f"{package.partition('-')[0]}.runtime.main"],
        lambda port: {
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            # The default server of its gateway listens on every interface, whatever the address.
            "GATEWAY_SERVER": "hypercorn",
            "SERVICES": "kms",
            "FILESYSTEM_ROOT": "filesystem",
            "DNS_ADDRESS": "0",
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
        },
        slow=True,
    )


IMPLEMENTATIONS = {
    each.name: each
    for each in (
        Implementation(
            "moto",
            lambda programs, port: [f"{programs}/moto_server", "-H", "127.0.0.1", "-p", f"{port}"],
            # One server served one service.
            earlier=(
                "4.0",
                lambda programs, port: [f"{programs}/moto_server", "kms", "-H", "127.0.0.1", "-p", f"{port}"],
            ),
        ),
        Implementation(
            "ministack",
            lambda programs, port: [f"{programs}/ministack"],
            # Without BIND_HOST it listens on every interface.
            lambda port: {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": f"{port}"},
            # They listen on every interface, and no option says otherwise; their application is served as they do it.
            earlier=(
                "1.3.16",
                lambda programs, port: [
                    *(f"{programs}/python", "-m", "uvicorn", "ministack.app:app"),
                    *("--host", "127.0.0.1", "--port", f"{port}"),
                ],
            ),
        ),
        _like_localstack("localstack-core"),
        _like_localstack("localemu"),
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
