"""Sealed files on a board, and before they are offered: tampered, unsigned, partial, old, of other code."""

from __future__ import annotations

import lzma
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "certificate"))
import sample_boards as boards
from forging import with_byte_changed
from sealing_runs import run

from kms_conformance.apps.board.build import build
from kms_conformance.apps.board.check import Review, check_sealed, review
from kms_conformance.apps.board.model import Board
from kms_conformance.apps.board.sealed import OpenedFile
from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.certify import certify
from kms_conformance.cli.sealed import SealedFileOpener
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError

KEPT = Path(__file__).parent.parent / "certificate" / "kept" / "d109d79"
FEW = ("-k", "test_entry.py or authentication and missing")


@dataclass(frozen=True)
class Sealed:
    """A signed file, the public key, and what was read of the file, which takes a second."""

    file: Path
    public: Path
    cache: Path

    def board(self, given: Path, out: Path, *trusted: Path, day: date | None = None) -> Board:
        opener = SealedFileOpener.of(trusted)
        return build([given], out, opener, day or date.today(), cache=self.cache)  # noqa: DTZ011 - a run of today


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    folder = tmp_path_factory.mktemp("sealed")
    keys.new_key(folder / "ours.pem")
    reports = run(folder / "run", "huawei", FEW, name="oak-kms-1.4")
    found = certify(reports, key=folder / "ours.pem")[0].path
    return Sealed(found.rename(folder / found.name), folder / "ours.pem.pub", folder / "cache")


def index(out: Path) -> str:
    return (out / "index.html").read_text(encoding="utf-8")


def test_a_file_that_verifies_is_shown_as_what_it_is(sealed: Sealed, tmp_path: Path) -> None:
    found = sealed.board(sealed.file, tmp_path / "site")
    run_ = found.products[0].tracks[0].newest.run
    assert (found.products[0].name, run_.card.version, run_.standing.name) == ("oak-kms", "1.4", "verified")
    # It claims a signature that nobody checked, and is a part of a run at smoke.
    assert "was not checked" in run_.standing.reasons[0]
    assert any("checks did not run" in why for why in run_.partial)
    row = index(tmp_path / "site").partition('class="evidence"><time')[2].partition("</tr>")[0]
    assert ("not signed" in row, "partial" in row) == (True, True)
    assert "#1a6a43" not in (tmp_path / "site/badges/oak-kms-huawei.svg").read_text()


