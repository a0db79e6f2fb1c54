"""Builds the report of Allure 3 from the results of a run, if Allure is installed. The suite downloads nothing."""

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

# Environment variable: the path of Allure's command, if the command is not in PATH.
VARIABLE = "KMS_CONFORMANCE_ALLURE"
HOW = f"not found; install it: npm install allure@3, set {VARIABLE}=node_modules/allure/cli.js, then run"
# Environment variables that Node needs. Allure does not get any others, because they may be secret.
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
# The time that Allure may take. Measured: 5,000 results take 20 s on two cores.
_SECONDS = 600
# A run is recognised by the start times of this many results, in milliseconds: two runs share none of these.
_ENOUGH = 20


@dataclass(frozen=True)
class Allure:
    """The command that starts Allure 3 on this machine."""

    command: tuple[str, ...]


def find(environ: Mapping[str, str] = os.environ) -> Allure | None:
    """Find Allure 3: the path in `KMS_CONFORMANCE_ALLURE`, else `allure` in PATH; None if there is none.

    No other place is searched, because `build` executes the program that is found. The version is read from Allure's
    package.json, so no program is started here.
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
    """Build the report of the run in `directory`, and add the run to the trends; returns the path of the page.

    `history`: the path of the file of trends; if None, the path in `KMS_CONFORMANCE_ALLURE_HISTORY`, else a file in
    `directory`. If the report of a run is built again, the run still counts once in the trends. Raises `ReportError` if
    Allure fails.
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
        raise _failed(directory, (done.stderr or done.stdout).strip()[-1000:] or "It printed no message.")
    remove_tracking(target)
    _defer(page)
    target.chmod(0o700)
    return page


def _absolute(environ: Mapping[str, str]) -> str:
    """PATH without relative folders, because the working directory may hold programs of other people."""
    return os.pathsep.join(folder for folder in environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute())


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get(VARIABLE):
        yield Path(environ[VARIABLE])
    found = shutil.which("allure", path=_absolute(environ))
    if found is not None:
        yield Path(found)


def _version(script: Path) -> str:
    """The version of the npm package `allure` to which a script belongs; empty if it belongs to another package."""
    try:
        package = json.loads((script.parent / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    ours = isinstance(package, dict) and package.get("name") == "allure"
    return str(package.get("version", "")) if ours else ""


def _forget(trends: Path, results: Path) -> None:
    """Remove an earlier report of the same run from the trends. The run is recognised by start times of its results."""
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
    """The results of one line of the trends as (name, start time); empty if the line is invalid."""
    try:
        results = json.loads(line)["testResults"].values()
        return {(result["fullName"], result["start"]) for result in results}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _defer(page: Path) -> None:
    """Make the browser start Allure's script only after it has read the whole page: the data comes after the script.

    Allure 3.18 starts at once. If the data has not been read by then, the page looks for files that do not exist. For a
    page of 6 MB, this happened at 1 of 4 loads.
    """
    page.write_bytes(_APPLICATION.sub(rb"<script defer \1", page.read_bytes(), count=1))


def _failed(directory: Path, why: str) -> ReportError:
    return ReportError(
        "Allure could not build its report.",
        why,
        f"Its input is {directory / ALLURE_RESULTS}, its configuration {about.CONFIG} beside that folder.",
    )


# Allure 2.46 sends no usage statistics if ALLURE_NO_ANALYTICS is set. The plugins of Allure 3.18 ignore this variable
# and have no option against tracking, so the scripts are removed from the page.
_SCRIPT = re.compile(rb"[ \t]*<script\b[^>]*>", re.IGNORECASE)
_END = b"</script>"
_TRACKING = re.compile(rb"googletagmanager\.com|google-analytics\.com|\bgtag\(")
# A longer script is kept. The tracking scripts have some 400 bytes, the application script of a page has megabytes.
_MOST_BYTES = 2000


def remove_tracking(report: Path) -> tuple[Path, ...]:
    """Remove scripts of Google's tag manager from all pages below a folder; returns the changed pages.

    Raises `ReportError` if a page cannot be read.
    """
    changed = []
    for path in sorted(report.rglob("*.html")):
        content = read_bytes(path)
        cleaned = without_tracking(content)
        if cleaned != content:
            # The page is written in place, so that it keeps its owner and mode.
            path.write_bytes(cleaned)
            changed.append(path)
    return tuple(changed)


def without_tracking(page: bytes) -> bytes:
    """The page without scripts of Google's tag manager."""
    kept, last = [], 0
    for found in _SCRIPT.finditer(page):
        end = page.find(_END, found.end(), found.end() + _MOST_BYTES)
        if found.start() >= last and end >= 0 and _TRACKING.search(page, found.start(), end):
            kept.append(page[last : found.start()])
            last = end + len(_END)
    return b"".join([*kept, page[last:]])
