"""`waivers write`: what failed in a reports folder becomes a file that a run uses once each reason is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kms_conformance.cli import cli
from kms_conformance.core.errors import UserMistake
from kms_conformance.verdict.waivers import load_waivers, parse_waivers

FIXED = ("--owner", "storage team", "--expires", "2099-03-31")


def write(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, ["waivers", "write", *map(str, arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def test_baseline_of_a_run_is_used_when_its_reasons_are_written(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    said = write(written / "nonconformant", *FIXED, "--output", path)
    assert "5 entries added, 0 renewed, 0 removed, 0 kept." in said
    with pytest.raises(UserMistake, match="Nobody has decided yet"):
        load_waivers(str(path))
    path.write_text(path.read_text().replace("reason: TODO", "reason: Mended in 7.2."))
    made = load_waivers(str(path))
    assert [waiver.requirement for waiver in made] == sorted(waiver.requirement for waiver in made)
    assert {waiver.targets for waiver in made} == {("otc-eu-de",)}
    assert "0 entries added, 0 renewed, 0 removed, 5 kept." in write(
        written / "nonconformant", *FIXED, "--merge", path, "--prune"
    )
    said = write(written / "conformant", *FIXED, "--merge", path, "--prune")
    assert "5 removed" in said
    assert "removed: error.shape (storage team, until 2099-03-31): nothing that it covers failed." in said
    assert load_waivers(str(path)) == ()


def test_without_a_failure_nothing_is_written(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no waiver is needed" in write(written / "conformant", *FIXED)
    assert list(tmp_path.iterdir()) == []


def test_file_is_printed_or_written_but_not_replaced(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(parse_waivers(write(written / "nonconformant", *FIXED, "--output", "-"), "w", undecided=True)) == 5
    write(written / "nonconformant", *FIXED)
    result = CliRunner().invoke(cli, ["waivers", "write", str(written / "nonconformant"), *FIXED])
    assert result.exit_code == 2
    assert "waivers.yaml exists" in result.output
    assert "--merge waivers.yaml" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--owner", "x", "--expires", "2020-01-01"), "is over"),
        (("--owner", "x", "--expires", "soon"), "Write it as YYYY-MM-DD"),
        (("--owner", " ", "--expires", "2099-01-01"), "somebody must answer"),
        (("--owner", "x" * 201, "--expires", "2099-01-01"), "somebody must answer"),
        (("--owner", "x"), "Missing option '--expires'"),
        ((*FIXED, "--prune"), "name it with --merge"),
    ],
)
def test_mistakes_are_told(written: Path, arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(cli, ["waivers", "write", str(written / "nonconformant"), *arguments])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_missing_files_are_told(written: Path, tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="Name the reports folder of a finished run"):
        write(tmp_path, *FIXED)
    with pytest.raises(UserMistake, match="leave --merge out"):
        write(written / "nonconformant", *FIXED, "--merge", tmp_path / "none.yaml")