def test_a_sealed_file_stands_for_the_reports_folder_that_it_lies_in(sealed: Sealed, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for name in (layout.RESULTS, layout.VERDICT):
        shutil.copy(sealed.file.parent / "run" / "reports" / name, given)
    assert sealed.board(given, tmp_path / "before").products[0].tracks[0].newest.run.standing.name == "report"
    shutil.copy(sealed.file, given)
    (given / "oak-kms-1.4.card.yaml").write_text(boards.CARD.format(product="Oak", version="1.4"))
    found = sealed.board(given, tmp_path / "after")
    assert [(each.name, each.tracks[0].newest.run.standing.name) for each in found.products] == [("Oak", "verified")]


def test_a_trusted_signature_takes_the_flag_away(sealed: Sealed, tmp_path: Path) -> None:
    found = sealed.board(sealed.file, tmp_path / "site", sealed.public)
    standing = found.products[0].tracks[0].newest.run.standing
    assert (standing.name, standing.reasons, len(standing.signer)) == ("verified", (), 64)
    assert "not signed" not in index(tmp_path / "site").partition("What stands behind")[0]


def test_old_evidence_is_called_old(sealed: Sealed, tmp_path: Path) -> None:
    sealed.board(sealed.file, tmp_path / "site", day=date.fromordinal(date.today().toordinal() + 400))  # noqa: DTZ011
    assert "old, 400 days" in index(tmp_path / "site")


@pytest.mark.parametrize("member", [layout.RESULTS, layout.EXCHANGES, "statement.dsse.json"])
def test_a_tampered_file_is_refused_with_the_reason(sealed: Sealed, member: str, tmp_path: Path) -> None:
    (tmp_path / sealed.file.name).write_bytes(with_byte_changed(sealed.file.read_bytes(), member))
    found = sealed.board(tmp_path / sealed.file.name, tmp_path / "site", sealed.public)
    assert found.products == ()
    assert [each.standing.name for each in found.not_shown] == ["refused"]
    text = index(tmp_path / "site")
    assert "Refused:" in text
    assert member.partition(".")[0] in text
    assert not list((tmp_path / "site" / "releases").iterdir())


def test_a_refused_file_changes_nothing_of_what_others_show(sealed: Sealed, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    shutil.copy(sealed.file, given / "a.partial.zip")
    sealed.board(given, tmp_path / "before")
    (given / "b.partial.zip").write_bytes(sealed.file.read_bytes()[:-50])
    found = sealed.board(given, tmp_path / "after")
    assert [each.source for each in found.not_shown] == ["given/b.partial.zip"]
    for page in (tmp_path / "before" / "releases").iterdir():
        assert page.read_bytes() == (tmp_path / "after" / "releases" / page.name).read_bytes()


@dataclass(frozen=True)
class _Opened:
    """Verifies nothing again: it takes a second."""

    opened: OpenedFile
    identity: str = ""

    def __call__(self, path: Path) -> OpenedFile:
        return self.opened


def test_a_file_of_other_code_is_shown_only_on_the_word_of_a_trusted_key(sealed: Sealed, tmp_path: Path) -> None:
    file = tmp_path / "huawei-signed.partial.zip"
    file.write_bytes(lzma.decompress((KEPT / "huawei-signed.partial.zip.xz").read_bytes()))
    opened = SealedFileOpener.of([KEPT / "huawei-signed.pem.pub"])(file)
    found = build([file], tmp_path / "site", _Opened(replace(opened, signed_by="")), date(2026, 12, 1))
    assert (found.products, found.not_shown[0].standing.name) == ((), "unjudged")
    assert "Not judged here:" in index(tmp_path / "site")
    trusted = build([file], tmp_path / "trusted", _Opened(opened), date(2026, 12, 1))
    run_ = trusted.products[0].tracks[0].newest.run
    assert run_.standing.name == "signed"
    assert "sealed by other code" in run_.standing.reasons[0]
    assert "signed claim" in index(tmp_path / "trusted").partition("What stands behind")[0]


# --- board check ------------------------------------------------------------------------------------------------------


def reviewed(file: Path, *trusted: Path, day: date | None = None) -> Review:
    return review(file, SealedFileOpener.of(trusted)(file), day or date.today())  # noqa: DTZ011 - a run of today


def told(found: Review) -> str:
    return "\n".join(remark.text for remark in found.remarks)


def test_the_review_names_all_that_is_missing(sealed: Sealed, tmp_path: Path) -> None:
    file = tmp_path / sealed.file.name
    shutil.copy(sealed.file, file)
    found = reviewed(file)
    assert found.exit_code == 1
    for wanted in ("oak-kms-1.4.card.yaml is missing", "It is a part of a run", "was not checked", "The file verifies"):
        assert wanted in told(found)
    card = file.with_name("oak-kms-1.4.card.yaml")
    card.write_text(boards.CARD.format(product="other", version="latest").replace("kms-conformance run", "run it"))
    found = reviewed(file, sealed.public, day=date.fromordinal(date.today().toordinal() + 100))  # noqa: DTZ011
    for wanted in ("names no release", "does not say how the suite was run", "100 days old", "Neither product nor"):
        assert wanted in told(found)
    assert "was not checked" not in told(found)


def test_the_review_of_a_tampered_file_is_that_it_does_not_verify(sealed: Sealed, tmp_path: Path) -> None:
    file = tmp_path / sealed.file.name
    file.write_bytes(with_byte_changed(sealed.file.read_bytes(), layout.VERDICT))
    found = reviewed(file)
    assert found.exit_code == 1
    assert "The file does not verify." in told(found)


def test_a_folder_is_told_to_be_sealed_first(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be offered"):
        check_sealed(tmp_path)
