from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples
from allure_commons import model2
from test_page import hostile

from kms_conformance.client.judge import Judgement
from kms_conformance.report.allure import report as allure_report
from kms_conformance.report.allure import results as allure_results
from kms_conformance.report.allure.report import Allure, build, find
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.store import scrubbed
from kms_conformance.verdict.model import time_text
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.verdict.waivers.outdated import StaleWaiver


def report(*decided: samples.Decided) -> Report:
    return scrubbed(Report(tuple(TargetReport.of(*each) for each in decided)))


def results(folder: Path, found: Report) -> dict[str, dict[str, Any]]:
    """What was written, by name of target and requirement."""
    allure_results.write(folder, found, {})
    raw = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return {f"{each['parameters'][0]['value']} {each['fullName'].partition('/')[2]}": each for each in raw}


def test_a_result_is_a_requirement_with_the_status_of_its_verdict(tmp_path: Path) -> None:
    found = report(samples.mixed())
    written = results(tmp_path / "allure-results", found)
    verdicts = {entry.id: entry for entry in found.targets[0].verdict.requirements}
    applicable = {name for name, entry in verdicts.items() if entry.verdict != "not_applicable"}
    assert {name.partition(" ")[2] for name in written} == applicable
    for name in applicable:
        entry, status = verdicts[name], written[f"otc-eu-de {name}"]["status"]
        if entry.verdict == "passed":
            assert status == "passed"
        elif entry.level != "MUST" or entry.verdict == "waived":
            assert status == "skipped"
        else:
            assert status == ("failed" if entry.verdict == "failed" else "broken")
    waived = written["otc-eu-de cancel.effect"]["statusDetails"]["message"]
    assert waived.startswith("Waived: Mended in release 7.2")


def test_behaviours_are_dialect_family_and_requirement(tmp_path: Path) -> None:
    found = results(tmp_path / "allure-results", report(samples.conformant()))["otc-eu-de cancel.not-pending.enabled"]
    labels = {label["name"]: label["value"] for label in found["labels"]}
    behaviour = [labels[name] for name in ("epic", "feature", "story")]
    assert behaviour == ["huawei", "cancel", "cancel.not-pending.enabled"]
    assert (labels["parentSuite"], labels["severity"]) == ("otc-eu-de", "critical")
    assert next(link["url"] for link in found["links"]).startswith("https://support.huaweicloud.com/")
    assert "Cancelling on an enabled key is refused" in found["name"]


def test_steps_are_checks_and_the_exchanges_they_rest_on(tmp_path: Path) -> None:
    folder = tmp_path / "allure-results"
    found = results(folder, report(samples.nonconformant()))["otc-eu-de schedule.window.start"]
    (check,) = found["steps"]
    assert (check["status"], check["statusDetails"]["message"].split("\n")[0]) == (
        "failed",
        "expected  a deletion date of 2026-01-22T09:30:15Z",
    )
    assert [step["name"] for step in check["steps"]] == ["21 · ScheduleKeyDeletion → 200", "22 · DescribeKey → 200"]
    text = (folder / check["steps"][0]["attachments"][0]["source"]).read_text()
    assert "> POST https://kms.eu-de.otc.example.com" in text
    assert "curl -sS" in text


def test_what_a_check_met_by_the_way_turns_nothing_else_red(tmp_path: Path) -> None:
    met = Judgement("error.shape", False, "a field error", "none", (14,))
    checks = [replace(c, outcome="failed", failures=(met,)) for c in samples.passing(samples.OTC, ["error.shape"])]
    written = results(tmp_path / "allure-results", report(samples.decided(samples.OTC, checks)))
    assert [name for name, each in written.items() if each["status"] == "failed"] == ["otc-eu-de error.shape"]


def test_ids_are_the_same_in_another_night_at_another_address_with_another_seed(tmp_path: Path) -> None:
    verdict, checks = samples.conformant()
    later = time_text(verdict.began + timedelta(days=1))
    moved = replace(verdict, base_url="http://127.0.0.1:4711", seed=5, started=later)
    first = results(tmp_path / "a", report((verdict, checks)))
    second = results(tmp_path / "b", report((moved, checks)))
    for name in ("historyId", "testCaseId", "fullName", "titlePath"):
        assert {key: each[name] for key, each in first.items()} == {key: each[name] for key, each in second.items()}
    assert len({each["historyId"] for each in first.values()}) == len(first)
    assert {each["uuid"] for each in first.values()} & {each["uuid"] for each in second.values()} == set()
    seed = next(iter(second.values()))["parameters"][1]
    assert seed == {"name": "seed", "value": "5", "excluded": True}


