"""An installed version of the suite: runs its command against an emulator and records the requests."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from tools.same_requests.normal import normalised
from tools.same_requests.recorder import Recorder

# A script for the environment of a version: prints the target file as JSON, then serves until standard input is closed.
# The suite reads the keys of others in the order of their ids. Ids that increase with creation give every run the same
# order; the rest of each id stays random.
_SERVE = """
import contextlib, importlib, itertools, json, sys, uuid
counted, random_id = itertools.count(0x10000000), uuid.uuid4
uuid.uuid4 = lambda: uuid.UUID(f"{next(counted):08x}{str(random_id())[8:]}")
module, dialect, way, variant = sys.argv[1:]
emulator = importlib.import_module(module + ".emulator")
def anywhere(*names):
    for name in names:
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(module + "." + name)
    raise SystemExit(f"none of these modules exists: {names}")
if variant:
    found = anywhere("apps.selftest.variants", "selftest.variants").VARIANTS
    wanted = [each for each in found if each.name == variant and dialect in each.dialects]
    if not wanted:
        raise SystemExit(f"{dialect} has no variant {variant}")
    made = type("Deviating", (*wanted[0].decisions, emulator.Decisions), {})
    more = {"decisions": made, "filters": wanted[0].filters, "foreign_keys": wanted[0].foreign_keys,
            "profile": wanted[0].profile}
    way = way or wanted[0].auth or ""
else:
    more = {}
with emulator.Emulator(dialect, **more) as serving:
    print(json.dumps(serving.target(way or None)), flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Endpoint:
    """One emulator: its dialect, a way to sign in (default: the first), a variant (default: none)."""

    dialect: str
    way: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.dialect, self.way, self.variant) if part)


@dataclass(frozen=True)
class Run:
    """One finished run: its exit code, its normalised requests, and its verdict file."""

    exit_code: int
    requests: tuple[str, ...]
    verdict: Mapping[str, Any]

    @property
    def verdicts(self) -> Mapping[str, str]:
        """The verdict of each requirement, by id."""
        return {entry["id"]: entry["verdict"] for entry in self.verdict.get("requirements", ())}


@dataclass(frozen=True)
class Version:
    """`python` is the interpreter of the environment in which the import package `module` is installed."""

    python: str
    module: str

    @classmethod
    def parse(cls, text: str, module: str) -> Self:
        """`PYTHON` or `PYTHON:MODULE`."""
        python, _, named = text.partition(":")
        return cls(python, named or module)

    def run(self, endpoint: Endpoint, server: Version, *, tier: str, seed: int) -> Run:
        """Run the suite against the emulator of `server`; raises `RuntimeError` if the run writes no verdict."""
        with tempfile.TemporaryDirectory() as name, server._served(endpoint) as target:
            folder = Path(name)
            with Recorder(urlsplit(target["base_url"]).port or 0) as recorder:
                file = folder / "target.yaml"
                file.write_text(yaml.safe_dump(_through(recorder.port, target), sort_keys=False), encoding="utf-8")
                arguments = (f"--target={file}", f"--reports={folder / 'reports'}", f"--tier={tier}", f"--seed={seed}")
                done = self._command(*arguments, state=folder / "state")
            found = sorted((folder / "reports").rglob("verdict.json"))
            if not found:
                raise RuntimeError(f"{self} left no verdict of {endpoint}:\n{done.stdout}\n{done.stderr}")
            return Run(done.returncode, normalised(recorder.exchanges), json.loads(found[0].read_bytes()))

    def _command(self, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
        state.mkdir()
        return subprocess.run(  # noqa: S603 - our own command
            [self.python, "-m", self.module, "run", *arguments],
            cwd=state,
            env=os.environ | {"KMS_CONFORMANCE_STATE": str(state)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )

    @contextlib.contextmanager
    def _served(self, endpoint: Endpoint) -> Iterator[Mapping[str, Any]]:
        """Serve this version's emulator within the context; gives its target file."""
        command = [self.python, "-c", _SERVE, self.module, endpoint.dialect, endpoint.way, endpoint.variant]
        with (
            tempfile.TemporaryDirectory() as folder,
            subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process,
        ):
            try:
                line = process.stdout.readline() if process.stdout else ""
                if not line:
                    raise RuntimeError(f"{self} does not serve {endpoint}: see its output above")
                yield json.loads(line)
            finally:
                if process.stdin:
                    process.stdin.close()


def _through(port: int, target: Mapping[str, Any]) -> Mapping[str, Any]:
    """The target file with the port of every emulator URL replaced by the recorder's port."""
    served = target["base_url"]
    text = json.dumps(target).replace(served, f"http://127.0.0.1:{port}")
    moved: Mapping[str, Any] = json.loads(text)
    return moved
