"""What a release needs: one version, a changelog with its section, builds of the same bytes. Short form of `release`"""

from __future__ import annotations

import subprocess
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kms_conformance import __version__
from kms_conformance.core import specs
from tools import release
from tools.release import ROOT, built_twice, changelog_problems

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GOOD = "# Changelog\n\n## Unreleased\n\n- a\n\n## 0.2.0 (2027-02-01)\n\n- b\n\n## 0.1.0 (2027-01-31)\n\n- c\n"


def said(text: str, *, released: bool = False) -> list[str]:
    return list(changelog_problems(text, "0.2.0", released=released))


def test_version_is_written_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert "version" not in PROJECT["project"]
    source = ROOT / PROJECT["tool"]["hatch"]["version"]["path"]
    assert f'\n__version__ = "{__version__}"\n' in source.read_text(encoding="utf-8")


def test_changelog_is_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert list(changelog_problems(text, __version__, released=False)) == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("", ""), ""),
        (("## Unreleased\n\n- a\n\n", ""), ""),
        (("- a\n", ""), "CHANGELOG.md says nothing under Unreleased."),
        (("- c\n", ""), "CHANGELOG.md says nothing under 0.1.0 (2027-01-31)."),
        (("0.2.0 (2027-02-01)", "0.2.0"), "CHANGELOG.md has a section 0.2.0. Write ## VERSION (YYYY-MM-DD)."),
        (("2027-02-01", "2027-02-30"), "CHANGELOG.md has a section 0.2.0 (2027-02-30). Write ## VERSION (YYYY-MM-DD)."),
        (("0.1.0 (2", "0.3.0 (2"), "CHANGELOG.md has 0.3.0 (2027-01-31) below a section that is not newer."),
        (("2027-01-31", "2027-02-02"), "CHANGELOG.md has 0.1.0 (2027-02-02) below a section that is not newer."),
        (("0.1.0 (2027-01-31)", "Unreleased"), "CHANGELOG.md has a section Unreleased. Write ## VERSION (YYYY-MM-DD)."),
    ],
)
def test_headings_are_checked(change: tuple[str, str], wrong: str) -> None:
    assert said(GOOD.replace(*change)) == ([wrong] if wrong else [])


def test_release_has_a_section_of_its_own_on_top() -> None:
    assert said(GOOD.replace("## Unreleased\n\n- a\n\n", ""), released=True) == []
    [missing] = said(GOOD, released=True)
    assert missing.startswith("CHANGELOG.md begins with Unreleased. Name the section of this release: ## 0.2.0 (")


def test_what_stands_against_a_release_is_told_and_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "one"), ("tag", f"v{__version__}")):
        git(tmp_path, *command)
    git(tmp_path, "commit", "-qm", "two", "--allow-empty")
    (tmp_path / "more").touch()
    monkeypatch.setattr(release.problems, "__defaults__", (tmp_path,))
    assert release.main(["--dist", str(tmp_path / "dist")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 + len(specs.dialects())
    assert "CHANGELOG.md begins with nothing." in lines[0]
    assert "1 files differ from the commit. Commit or remove them." in lines[-2]
    assert f"The tag v{__version__} names another commit." in lines[-1]
    assert not (tmp_path / "dist").exists()


def git(folder: Path, *arguments: str) -> None:
    author = [word for name in ("name", "email") for word in ("-c", f"user.{name}=someone")]
    subprocess.run(["git", *author, "-c", "commit.gpgsign=false", *arguments], cwd=folder, check=True)


def test_tools_of_the_build_are_those_that_it_declares() -> None:
    declared = {str(Requirement(each)) for each in PROJECT["build-system"]["requires"]}
    assert declared <= {str(Requirement(each)) for each in PROJECT["project"]["optional-dependencies"]["dev"]}


def test_wheel_is_the_same_wherever_it_is_built(tmp_path: Path) -> None:
    """A wheel takes 0.3 s; the sdist and what is installed from both: `tox run -e release`."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install '.[dev]'")
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, whose commit could be exported")
    first, second = built_twice(ROOT, tmp_path, "wheel")
    assert list(first) == [f"kms_conformance-{__version__}-py3-none-any.whl"]
    assert first == second
    with zipfile.ZipFile(BytesIO(*first.values())) as wheel:
        names = set(wheel.namelist())
    assert {"kms_conformance/_specs/huawei/requirements.yaml", "kms_conformance/suite/pytest.ini"} <= names
    assert all(name.startswith(("kms_conformance/", f"kms_conformance-{__version__}.dist-info/")) for name in names)
