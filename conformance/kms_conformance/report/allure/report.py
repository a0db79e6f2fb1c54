"""Builds the report of Allure 3 from a run's results, where Allure is there; nothing is ever downloaded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kms_conformance.report.allure import about
from kms_conformance.report.files import ReportError, read_bytes, write_atomically
from kms_conformance.report.layout import ALLURE_REPORT, ALLURE_RESULTS

# Names Allure's command where it is not found by itself.
VARIABLE = "KMS_CONFORMANCE_ALLURE"
HOW = f"not found: `npm install allure@3` brings it, {VARIABLE}=node_modules/allure/cli.js names it; then"
# Of the environment, what Node needs: all else may be secret, and Allure is not ours.
_NEEDED = frozenset(
    [
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "TEMP",
        "TMP",
        "SYSTEMROOT",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "NODE_OPTIONS",
        "NODE_PATH",
        "NODE_EXTRA_CA_CERTS",
        "NODE_NO_WARNINGS",
    ]
)
_MAJOR = "3."
_APPLICATION = re.compile(rb'<script\s+(src="data:text/javascript)')
# 5,000 results take some 20 s on two cores.
_SECONDS = 600
# Two runs do not have one of these results begin in the same millisecond.
_ENOUGH = 20


@dataclass(frozen=True)
class Allure:
    """Allure 3 on this machine: the command that starts it."""

    command: tuple[str, ...]


def find(environ: Mapping[str, str] = os.environ) -> Allure | None:
    """Allure 3: where `KMS_CONFORMANCE_ALLURE` says, or on the path, and nowhere else: what is found is started.

    Nothing is started to find out: its package says which version it is.
    """
    node = shutil.which("node", path=_absolute(environ))
    if node is None:
        return None
    for command in _candidates(environ):
        script = command.resolve()
        if script.is_file() and _version(script).startswith(_MAJOR):
            return Allure((node, str(script)))
    return None


def build(allure: Allure, directory: Path, history: Path | None = None) -> Path:
    """Build the report of the run in `directory`, and add the run to the trends; returns the page.

    `history` is the file of trends, else the one that the environment names, else one in `directory`. A run that is
    built again counts there once. Raises `ReportError` when Allure fails.
    """
    named = history or os.environ.get(about.HISTORY_VARIABLE)
    trends = Path(named or directory / about.HISTORY).resolve()
    trends.parent.mkdir(parents=True, exist_ok=True)
    _forget(trends, directory / ALLURE_RESULTS)
    target = directory / ALLURE_REPORT
    shutil.rmtree(target, ignore_errors=True)
    config = about.configuration(directory / ALLURE_RESULTS, os.environ)
    command = [*allure.command, "generate", ALLURE_RESULTS, "--cwd", str(directory), "--config", config]
    command += ["--output", ALLURE_REPORT]
    environ = {name: value for name, value in os.environ.items() if name.upper() in _NEEDED}
    environ[about.HISTORY_VARIABLE] = str(trends)
    try:
        done = subprocess.run(  # noqa: S603 - found, or named by the user
            command, cwd=directory, env=environ, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(directory, str(error)) from error
    page = target / "index.html"
    if done.returncode or not page.is_file():
        raise _failed(directory, (done.stderr or done.stdout).strip()[-1000:] or "It said nothing.")
    remove_tracking(target)
    _defer(page)
    target.chmod(0o700)
    return page


def _absolute(environ: Mapping[str, str]) -> str:
    """The path without folders that depend on where we are: a report may be built among files of others."""
    return os.pathsep.join(folder for folder in environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute())


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get(VARIABLE):
        yield Path(environ[VARIABLE])
    found = shutil.which("allure", path=_absolute(environ))
    if found is not None:
        yield Path(found)


def _version(script: Path) -> str:
    """The version of the package `allure` that a script is part of; empty for any other script."""
    try:
        package = json.loads((script.parent / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    ours = isinstance(package, dict) and package.get("name") == "allure"
    return str(package.get("version", "")) if ours else ""


def _forget(trends: Path, results: Path) -> None:
    """Take out of the trends what an earlier report of this very run added: its results began at the same moments."""
    if not trends.is_file():
        return
    ours = set()
    for path in sorted(results.glob("*-result.json"))[:_ENOUGH]:
        result = json.loads(path.read_text(encoding="utf-8"))
        ours.add((result["fullName"], result["start"]))
    lines = trends.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.strip() and not _moments(line) & ours]
    if len(kept) < len(lines):
        write_atomically(trends, "".join(f"{line}\n" for line in kept))


def _moments(line: str) -> set[tuple[str, int]]:
    """Which results a point of the trends has, and when each began; none for a line that is no point."""
    try:
        results = json.loads(line)["testResults"].values()
        return {(result["fullName"], result["start"]) for result in results}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _defer(page: Path) -> None:
    """Let the application begin when its data, which stands after it, is there.

    Allure 3.18 begins at once, and where a browser has not read that far yet it looks for files that do not exist:
    seen in 1 of 4 loads of a page of 6 MB.
    """
    page.write_bytes(_APPLICATION.sub(rb"<script defer \1", page.read_bytes(), count=1))


def _failed(directory: Path, why: str) -> ReportError:
    return ReportError(
        "Allure could not build its report.",
        why,
        f"What it reads lies in {directory / ALLURE_RESULTS}; {about.CONFIG} beside it is its configuration.",
    )


# Allure 2.46 heeds ALLURE_NO_ANALYTICS; the plugins of Allure 3.18 do not, and have no option.
_SCRIPT = re.compile(rb"[ \t]*<script\b[^>]*>", re.IGNORECASE)
_END = b"</script>"
_TRACKING = re.compile(rb"googletagmanager\.com|google-analytics\.com|\bgtag\(")
# The scripts that track have some 400 bytes; a page that is one file has an application of megabytes, which stays.
_MOST_BYTES = 2000


def remove_tracking(report: Path) -> tuple[Path, ...]:
    """Remove the scripts that load or call Google's tag manager from all pages below a folder; returns those changed.

    Raises `ReportError` where a page cannot be read.
    """
    changed = []
    for path in sorted(report.rglob("*.html")):
        content = read_bytes(path)
        cleaned = without_tracking(content)
        if cleaned != content:
            # In place: the page keeps its owner and mode, which whoever publishes it has chosen.
            path.write_bytes(cleaned)
            changed.append(path)
    return tuple(changed)


def without_tracking(page: bytes) -> bytes:
    """The same page without those scripts."""
    kept, last = [], 0
    for found in _SCRIPT.finditer(page):
        end = page.find(_END, found.end(), found.end() + _MOST_BYTES)
        if found.start() >= last and end >= 0 and _TRACKING.search(page, found.start(), end):
            kept.append(page[last : found.start()])
            last = end + len(_END)
    return b"".join([*kept, page[last:]])
