from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples
from pagecheck import Page

from conformance.reporting.certificate import certify, seal
from conformance.reporting.errors import ReportError
from conformance.reporting.verify import verify
from conformance.reporting.write import write

ISSUED = datetime(2026, 2, 1, 8, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory, written: Path) -> Path:
    directory = tmp_path_factory.mktemp("certified")
    shutil.copytree(written / "conformant", directory, dirs_exist_ok=True)
    (directory / "junit.xml").write_text("<testsuites/>")
    certify(directory, issued=ISSUED)
    return directory


@pytest.fixture
def sealed(tmp_path: Path, certified: Path) -> Path:
    """The folder of a certified target, to be tampered with."""
    shutil.copytree(certified, tmp_path, dirs_exist_ok=True)
    return tmp_path


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, indent=2) + "\n")


def problems(path: Path) -> str:
    return "\n".join(verify(path).problems)


def test_a_conformant_target_is_certified(sealed: Path) -> None:
    document = json.loads((sealed / "certificate.json").read_text())
    assert document["issued"] == "2026-02-01T08:00:00Z"
    assert document["result"] == "conformant"
    assert set(document["files"]) == {"verdict.json", "results.json", "index.html", "junit.xml"}
    assert document["counts"]["MUST"]["passed"] == 92
    found = verify(sealed)
    assert found.holds
    assert found == verify(sealed / "certificate.json")
    assert "no signature" in str(found)


def test_the_page_is_sound_and_says_what_the_certificate_says(sealed: Path) -> None:
    page = Page((sealed / "certificate.html").read_text())
    assert page.problems == []
    document = json.loads((sealed / "certificate.json").read_text())
    for part in ("otc-eu-de", "Conformant", "no signature", document["seal"], *document["files"].values()):
        assert part in page.text


def test_waived_failures_stand_on_the_certificate(tmp_path: Path) -> None:
    reason = "Accepted <b>until</b> \x1b[31m March."
    checks = [*samples.passing(samples.OTC, ["cancel.effect"]), samples.failing(samples.OTC, "cancel.effect")]
    write(tmp_path, [samples.decided(samples.OTC, checks, [samples.waiver("cancel.effect", reason)])])
    certify(tmp_path)
    page = Page((tmp_path / "certificate.html").read_text())
    assert page.problems == []
    assert "Accepted <b>until</b> \\x1b[31m March." in page.text
    assert "hold, but for 1 failure that a waiver accepts" in page.text
    assert verify(tmp_path).holds


def test_each_of_several_targets_has_its_own(tmp_path: Path) -> None:
    write(tmp_path, [samples.conformant(), samples.conformant(samples.ALI)])
    assert certify(tmp_path) == (tmp_path / "otc-eu-de/certificate.json", tmp_path / "ali-hangzhou/certificate.json")
    assert all(verify(tmp_path / name).holds for name in ("otc-eu-de", "ali-hangzhou"))
    (tmp_path / "results.json").write_text("{}")
    assert "../results.json: its digest is" in problems(tmp_path / "otc-eu-de")


def test_of_several_targets_a_conformant_one_is_certified_alone(tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "several", tmp_path, dirs_exist_ok=True)
    with pytest.raises(ReportError, match="otc-eu-de cannot be certified: it is inconclusive"):
        certify(tmp_path)
    assert not list(tmp_path.rglob("certificate.*"))
    assert certify(tmp_path / "ali-hangzhou") == (tmp_path / "ali-hangzhou/certificate.json",)


@pytest.mark.parametrize("sample", ["nonconformant", "inconclusive"])
def test_nothing_else_than_conformance_is_certified(sample: str, written: Path) -> None:
    with pytest.raises(ReportError) as caught:
        certify(written / sample)
    assert f"it is {sample}" in caught.value.what
    assert "index.html" in caught.value.hint


