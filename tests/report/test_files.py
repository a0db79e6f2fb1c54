from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples

from kms_conformance.client.judge import Judgement
from kms_conformance.report import files
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report, load_verdict, load_verdicts
from kms_conformance.report.model import Report
from kms_conformance.report.store import write
from kms_conformance.target import Target

OF_A_RUN = ("index.html", "statement.md", "junit.xml", "ctrf-report.json", "results.json")
OF_A_TARGET = ("verdict.json", "traceability.json", "answers.json", "badge.json", "badge.svg")

Edit = Callable[[dict[str, Any]], object]


def edit(path: Path, change: Edit) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def edit_both(directory: Path, change: Edit) -> None:
    """The same change to a verdict in both files that hold it."""
    edit(directory / "verdict.json", change)
    edit(directory / "results.json", lambda results: change(results["targets"][0]["verdict"]))


@pytest.mark.parametrize(
    "runs",
    [
        [samples.conformant()],
        [samples.nonconformant()],
        [samples.inconclusive()],
        [samples.mixed(), samples.conformant(samples.ALI)],
    ],
    ids=["conformant", "nonconformant", "inconclusive", "several"],
)
def test_what_is_written_is_read_back(runs: list[samples.Decided], tmp_path: Path) -> None:
    written = write(tmp_path, runs)
    assert load_report(tmp_path) == written
    assert load_report(tmp_path / "results.json") == written
    given = [[check.to_json() for check in checks] for _, checks in runs]
    found = [target["checks"] for target in written.to_json()["targets"]]
    assert json.dumps(found) == json.dumps(given)
    assert load_verdicts(tmp_path) == tuple(target.verdict for target in written.targets)


def test_a_run_that_nobody_reads_leaves_its_verdict_alone(tmp_path: Path) -> None:
    write(tmp_path, [samples.mixed()])
    whole = (tmp_path / "verdict.json").read_text()
    written = write(tmp_path, [samples.mixed()], verdict_only=True)
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]
    assert (tmp_path / "verdict.json").read_text() == whole
    assert load_verdict(tmp_path / "verdict.json") == written.targets[0].verdict


def test_one_target_lies_in_the_folder_itself_and_several_in_theirs(tmp_path: Path) -> None:
    write(tmp_path / "one", [samples.conformant()])
    write(tmp_path / "two", [samples.conformant(), samples.conformant(samples.ALI)])
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        *(f"one/{name}" for name in (*OF_A_RUN, *OF_A_TARGET)),
        *(f"two/{name}" for name in OF_A_RUN),
        *(f"two/{target}/{name}" for target in ("ali-hangzhou", "otc-eu-de") for name in OF_A_TARGET),
    }


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        write(tmp_path, [samples.conformant()])
    finally:
        os.umask(previous)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_nothing_of_an_earlier_run_is_left_to_mislead(tmp_path: Path) -> None:
    write(tmp_path, [samples.conformant(), samples.conformant(samples.ALI)])
    (tmp_path / "allure-results").mkdir()
    (tmp_path / "allure-report").mkdir()
    stale = (
        "exchanges.jsonl.gz",
        "otc-eu-de/otc-eu-de.certificate.zip",
        "otc-eu-de/mine.txt",
        "allure-report/index.html",
    )
    for name in stale:
        (tmp_path / name).write_text("{}")
    write(tmp_path, [samples.nonconformant()])
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*OF_A_RUN, *OF_A_TARGET, "otc-eu-de/mine.txt"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "verdict.json"
    files.write_atomically(path, "old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(ReportError, match="No space left on device"):
        files.write_atomically(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == ["verdict.json"]
    assert path.read_text() == "old"


def test_a_folder_that_cannot_be_made_is_an_error_to_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError) as caught:
        write(tmp_path / "file" / "reports", [samples.conformant()])
    assert "Name another folder" in caught.value.hint


def test_half_a_surrogate_pair_does_not_stop_a_report(tmp_path: Path) -> None:
    judgement = Judgement("cancel.effect", False, "\ud800", "a\udfff", (14,))
    record = samples.record(14, 200, "\ud800")
    failed = samples.failing(samples.OTC, "cancel.effect", failures=(judgement,), exchanges=(record,))
    checks = [*samples.passing(samples.OTC, ["cancel.effect"]), failed]
    report = write(tmp_path, [samples.decided(samples.OTC, checks)])
    assert load_report(tmp_path) == report
    assert report.targets[0].checks[-1].failures[0].received == "a\ufffd"


def test_contradicting_results_are_not_written(tmp_path: Path) -> None:
    verdict, checks = samples.conformant()
    with pytest.raises(ReportError, match="a fault of the suite"):
        write(tmp_path, [(verdict, checks[:-1])])
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_target_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="nothing to report"):
        write(tmp_path, [])


@pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 101])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    report = Report.from_json(write(tmp_path, [samples.conformant()]).to_json())
    raw = report.to_json()
    raw["targets"][0]["verdict"]["target"]["name"] = name
    for check in raw["targets"][0]["checks"]:
        check["target"] = name
    (tmp_path / "results.json").write_text(json.dumps(raw))
    with pytest.raises(ReportError, match="cannot have a folder in the reports"):
        load_report(tmp_path)


def test_targets_that_would_share_a_folder_are_refused(tmp_path: Path) -> None:
    other = Target("OTC-EU-DE", "huawei", "https://x", samples.OTC.auth)
    with pytest.raises(ReportError, match="share a folder"):
        write(tmp_path, [samples.conformant(), samples.conformant(other)])


def first(results: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = results["targets"][0]
    return target


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r.pop("seed"), "seed"),
        (lambda r: r.update(extra=1), "extra"),
        (lambda r: r.update(format=2), "1 was expected"),
        (lambda r: r["targets"].append(r["targets"][0]), "The target otc-eu-de occurs 2 times"),
        (lambda r: first(r)["checks"].pop(), "but there is no result of these checks"),
        (lambda r: first(r)["checks"].append(first(r)["checks"][0]), "occurs 2 times"),
        (lambda r: first(r)["checks"][0].update(requests=9), "The verdict counts"),
        (lambda r: first(r)["checks"][0].update(keys_created=9), "The verdict counts"),
        (lambda r: first(r)["checks"][0].update(target="other"), "belongs to another target"),
        (lambda r: first(r)["checks"][0].update(outcome="failed"), "with 0 failed judgements"),
        (lambda r: first(r)["checks"][0].update(passes={}), "but its checks have"),
        (lambda r: first(r)["checks"][0].update(productive={}), "was proved"),
        (lambda r: first(r)["checks"][0]["passes"].update(nonsense=1), "which the verdict does not have"),
        (lambda r: first(r)["checks"][-1].update(failures=[], outcome="passed"), "failed"),
        (lambda r: first(r)["verdict"].update(seed=1), "differs from the verdict in results.json"),
        (lambda r: first(r)["verdict"].update(result="conformant"), "The result is conformant"),
    ],
)
def test_results_that_were_changed_do_not_load(change: Edit, why: str, tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "nonconformant", tmp_path, dirs_exist_ok=True)
    edit(tmp_path / "results.json", change)
    with pytest.raises(ReportError) as caught:
        load_report(tmp_path)
    assert why in str(caught.value)
    assert len(str(caught.value).split("\n")) >= 3


def requirement(verdict: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in verdict["requirements"] if entry["id"] == name)
    return found


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda v: v["requirements"].clear(), "has no requirements"),
        (lambda v: v["requirements"].append(v["requirements"][0]), "occurs 2 times"),
        (lambda v: v.update(result="inconclusive"), "make it conformant"),
        (lambda v: requirement(v, "cancel.effect").update(productive=0), "no judgement proves it"),
        (lambda v: requirement(v, "cancel.effect").update(verdict="failed"), "make it nonconformant"),
        (lambda v: requirement(v, "cancel.effect").update(verdict="waived"), "without a reason"),
        (lambda v: requirement(v, "cancel.effect").update(level="WILL"), ".schema.json"),
        (lambda v: v["suite"].update(specs_digest="md5:0"), ".schema.json"),
    ],
)
def test_a_verdict_that_was_changed_does_not_load(change: Edit, why: str, tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "conformant", tmp_path, dirs_exist_ok=True)
    edit_both(tmp_path, change)
    for load, path in ((load_verdict, tmp_path / "verdict.json"), (load_report, tmp_path)):
        with pytest.raises(ReportError) as caught:
            load(path)
        assert why in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"format": 1, "suite": {"ver', "It ends in the middle"),
        (b"", "It ends in the middle"),
        (b'{"format": 1, "format": 1}', "a key occurs twice"),
        (b'{"format": NaN}', "NaN is not a JSON number"),
        (b'\xff{"format": 1}', "Invalid JSON"),
        (b'{"format": "\\ud800"}', "lone surrogate"),
        (b"[" * 100_000 + b"}", "Invalid JSON"),
        (b"[]", "verdict.schema.json"),
    ],
    ids=range(8),
)
def test_what_is_no_verdict_does_not_load(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    path.write_bytes(content)
    with pytest.raises(ReportError) as caught:
        load_verdict(path)
    assert why in caught.value.why


def test_a_run_that_did_not_finish_does_not_load(tmp_path: Path) -> None:
    write(tmp_path, [samples.conformant()])
    (tmp_path / "results.json").unlink()
    with pytest.raises(ReportError, match="is missing"):
        load_report(tmp_path)
    write(tmp_path, [samples.conformant()])
    (tmp_path / "verdict.json").unlink()
    with pytest.raises(ReportError, match="is missing"):
        load_report(tmp_path)
