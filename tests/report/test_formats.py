"""A report format is one entry of the registry: nothing else has to know of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import sample_runs as samples

from kms_conformance.report import formats, layout
from kms_conformance.report.formats import ReportFormat
from kms_conformance.report.html.page import TargetPage
from kms_conformance.report.load import load_report
from kms_conformance.report.store import begin, write
from kms_conformance.verdict.waivers.outdated import StaleWaiver

DOCS = Path(__file__).parents[2] / "docs" / "reports.md"


def _csv_of_run(shown: tuple[TargetPage, ...], stale: Sequence[StaleWaiver]) -> str:
    rows = [f"{page.verdict.name},{page.verdict.result}" for page in shown]
    return "\n".join(["target,result", *rows, f"stale waivers,{len(stale)}"]) + "\n"


def _csv_of_target(page: TargetPage) -> bytes:
    rows = [f"{entry.id},{entry.verdict}" for entry in page.verdict.requirements]
    return "\n".join(["requirement,verdict", *rows]).encode() + b"\n"


@pytest.fixture
def csv(monkeypatch: pytest.MonkeyPatch) -> ReportFormat:
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    made = ReportFormat(
        "CSV", of_run={"run.csv": _csv_of_run}, of_target={"target.csv": _csv_of_target}, folders=("csv-parts",)
    )
    formats.register(made)
    return made


@pytest.mark.usefixtures("csv")
def test_a_format_that_is_registered_is_written_made_again_and_removed(tmp_path: Path) -> None:
    runs = [samples.nonconformant(), samples.conformant(samples.ALI)]
    write(tmp_path, runs)
    run = tmp_path / "run.csv"
    assert run.read_text() == "target,result\notc-eu-de,nonconformant\nali-hangzhou,conformant\nstale waivers,0\n"
    for verdict, _ in runs:
        lines = (tmp_path / verdict.name / "target.csv").read_text().splitlines()
        assert lines[1:] == [f"{entry.id},{entry.verdict}" for entry in verdict.requirements]

    run.unlink()
    (tmp_path / "csv-parts").mkdir()
    (tmp_path / "mine.csv").touch()
    formats.write_formats(tmp_path, load_report(tmp_path))
    assert run.is_file()

    begin(tmp_path, [verdict for verdict, _ in runs])
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv", *(verdict.name for verdict, _ in runs)}
    assert {path.name for path in tmp_path.glob("*/*")} == {layout.VERDICT}


@pytest.mark.parametrize(
    "clashing",
    [
        ReportFormat("CSV"),
        ReportFormat("other", of_run={"target.csv": _csv_of_run}),
        ReportFormat("other", of_target={"junit.xml": _csv_of_target}),
        ReportFormat("other", of_run={"results.json": _csv_of_run}),
        ReportFormat("other", folders=("allure-report",)),
    ],
)
@pytest.mark.usefixtures("csv")
def test_no_format_takes_the_name_or_a_file_of_another(clashing: ReportFormat) -> None:
    before = dict(formats.FORMATS)
    with pytest.raises(ValueError, match=clashing.name):
        formats.register(clashing)
    assert before == formats.FORMATS


def test_the_page_on_reports_has_a_row_for_each_format() -> None:
    table = DOCS.read_text(encoding="utf-8").split("\n\n")[1].splitlines()[2:]
    rows = [tuple(re.findall(r"`([^`]+)`", line.split("|")[1])) for line in table]
    assert rows[:-1] == [each.names for each in formats.FORMATS.values()]
    assert set(rows[-1]) == {layout.VERDICT, layout.TRACE, layout.RESULTS}
