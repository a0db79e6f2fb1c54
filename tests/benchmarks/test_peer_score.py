from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.page import markdown
from benchmarks.record import Record, Silence
from benchmarks.score import Figures, Line, Result, Run, accepted, lines
from benchmarks.table import cells, table

if TYPE_CHECKING:
    from pathlib import Path


def run(*new: str, noise: tuple[str, ...] = (), requests: int = 10, seconds: float = 1.0) -> Run:
    return Run(reports=(*noise, *new), new=new, requests=requests, seconds=seconds, sent=100)


def result(fault: str, fault_class: str, ours: Run, peer: Run, dialect: str = "huawei") -> Result:
    return Result(fault, fault_class, "major", dialect, 1, ours, peer)


def test_what_any_faultless_run_reports_says_nothing() -> None:
    assert accepted([run("a POST /x"), run("b POST /x"), run()]) == {"a POST /x", "b POST /x"}


def test_a_run_that_reports_the_baseline_alone_found_nothing_but_reported_something() -> None:
    figures = Figures.of([run(noise=("a POST /x",))])
    assert (figures.found, figures.anything) == (0, 1)
    assert figures.requests is None
    assert figures.seconds is None


def test_medians_are_over_those_found() -> None:
    runs = [run("a", requests=1, seconds=1.0), run("a", requests=9, seconds=5.0), run(requests=1000, seconds=900.0)]
    assert Figures.of(runs) == Figures(found=2, anything=2, requests=5, seconds=3.0)


def test_lines_are_by_class_then_severity_then_dialect_then_all() -> None:
    found, missed = run("a"), run()
    results = [
        result("one", "window", found, missed),
        result("two", "cancel", found, found, "alibaba"),
        result("three", "cancel", missed, missed),
    ]
    assert [(line.title, line.faults, line.ours.found, line.peer.found) for line in lines(results)] == [
        ("cancel", 2, 1, 1),
        ("window", 1, 1, 0),
        ("major", 3, 2, 1),
        ("alibaba", 1, 1, 1),
        ("huawei", 2, 1, 0),
        ("all", 3, 2, 1),
    ]


def test_a_line_with_nothing_found_has_no_medians() -> None:
    line = Line.of("window", [result("one", "window", run("a", requests=12, seconds=3.21), run())])
    assert cells(line) == ("window", "1", "1", "0", "0", "12", "3.2", "-", "-")


def test_the_table_has_a_row_a_line() -> None:
    assert table([result("one", "window", run("a"), run())]).row_count == len(("window", "major", "huawei", "all"))


def test_no_results_are_a_table_all_the_same() -> None:
    assert table([]).row_count == 1


def test_a_result_survives_json() -> None:

    before = result("one", "window", run("a", noise=("b",)), run())
    assert Result.from_json(json.loads(json.dumps(before.to_json()))) == before


@pytest.mark.parametrize("new", [(), ("a",)])
def test_found_is_what_is_new(new: tuple[str, ...]) -> None:
    assert run(*new, noise=("b",)).found == bool(new)


def test_a_page_tells_what_only_the_peer_found_and_what_went_wrong(tmp_path: Path) -> None:
    quiet = Run((), (), 1, 1.0, 1200)
    record = Record(tmp_path / "x.json", {"seed": 1, "examples": 10}, {"huawei": Silence((run("b"),), quiet, quiet)})
    broken = Run((), (), 5, 1.0, 5, problem="stopped after 900 s")
    page = markdown(record, [result("one", "window", run(), run("a")), result("two", "window", broken, run())])
    assert "| window | 2 | 0 | 1 | 1 | - | - | 10 | 1.0 |" in page
    assert "Found by the peer and not by us: `one` (huawei)." in page
    assert "trouble of their own: `two` (huawei)." in page
    assert "baseline has 1 reports" in page
