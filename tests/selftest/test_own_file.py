"""A user's file of faults: what is wrong with it is said before the first run; the example of the page runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kms_conformance.apps.selftest import own
from kms_conformance.apps.selftest.own_file import OwnFileMistake, load_own
from kms_conformance.apps.selftest.plan import own as own_tasks

EXAMPLE = Path(__file__).parents[2] / "examples" / "faults" / "my_faults.py"
HEAD = "from kms_conformance.apps.selftest.own import *\n"


def one(fields: str) -> str:
    """A file with one fault that has these further fields."""
    return f"FAULTS = (Fault(name='one', title='One.', {fields}),)"


MISTAKES = {
    "empty": ("", "has neither FAULTS nor VARIANTS"),
    "nothing in it": ("FAULTS = ()", "has no fault and no variant"),
    "syntax": ("FAULTS = (", "is no Python of this version"),
    "error": ("x = 1\nraise LookupError('no such thing')", "LookupError: no such thing, in line 3"),
    "exit": ("raise SystemExit(0)", "fails when it is run"),
    "missing import": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere', in line 2"),
    "one fault": ("FAULTS = Fault(name='one', title='One.')", "is one Fault, not several"),
    "a text": ("FAULTS = 'one'", "is of the type str"),
    "a number": ("FAULTS = 7", "is of the type int"),
    "a class": ("FAULTS = (Decisions,)", "Entry 1 of FAULTS in"),
    "a variant": ("FAULTS = (Variant(name='one', title='One.'),)", "is of the type Variant"),
    "no name": ("FAULTS = (Fault(name='', title='One.'),)", "has a `name` that is not usable"),
    "lacking fields": ("FAULTS = (Fault(name='one'),)", "missing 1 required positional argument: 'title'"),
    "same name": (
        one("") + "\nVARIANTS = (Variant(name='one', title='One.'),)",
        "have the name 'one'",
    ),
    "dialect": (one('dialects=("huawai",)'), "Did you mean `huawei`?"),
    "dialect as text": (one('dialects="aws"'), "a tuple of texts; one text needs a comma"),
    "no dialect": (one("dialects=()"), "at least one dialect"),
    "requirement": (one('requirements={"cancel.efect"}'), "Did you mean `cancel.effect"),
    "requirement of another dialect": (
        one('requirements={"cancel.keeps.grants"}, dialects=("aws", "huawei")'),
        "can never be found in huawei",
    ),
    "family": (one('families=("cancle",)'), "Did you mean `cancel`?"),
    "decision as object": (one('decisions=(Decisions(Rules.of("aws")),)'), "subclasses of"),
    "same decision twice": (one("decisions=(Decisions, Decisions)"), "cannot be combined"),
    "filter": (one('filters=("no",)'), "a tuple of functions"),
    "severity": (one('severity="bad"'), "Known: critical, major, minor."),
    "tier": (one('tier="all"'), "Known: smoke, standard, nightly."),
    "profile": (one('profile="otc", dialects=("aws",)'), "no such entry of `profile` of aws"),
    "auth": (one('auth="basic", dialects=("aws",)'), "no such entry of `auth` of aws"),
    "foreign keys": (one("foreign_keys=-1"), "a whole number from 0 on"),
}


@pytest.mark.parametrize("text_and_message", MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_told_in_three_lines(tmp_path: Path, text_and_message: tuple[str, str]) -> None:
    text, message = text_and_message
    path = tmp_path / "faults.py"
    path.write_text(HEAD + text + "\n", encoding="utf-8")
    with pytest.raises(OwnFileMistake) as found:
        load_own(path)
    told = str(found.value)
    assert message in told
    assert len(told.splitlines()) == 3
    assert all(line.strip() for line in told.splitlines())


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_what_is_no_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(OwnFileMistake, match="cannot be read"):
        load_own(tmp_path / name)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "faults.py"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OwnFileMistake, match="is no Python"):
        load_own(path)


def test_a_file_may_import_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_faults.py").write_text("TITLE = 'From beside.'\n", encoding="utf-8")
    path = tmp_path / "faults.py"
    text = "from neighbour_of_faults import TITLE\nFAULTS = [Fault(name='one', title=TITLE)]\n"
    path.write_text(HEAD + text, encoding="utf-8")
    assert load_own(path).fault("one").title == "From beside."


def test_a_fault_that_names_no_requirement_has_a_whole_run_in_each_dialect(tmp_path: Path) -> None:
    path = tmp_path / "faults.py"
    path.write_text(HEAD + "FAULTS = (Fault(name='one', title='One.'),)\n", encoding="utf-8")
    tasks = list(own_tasks(path))
    assert [task.dialect for task in tasks] == list(own.ALL)
    assert all(task.kind == "own" and task.whole and task.tier == "smoke" for task in tasks)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("task", list(own_tasks(EXAMPLE)), ids=str)
def test_example_goes_as_the_page_says(task) -> None:
    assert task.run().problem == ""


def test_every_public_name_is_exported() -> None:
    assert sorted(own.__all__) == sorted(name for name in vars(own) if name[0].isalpha() and name != "annotations")
