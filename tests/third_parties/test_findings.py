"""The pages of findings tell the truth: their curl lines show what they say, and no failed requirement is left out."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from certifying import EVERYTHING, EXPECTED, asked, expected, missing_library, missing_python
from releases import HERE, release
from serving import serve

PAGES = HERE.parents[1] / "docs" / "findings"
RELEASES = sorted(path.stem for path in EXPECTED.glob("*.json"))
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# Examples that begin so move the clock of the server; they are tried by `tox run -e third-parties` alone.
_CLOCK = re.compile(r"^CLOCK=.*$", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """Shell lines of a page, and the output that it shows for them; `…` in it stands for what differs each time."""

    heading: str
    lines: str
    output: str


def page_of(name: str) -> str:
    return (PAGES / f"{release(name).implementation.name}.md").read_text(encoding="utf-8")


def setup_of(page: str) -> str:
    """The first shell block of a page, which the others build on. Its first line says where the server is."""
    return next(block["text"] for block in _BLOCK.finditer(page) if block["kind"] == "sh")


def shown_in(page: str) -> list[Shown]:
    """Every shell block of a page that is followed by its output."""
    blocks = list(_BLOCK.finditer(page))
    return [
        Shown(_HEADING.findall(page[: first.start()])[-1], first["text"], second["text"])
        for first, second in pairwise(blocks)
        if (first["kind"], second["kind"]) == ("sh", "text")
    ]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", asked(RELEASES))
def test_every_curl_line_of_the_page_shows_what_the_page_says(name: str) -> None:
    page = page_of(name)
    setup = setup_of(page)
    assert setup.startswith("KMS=")
    examples = shown_in(page)
    assert examples
    if reason := missing_python(release(name)):
        pytest.skip(reason)
    clock = EVERYTHING and not missing_library()
    wrong = []
    with serve(release(name), timezone="UTC0", clock=clock) as served:
        here = "\n".join([f"KMS={served.url}", *setup.splitlines()[1:], ""])
        for example in examples:
            lines = _CLOCK.sub(f"CLOCK={served.clock_url}", example.lines)
            if lines != example.lines and not clock:
                continue
            done = subprocess.run(
                ["bash", "-eu", "-c", here + lines], capture_output=True, text=True, timeout=60, check=False
            )
            pattern = ".*".join(re.escape(part) for part in example.output.strip().split("…"))
            if done.returncode or not re.fullmatch(pattern, done.stdout.strip(), re.DOTALL):
                wrong.append(f"{example.heading}\n  shown: {example.output}\n  got: {done.stdout}{done.stderr}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", RELEASES)
def test_the_page_tells_of_each_failed_requirement_and_of_no_other(name: str) -> None:
    tiers = expected(release(name))["tiers"]
    failed = {each for found in tiers.values() for each, verdict in found.items() if verdict == "failed"}
    known = {each for found in tiers.values() for each in found}
    # A finding names its requirements in the row of its table that begins so.
    rows = [line for line in page_of(name).splitlines() if line.startswith("| requirement")]
    told = {each for line in rows for each in re.findall(r"`([a-z0-9.-]+)`", line)}
    assert told <= known, f"no such requirements: {sorted(told - known)}"
    assert told == failed, f"not told: {sorted(failed - told)}; told, and not failed: {sorted(told - failed)}"


@pytest.mark.parametrize("name", RELEASES)
def test_the_page_names_its_release(name: str) -> None:
    assert release(name).version in page_of(name)
    assert Path(PAGES / "README.md").read_text(encoding="utf-8").count(f"{release(name).implementation.name}.md")
