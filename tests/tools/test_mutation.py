"""The gate over the mutation tool: decorators written as calls, survivors matched with reasons, figures added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutation import accepted, report, stage
from tools.mutation.desugar import desugared
from tools.mutation.mutant import Change, Mutant

DECORATED = '''\
from functools import cache, cached_property


def twice(number):
    def wrap(function):
        return lambda *arguments: number * function(*arguments)

    return wrap


class Box:
    def __init__(self, size):
        self.size = size

    @property
    def area(self):
        """Its area."""
        return self.size**2

    @cached_property
    def volume(self):
        return self.size**3  # cubed

    @classmethod
    @cache
    def unit(cls):
        return cls(1)

    @staticmethod
    def name():
        return "box"


@twice(2)
@twice(
    3,
)
def add(one, other):
    return one + other
'''


def test_a_module_means_the_same_with_its_decorators_written_as_calls() -> None:
    plain = desugared(DECORATED)
    assert [line.strip() for line in plain.splitlines() if "@" in line] == ["@staticmethod"]
    for source in (DECORATED, plain):
        names: dict[str, object] = {}
        exec(source, names)  # noqa: S102 - the source above
        box = names["Box"](3)
        assert (box.area, box.volume, box.name(), names["add"](1, 4)) == (9, 27, "box", 30)
        assert names["Box"].unit() is names["Box"].unit()
        assert box.volume is box.volume


PACKAGE = stage.ROOT / "conformance" / "kms_conformance"
MUTATED = [path for path in PACKAGE.rglob("*.py") if stage.mutated(path.relative_to(PACKAGE.parent))]


def test_every_module_that_is_mutated_can_be_written_so() -> None:
    assert {"decide.py", "oracle.py", "answer.py", "redactor.py", "api.py"} <= {path.name for path in MUTATED}
    for path in MUTATED:
        compile(desugared(path.read_text(encoding="utf-8")), path.name, "exec")


CHANGE = Change("kms_conformance.x.f", "return 1", "return 2")
KILLED = Mutant("kms_conformance.x.x_f__mutmut_1", "kms_conformance/x.py", "killed")
SURVIVOR = Mutant("kms_conformance.x.x_f__mutmut_2", "kms_conformance/x.py", "survived", CHANGE)
UNREACHED = Mutant(
    "kms_conformance.y.x_g__mutmut_1",
    "kms_conformance/y.py",
    "no tests",
    Change("kms_conformance.y.g", "a", "b"),
)


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(accepted, "FILE", tmp_path / "survivors.yaml")
    return tmp_path / "survivors.yaml"


ENTRY = "- function: kms_conformance.x.f\n  reason: No difference.\n  changes:\n    - {was: return 1, now: return 2}\n"


def test_a_survivor_is_matched_by_function_and_change(listed: Path) -> None:
    listed.write_text(ENTRY)
    found = accepted.load()
    assert found == (accepted.Accepted("kms_conformance.x.f", "No difference.", (CHANGE,)),)
    assert accepted.unlisted([SURVIVOR, UNREACHED], found) == (UNREACHED,)
    assert accepted.outdated([SURVIVOR], found) == ()
    assert accepted.outdated([UNREACHED], found) == (CHANGE,)


def test_nothing_need_be_listed(listed: Path) -> None:
    listed.write_text("# nothing\n")
    assert accepted.load() == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ENTRY + ENTRY, "repeated change"),
        (ENTRY.replace("No difference.", '""'), "needs `function`, `reason` and `changes`"),
    ],
)
def test_a_survivor_is_listed_once_and_with_a_reason(listed: Path, text: str, says: str) -> None:
    listed.write_text(text)
    with pytest.raises(ValueError, match=says):
        accepted.load()


def test_the_repository_s_own_list_can_be_read() -> None:
    assert all(entry.reason and entry.changes for entry in accepted.load())


def test_hanging_and_crashing_are_seen_and_what_no_test_reaches_is_not() -> None:
    statuses = ("killed", "timeout", "segfault", "survived", "no tests", "not checked")
    assert [Mutant("n", "m", status).killed for status in statuses] == [True, True, True, False, False, False]
    assert not Mutant("n", "m", "not checked").decided
    assert SURVIVOR.decided
    assert KILLED.decided


def test_the_table_adds_up_by_module_and_together() -> None:
    assert report.table([KILLED, SURVIVOR, UNREACHED]).splitlines()[2:] == [
        "| `kms_conformance/x.py` | 2 | 1 | 1 | 50.0 |",
        "| `kms_conformance/y.py` | 1 | 0 | 1 | 0.0 |",
        "| **together** | 3 | 1 | 2 | 33.3 |",
    ]


def test_the_page_gives_each_survivor_its_reason(listed: Path) -> None:
    listed.write_text(ENTRY)
    page = report.page([KILLED, SURVIVOR], accepted.load(), seconds=600, floor=90)
    assert "- `x.f`: No difference." in page
    assert "below 90 % killed" in page
    assert "in 10 minutes:" in page
    assert "asked again" not in page
    assert "in 2 minutes; what survived at first was asked again" in report.page(
        [KILLED], (), seconds=120, floor=90, again=True
    )


def test_the_time_of_runs_that_complete_one_another_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_SPENT", tmp_path / "seconds")
    assert [stage.spend(600, anew=True), stage.spend(60, anew=False), stage.spend(5, anew=True)] == [600, 660, 5]


def test_the_copy_has_each_module_where_its_name_says_and_nothing_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, copy = tmp_path / "root", tmp_path / "copy"
    for name in ("conformance/kms_conformance/client/oracle.py", "specs/huawei/profiles.yaml", "tests/test_x.py"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("# new\n")
    (root / "tools").mkdir()
    (root / "pyproject.toml").write_text((stage.ROOT / "pyproject.toml").read_text())
    (copy / "kms_conformance").mkdir(parents=True)
    (copy / "kms_conformance" / "oracle.py").write_text("# moved since\n")
    monkeypatch.setattr(stage, "ROOT", root)
    monkeypatch.setattr(stage, "STAGE", copy)
    stage.prepare()
    assert {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()} == {
        "kms_conformance/client/oracle.py",
        "kms_conformance/_specs/huawei/profiles.yaml",
        "specs/huawei/profiles.yaml",
        "tests/test_x.py",
        "pyproject.toml",
    }