def timeless(node: Any) -> Any:
    """Without moments, which move with every requirement that the catalogue gets: of times, how long each took."""
    if isinstance(node, list):
        return [timeless(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {name: timeless(value) for name, value in node.items() if name not in ("start", "stop")}
    return kept | {"milliseconds": node["stop"] - node["start"]} if "stop" in node else kept


def test_the_library_writes_what_was_written_by_hand_before(tmp_path: Path) -> None:
    """The golden file was made by the release before the library's model took over, without what was empty."""
    stale = StaleWaiver(Waiver("cancel.*", "why", "me", date(2026, 1, 1), line=3), "It expired.", "Take it out.")
    folder = tmp_path / "allure-results"
    allure_results.write(folder, replace(report(samples.nonconformant()), stale=(stale,)), {})
    golden = json.loads((Path(__file__).parent / "golden" / "allure-results.json").read_text())
    written = {
        raw["fullName"]: (path, raw) for path in folder.glob("*-result.json") if (raw := json.loads(path.read_text()))
    }
    for name, expected in golden.items():
        path, raw = written[name]
        assert timeless(raw) == expected
        # The logger would draw a name, and the same run would give other files each time it is reported.
        assert path.name == f"{expected['uuid']}-result.json"


def test_every_field_is_one_of_allures_own(tmp_path: Path) -> None:
    """By the model of allure-python-commons, from which its own adaptors write."""
    found = results(tmp_path / "allure-results", report(samples.nonconformant()))[
        "otc-eu-de cancel.not-pending.enabled"
    ]
    step = found["steps"][0]
    for raw, model in (
        (found, model2.TestResult),
        (found["statusDetails"], model2.StatusDetails),
        (found["parameters"][0], model2.Parameter),
        (found["labels"][0], model2.Label),
        (found["links"][0], model2.Link),
        (step, model2.TestStepResult),
        (step["steps"][0]["attachments"][0], model2.Attachment),
    ):
        known = {attribute.name for attribute in model.__attrs_attrs__}
        assert set(raw) <= known, set(raw) - known


def test_whatever_an_endpoint_wrote_results_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "allure-results"
    written = results(folder, report(hostile()))
    assert "\x1b" not in json.dumps(written, ensure_ascii=False)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_stale_waiver_is_a_result_of_its_own(tmp_path: Path) -> None:
    stale = StaleWaiver(Waiver("cancel.*", "why", "me", date(2026, 1, 1), line=3), "It expired.", "Take it out.")
    folder = tmp_path / "allure-results"
    allure_results.write(folder, replace(report(samples.conformant()), stale=(stale,)), {})
    found = [
        raw for path in folder.glob("*-result.json") if (raw := json.loads(path.read_text()))["status"] == "failed"
    ]
    assert [each["statusDetails"]["message"] for each in found] == ["Waiver out of date, cancel.*: It expired."]


def installed(folder: Path, version: str) -> Path:
    """What `npm install allure` leaves, as far as it is looked at."""
    package = folder / "node_modules" / "allure"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "allure", "version": version}))
    (package / "cli.js").write_text("")
    return package / "cli.js"


@pytest.fixture
def node(tmp_path: Path) -> dict[str, str]:
    """A path with a node on it, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "node").write_text("#!/bin/sh\n")
    (folder / "node").chmod(0o755)
    return {"PATH": str(folder)}


def on_the_path(script: Path, folder: Path) -> None:
    """What `npm install -g allure` leaves."""
    (folder / "allure").symlink_to(script)
    script.chmod(0o755)


def test_allure_3_is_found_on_the_path(tmp_path: Path, node: dict[str, str]) -> None:
    assert find(node) is None
    script = installed(tmp_path / "global", "3.18.0")
    on_the_path(script, tmp_path / "bin")
    found = find(node)
    assert found is not None
    assert found.command == (str(tmp_path / "bin" / "node"), str(script))
    assert find({"PATH": ""}) is None, "without node there is nothing to start it with"


@pytest.mark.parametrize("version", ["2.46.1", "4.0.0"])
def test_another_allure_is_not_taken(tmp_path: Path, node: dict[str, str], version: str) -> None:
    on_the_path(installed(tmp_path, version), tmp_path / "bin")
    assert find(node) is None


def test_allure_is_found_where_its_user_says(tmp_path: Path, node: dict[str, str]) -> None:
    script = installed(tmp_path / "elsewhere", "3.1.0")
    assert find(node | {allure_report.VARIABLE: str(script)}) is not None


@pytest.mark.parametrize("relative", ["", ".", "node_modules/allure", "../x"])
def test_an_allure_that_lies_beside_or_above_a_report_is_never_started(
    tmp_path: Path, node: dict[str, str], monkeypatch: pytest.MonkeyPatch, relative: str
) -> None:
    """It may be somebody else's program: a folder of results travels."""
    here = tmp_path / "project" / "reports"
    for folder in (tmp_path / "project", here):
        script = installed(folder, "3.18.0")
        for place in (folder, script.parent):
            (place / "allure").symlink_to(script)
            (place / "node").symlink_to(tmp_path / "bin" / "node")
        script.chmod(0o755)
    monkeypatch.chdir(here)
    assert find(node) is None
    assert find({"PATH": os.pathsep.join([node["PATH"], relative])}) is None
    assert find({"PATH": relative}) is None


