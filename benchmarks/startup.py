"""Start-up times of commands, compared with the minimum that Python and pytest need."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

from benchmarks import servers, suite
from benchmarks.measure import Figure, Ratio, Result, count
from benchmarks.process import Usage, measure, python

_HELP_SECONDS, _COLLECTION_SECONDS = 0.25, 1.0
_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio", "--collect-only")
_MODULES = (
    "import sys; from kms_conformance.cli import main\ntry: main()\nfinally: print(len(sys.modules), file=sys.stderr)"
)


def start_up(rounds: int) -> Iterator[Result]:
    """`--help`, `doctor`, collection and the first request; an extra first round only fills the caches."""
    with suite.folder() as place, servers.emulators("huawei") as served:
        target = place / "target.yaml"
        target.write_text(served.targets[0], encoding="utf-8")
        (place / "empty").mkdir()
        ours: dict[str, Callable[[], Usage]] = {
            "--help": lambda: measure(python("-m", "kms_conformance", "--help"), place),
            "doctor": lambda: measure(python("-m", "kms_conformance", "doctor", f"--target={target}"), place),
            "collection": lambda: measure(
                python("-m", "kms_conformance", "run", f"--target={target}", "--", "--collect-only", "-q"), place
            ),
        }
        floors: dict[str, tuple[str, Callable[[], Usage]]] = {
            "--help": ("import click", lambda: measure(python("-c", "import click"), place)),
            "doctor": ("import requests, yaml", lambda: measure(python("-c", "import requests, yaml"), place)),
            "collection": ("pytest that collects nothing", lambda: measure(python(*_PYTEST, "empty"), place)),
        }
        found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ours}
        for number in range(rounds + 1):
            for name, command in ours.items():
                values = command().seconds, floors[name][1]().seconds
                if number:
                    found[name][0].append(values[0])
                    found[name][1].append(values[1])
    for name, (seconds, floor) in found.items():
        yield Ratio("start-up", name, floors[name][0], tuple(seconds), tuple(floor))
    yield Figure("start-up", "--help", tuple(found["--help"][0]), "s", _HELP_SECONDS)
    yield Figure("start-up", "collection", tuple(found["collection"][0]), "s", _COLLECTION_SECONDS)
    yield from _first_request(rounds)


def _first_request(rounds: int) -> Iterator[Result]:
    seconds = []
    for _ in range(rounds):
        done = suite.run("huawei", "smoke", "-k", "test_entry.py")
        seconds.append(done.served.first - done.usage.started)
    yield Figure("start-up", "first request of a run", tuple(seconds), "s")


def imported_modules() -> Iterator[Result]:
    """The number of imported modules at the end of a command."""
    for name, arguments in (("--help", ["--help"]), ("requirements", ["requirements", "--dialect=huawei"])):
        done = subprocess.run(  # noqa: S603 - our own command
            python("-c", _MODULES, *arguments), capture_output=True, text=True, check=True
        )
        yield count("start-up", f"modules imported by {name}", int(done.stderr.split()[-1]), "modules")