@pytest.mark.parametrize("name", ["verdict.json", "results.json"])
def test_a_folder_with_a_missing_file_is_not_certified(name: str, tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "conformant", tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    with pytest.raises(ReportError, match="is missing"):
        certify(tmp_path)


def test_a_verdict_whose_counts_contradict_its_result_is_not_certified(tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "nonconformant", tmp_path, dirs_exist_ok=True)
    edit(tmp_path / "verdict.json", lambda verdict: verdict.update(result="conformant"))
    edit(tmp_path / "results.json", lambda results: results["targets"][0]["verdict"].update(result="conformant"))
    with pytest.raises(ReportError, match="makes it nonconformant"):
        certify(tmp_path)


def test_an_invalid_verdict_is_not_certified(tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "conformant", tmp_path, dirs_exist_ok=True)
    edit(tmp_path / "verdict.json", lambda verdict: verdict.update(tier="heroic"))
    with pytest.raises(ReportError, match=r"verdict\.schema\.json"):
        certify(tmp_path)


def test_a_folder_of_another_run_is_not_certified(tmp_path: Path, written: Path) -> None:
    shutil.copytree(written / "several", tmp_path, dirs_exist_ok=True)
    shutil.copytree(tmp_path / "ali-hangzhou", tmp_path / "stray")
    with pytest.raises(ReportError, match="does not have it"):
        certify(tmp_path / "stray")


@pytest.mark.parametrize("name", ["verdict.json", "results.json", "index.html", "junit.xml"])
def test_any_change_to_a_sealed_file_is_seen(name: str, sealed: Path) -> None:
    with (sealed / name).open("ab") as file:
        file.write(b" ")
    assert f"{name}: its digest is sha256:" in problems(sealed)
    (sealed / name).unlink()
    assert f"{name}: {sealed / name} is missing." in problems(sealed)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda c: c.update(issued="2027-01-01T00:00:00Z"), "its content has the seal"),
        (lambda c: c.update(seal="sha256:" + "0" * 64), "its content has the seal"),
        (lambda c: c["target"].update(name="other"), "target.name: the certificate says 'other'"),
        (lambda c: c["target"].update(base_url="https://other"), "target.base_url"),
        (lambda c: c["target"].update(profile="lenient"), "target.profile"),
        (lambda c: c["suite"].update(version="9.9"), "suite.version"),
        (lambda c: c["suite"].update(specs_digest="sha256:" + "0" * 64), "suite.specs_digest"),
        (lambda c: c["run"].update(tier="nightly"), "run.tier: the certificate says 'nightly'"),
        (lambda c: c["run"].update(started="2027-01-01T00:00:00Z"), "run.started"),
        (lambda c: c["run"].update(requests=1), "run.requests"),
        (lambda c: c["counts"]["MUST"].update(passed=93), "counts.MUST.passed: the certificate says 93"),
        (lambda c: c["waived"].update({"cancel.effect": "no reason"}), "waived.cancel.effect"),
        (lambda c: c["files"].pop("junit.xml"), "its content has the seal"),
        (lambda c: c["files"].update({"verdict.json": "sha256:" + "0" * 64}), "verdict.json: its digest is"),
    ],
)
def test_any_change_to_the_certificate_is_seen(
    change: Callable[[dict[str, Any]], object], what: str, sealed: Path
) -> None:
    edit(sealed / "certificate.json", change)
    assert what in problems(sealed)
    assert "does not hold" in str(verify(sealed))


def test_a_change_that_is_sealed_again_still_contradicts_the_verdict(sealed: Path) -> None:
    def forge(certificate: dict[str, Any]) -> None:
        certificate["counts"]["MUST"]["passed"] = 97
        certificate["target"]["base_url"] = "https://other"
        certificate["seal"] = seal(certificate)

    edit(sealed / "certificate.json", forge)
    found = problems(sealed)
    assert "its content has the seal" not in found
    assert "counts.MUST.passed: the certificate says 97, verdict.json says 92." in found
    assert "target.base_url" in found


def test_an_edited_page_is_seen(sealed: Path) -> None:
    page = sealed / "certificate.html"
    page.write_text(page.read_text().replace("otc-eu-de", "another-cloud"))
    assert problems(sealed) == "certificate.html: it is not the page of this certificate."
    page.unlink()
    assert verify(sealed).holds


def test_certificates_of_other_specs_and_versions_are_noted(sealed: Path) -> None:
    def age(document: dict[str, Any]) -> None:
        document["suite"] = {"version": "0.0.1", "specs_digest": "sha256:" + "0" * 64}

    edit(sealed / "certificate.json", age)
    notes = "\n".join(verify(sealed).notes)
    assert "It rests on other specs" in notes
    assert "certificate.html was not compared" in notes


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(result="nonconformant"),
        lambda c: c.pop("seal"),
        lambda c: c["files"].update({"../../etc/passwd": "sha256:" + "0" * 64}),
        lambda c: c["files"].update({"/etc/passwd": "sha256:" + "0" * 64}),
        lambda c: c["files"].update({"..": "sha256:" + "0" * 64}),
    ],
)
def test_what_is_no_certificate_is_refused(change: Callable[[dict[str, Any]], object], sealed: Path) -> None:
    edit(sealed / "certificate.json", change)
    with pytest.raises(ReportError, match=r"certificate\.schema\.json"):
        verify(sealed)


def test_a_folder_without_a_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="is missing"):
        verify(tmp_path)