def test_allure_is_told_nothing_of_the_environment_but_what_node_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTC_TOKEN", "secret")
    monkeypatch.setenv("NODE_AUTH_TOKEN", "secret")
    monkeypatch.setenv("NODE_OPTIONS", "--max-old-space-size=4096")
    allure_results.write(tmp_path / "allure-results", report(samples.conformant()), {})
    told = "import os, sys; sys.exit(' '.join(sorted(os.environ)))"
    with pytest.raises(ReportError) as failed:
        build(Allure((sys.executable, "-c", told)), tmp_path)
    assert not {"OTC_TOKEN", "NODE_AUTH_TOKEN"} & set(failed.value.why.split())
    assert {"PATH", "NODE_OPTIONS", "KMS_CONFORMANCE_ALLURE_HISTORY"} <= set(failed.value.why.split())


def test_a_configuration_that_lies_in_a_folder_is_not_used_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tmp_path / "allurerc.mjs"
    foreign.write_text("import('node:fs').then(steal)")
    allure_results.write(tmp_path / "allure-results", report(samples.conformant()), {})
    told = Allure((sys.executable, "-c", "import sys; sys.exit(sys.argv[-3])"))
    with pytest.raises(ReportError) as failed:
        build(told, tmp_path)
    assert failed.value.why == "allurerc.kms-conformance.mjs"
    assert "steal" not in (tmp_path / failed.value.why).read_text()
    monkeypatch.setenv("KMS_CONFORMANCE_ALLURE_CONFIG", str(foreign))
    with pytest.raises(ReportError) as failed:
        build(told, tmp_path)
    assert failed.value.why == "allurerc.mjs"


# Writes a page as Allure does, and a point of the trends.
FAKE = """
import json, os, pathlib, sys
results = [json.loads(p.read_text()) for p in pathlib.Path("allure-results").glob("*-result.json")]
assert results and sys.argv[1] == "generate"
page = pathlib.Path("allure-report"); page.mkdir()
(page / "index.html").write_text('<script   src="data:text/javascript;base64,x"></script>'
    '<script async src="https://www.googletagmanager.com/gtag/js"></script><script>d("data")</script>')
point = {r["historyId"]: {"fullName": r["fullName"], "start": r["start"]} for r in results}
with open(os.environ["KMS_CONFORMANCE_ALLURE_HISTORY"], "a") as trends:
    trends.write(json.dumps({"testResults": point}) + "\\n")
"""


@pytest.fixture
def fake(tmp_path: Path) -> Allure:
    (tmp_path / "fake.py").write_text(FAKE)
    return Allure((sys.executable, str(tmp_path / "fake.py")))


def test_a_run_that_is_built_again_counts_once_in_the_trends(tmp_path: Path, fake: Allure) -> None:
    verdict, checks = samples.conformant()
    later = replace(verdict, started=time_text(verdict.began + timedelta(days=1)))
    trends = tmp_path / "kept" / "trends.jsonl"
    for each in ((verdict, checks), (verdict, checks), (later, checks), (later, checks)):
        allure_results.write(tmp_path / "run" / "allure-results", report(each), {})
        build(fake, tmp_path / "run", trends)
    assert len(trends.read_text().splitlines()) == 2


def test_the_environment_can_name_the_file_of_trends(
    tmp_path: Path, fake: Allure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMS_CONFORMANCE_ALLURE_HISTORY", str(tmp_path / "named.jsonl"))
    allure_results.write(tmp_path / "run" / "allure-results", report(samples.conformant()), {})
    build(fake, tmp_path / "run")
    assert (tmp_path / "named.jsonl").is_file()
    assert not (tmp_path / "run" / "allure-history.jsonl").exists()


def test_the_page_waits_for_its_data_and_tells_nobody(tmp_path: Path, fake: Allure) -> None:
    allure_results.write(tmp_path / "run" / "allure-results", report(samples.conformant()), {})
    page = build(fake, tmp_path / "run").read_text()
    assert page.startswith('<script defer src="data:text/javascript')
    assert "googletagmanager" not in page
    assert (tmp_path / "run" / "allure-history.jsonl").is_file()


def test_an_allure_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    allure_results.write(tmp_path / "allure-results", report(samples.conformant()), {})
    broken = Allure((sys.executable, "-c", "import sys; sys.exit('no memory left')"))
    with pytest.raises(ReportError, match="no memory left"):
        build(broken, tmp_path)


def test_a_check_says_when_it_began() -> None:
    assert "started" in {field.name for field in fields(samples.conformant()[1][0])}
