"""The board of reports folders: what its pages say follows from the folders, and from nothing else."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import date
from pathlib import Path

import pytest
import sample_boards as boards
from sample_boards import samples

from kms_conformance.apps.board.build import build
from kms_conformance.apps.board.card import card_of_name, example, read_card
from kms_conformance.apps.board.history import changes, since, version_key
from kms_conformance.apps.board.model import Board, Track
from kms_conformance.apps.board.render import MOST_BYTES
from kms_conformance.cli.sealed import SealedFileOpener
from kms_conformance.report.files import ReportError
from kms_conformance.report.schemas import validate

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))
from pagecheck import Page

DAY = date(2026, 5, 1)
OPENER = SealedFileOpener()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return boards.write(tmp_path_factory.mktemp("board") / "reports")


@pytest.fixture(scope="module")
def built(reports: Path) -> tuple[Board, Path]:
    out = reports.parent / "site"
    return build([reports], out, OPENER, DAY), out


@pytest.fixture(scope="module")
def pages(built: tuple[Board, Path]) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(built[1].rglob("*.html"))}


def track(board: Board, product: str, dialect: str = "huawei") -> Track:
    found = next(each for each in board.products if each.name == product)
    return next(each for each in found.tracks if each.dialect == dialect)


def html(out: Path, name: str) -> str:
    return (out / name).read_text(encoding="utf-8")


def bytes_of(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_releases_are_ordered_as_versions_and_dialects_are_kept_apart(built: tuple[Board, Path]) -> None:
    board, _ = built
    assert [release.version for release in track(board, "alder").releases] == ["1.0.0", "1.1.0", "1.2.0", "1.10.0"]
    assert [release.version for release in track(board, "fir").releases] == ["3.0rc1", "3.0", "3.1", "3.2"]
    assert [release.version for release in track(board, "elm-kms", "alibaba").releases] == ["6.0"]
    assert sorted(["main", "1.10", "1.9", "1.10rc1"], key=version_key) == ["1.9", "1.10rc1", "1.10", "main"]
    assert board.not_shown == ()


def test_every_page_is_sound_and_small_and_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert len(pages) > 40
    broken = []
    for path, page in pages.items():
        assert path.stat().st_size <= MOST_BYTES
        own = [p for p in page.problems if not p.startswith(("a link to ", "the policy does not admit '["))]
        assert [p for p in own if not p.startswith("the policy does not admit '{")] == [], path
        for link in page.links:
            if link.startswith("https://"):
                continue
            name, _, anchor = link.partition("#")
            to = (path.parent / name).resolve()
            fits = to.is_file() and (not anchor or (to in pages and anchor in pages[to].ids))
            broken += [] if fits else [f"{path.name}: {link}"]
    assert broken == []


def test_since_when_something_fails_follows_from_the_releases(built: tuple[Board, Path]) -> None:
    board, out = built
    beech = since(track(board, "beech"))
    assert (beech["2.3"]["cancel.not-pending.enabled"].version, beech["2.3"]["cancel.not-pending.enabled"].after) == (
        "2.1",
        "2.0",
    )
    assert beech["2.3"]["schedule.window.below-minimum"].version == "2.3"
    # An endpoint that did not answer was not judged: it neither begins nor breaks a row.
    assert "cancel.uri" not in since(track(board, "alder"))["1.0.0"]
    text = Page(html(out, "releases/beech-2.3-huawei.html")).text
    assert "Fails since 2.1; held in 2.0." in " ".join(text.split())


def test_changes_between_releases_are_named_with_other_causes(built: tuple[Board, Path]) -> None:
    board, _ = built
    newest, *_ = changes(track(board, "alder"))
    assert (newest.before, newest.after) == ("1.2.0", "1.10.0")
    assert set(newest.mended) >= {"cancel.not-pending.enabled", "schedule.window.below-minimum"}
    assert newest.newly_failing == newest.cautions == ()


def test_a_cell_says_what_fails_and_is_never_a_percentage(built: tuple[Board, Path], pages: dict[Path, Page]) -> None:
    _, out = built
    index = html(out, "index.html")
    assert 'href="releases/beech-2.3-huawei.html#family-cancel"' in index
    assert "beech, cancel: 1 fails, 1 fails without effect" in index
    assert not [path for path, page in pages.items() if "%" in page.text]


def test_waived_failures_are_failures(built: tuple[Board, Path]) -> None:
    _, out = built
    raw = json.loads(html(out, "releases/cedar-0.4-huawei.json"))
    waived = next(found for found in raw["requirements"] if found["id"] == "cancel.uri")
    assert (waived["verdict"], waived["state"]) == ("waived", "failed")


def test_from_a_failed_row_to_exchange_curl_and_document(built: tuple[Board, Path]) -> None:
    _, out = built
    page = html(out, "releases/beech-2.3-huawei.html")
    row = page.partition('id="cancel.not-pending.enabled"')[2].partition("</details>")[0]
    assert all(wanted in row for wanted in ("400 KMS.1501", "Exchange 14", "curl -sS", "https://support.huaweicloud"))


def test_ages_are_those_of_the_given_day(built: tuple[Board, Path], reports: Path, tmp_path: Path) -> None:
    board, out = built
    assert board.age(track(board, "beech").newest.run) == 16
    assert "old, " not in html(out, "index.html").partition("What stands behind")[0]
    old = build([reports / "beech-2.3"], tmp_path / "old", OPENER, date(2027, 5, 1))
    assert old.is_old(track(old, "beech").newest.run)
    assert "old, 381 days" in html(tmp_path / "old", "index.html")


def test_equal_inputs_give_equal_bytes_with_and_without_a_cache(reports: Path, tmp_path: Path) -> None:
    given = [reports / "beech-2.3", reports / "elm-ali", reports / "cedar-0.3"]
    build(given, tmp_path / "plain", OPENER, DAY)
    for name in ("first", "second"):
        build(given[::-1], tmp_path / name, OPENER, DAY, cache=tmp_path / "cache")
        assert bytes_of(tmp_path / name) == bytes_of(tmp_path / "plain")


def test_an_earlier_board_is_replaced_and_nothing_else(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    build([reports / "fir-3.2", reports / "beech-2.0"], out, OPENER, DAY)
    build([reports / "fir-3.2"], out, OPENER, DAY)
    assert [path.name for path in (out / "products").iterdir()] == ["fir.html"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ReportError, match="holds files that are not those of a board"):
        build([reports / "fir-3.2"], tmp_path / "mine", OPENER, DAY)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_folder_that_contradicts_itself_is_refused_and_shows_nothing(reports: Path, tmp_path: Path) -> None:
    edited = tmp_path / "given" / "fir"
    shutil.copytree(reports / "beech-2.3", edited)
    for name in ("results.json", "verdict.json"):
        text = (edited / name).read_text().replace('"result": "nonconformant"', '"result": "conformant"')
        (edited / name).write_text(text)
    board = build([tmp_path / "given"], tmp_path / "site", OPENER, DAY)
    assert board.products == ()
    assert [found.standing.name for found in board.not_shown] == ["refused"]
    text = " ".join(Page(html(tmp_path / "site", "index.html")).text.split())
    assert "Refused: given/fir" in text
    assert "contradicts itself" in text


def test_what_is_no_result_is_a_mistake(tmp_path: Path) -> None:
    for given in (tmp_path / "missing", tmp_path):
        with pytest.raises(ReportError, match="cannot be shown on a board"):
            build([given], tmp_path / "site", OPENER, DAY)


def test_hostile_words_reach_no_page_as_markup(reports: Path, tmp_path: Path) -> None:
    bad = '</script><img src=x onerror="alert(1)">'
    folder = tmp_path / "given"
    shutil.copytree(reports / "beech-2.3", folder)
    for name in ("results.json", "verdict.json"):
        text = (folder / name).read_text().replace("https://kms.eu-de.otc.example.com", json.dumps(bad)[1:-1])
        (folder / name).write_text(text)
    card = boards.CARD.format(product="beech", version="2.3").replace("beech makers", f"'{bad}'")
    (folder / "card.yaml").write_text(card.replace("product: beech", f"product: '{bad[:50]}'"))
    build([folder], tmp_path / "site", OPENER, DAY)
    for page in (tmp_path / "site").rglob("*.html"):
        assert "<img src=x" not in page.read_text()
        found = Page(page.read_text())
        assert [p for p in found.problems if "admit" not in p and "a link to " not in p] == [], page
    assert all("<img" not in path.read_text() for path in (tmp_path / "site").rglob("*.svg"))


def test_several_results_of_one_release_are_told_and_disputes_marked(reports: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    shutil.copytree(reports / "elm-kms-6.0", given / "good")
    boards.save(given / "bad", "nonconformant", "elm-kms-6.0", started="2026-03-01T00:00:00Z")
    shutil.copytree(given / "good", given / "the-same-again")
    board = build([given], tmp_path / "site", OPENER, DAY)
    release = track(board, "elm-kms").newest
    assert [run.source for run in release.runs] == ["given/good", "given/bad"]
    assert "cancel.not-pending.enabled" in release.disputed
    page = Page(html(tmp_path / "site", "releases/elm-kms-6.0-huawei.html")).text
    assert "They disagree in" in page
    assert "disputed" in page


def test_json_is_valid_and_holds_what_the_pages_show(built: tuple[Board, Path]) -> None:
    _, out = built
    whole = json.loads(html(out, "board.json"))
    validate(whole, "board", "board.json")
    names = [release["json"] for p in whole["products"] for t in p["tracks"] for release in t["releases"]]
    assert len(names) == 24
    for name in names:
        validate(json.loads(html(out, name)), "board-release", name)


def test_a_card_is_read_or_its_problems_are_told(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    assert read_card(path) is None
    path.write_text(example())
    found = read_card(path)
    assert found is not None
    assert found.card is not None
    assert found.card.version == "2.10"
    path.write_text("product: x\nversion: 2.10\nvendor: y\ncontact: javascript:alert(1)\nurl: z\n")
    found = read_card(path)
    assert found is not None
    assert found.card is None
    told = "\n".join(found.problems)
    assert all(
        said in told
        for said in (
            "`version` must be a text in quotes",
            "`contact` must be",
            "`url` is not a field",
            "`reproduce` is missing",
        )
    )


def test_a_result_without_a_card_is_named_by_its_target() -> None:
    assert card_of_name("moto-5.2.5", "2026-01-01").version == "5.2.5"
    assert card_of_name("aws-local-run-1.1.0", "2026-01-01").product == "aws-local-run"
    assert (card_of_name("otc-eu-de", "2026-01-01").product, card_of_name("otc-eu-de", "2026-01-01").version) == (
        "otc-eu-de",
        "2026-01-01",
    )


def test_a_badge_is_green_only_for_what_is_sealed(built: tuple[Board, Path]) -> None:
    _, out = built
    good = json.loads(html(out, "badges/alder-huawei.json"))
    assert good["message"].startswith("1.10.0, conformant, standard, 2026-04-15, not sealed")
    assert good["color"] == "#4a4f57"
    assert json.loads(html(out, "badges/beech-huawei.json"))["color"] == "#a61e1e"
    assert samples.RUN.tier == "standard"
