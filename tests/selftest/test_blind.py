"""The blind sets agree with the catalogues, stand apart from the other trials, and keep their first results."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from kms_conformance.apps.selftest.blind.first_look import first_look
from kms_conformance.apps.selftest.blind.sets import BLIND_FAULTS, BLIND_SETS, BLIND_VARIANTS, BlindSet
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.plan import everything, written_blind
from kms_conformance.apps.selftest.variants import VARIANTS
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs

PAGE = Path(__file__).parents[2] / "docs" / "blind-faults.md"
FEWEST = 60


EACH = pytest.mark.parametrize("one", BLIND_SETS, ids=[one.name for one in BLIND_SETS])


@pytest.mark.parametrize("subjects", [BLIND_FAULTS, BLIND_VARIANTS], ids=["faults", "variants"])
def test_every_subject_has_one_name_in_a_dialect(subjects) -> None:
    counted = Counter((subject.name, dialect) for subject in subjects for dialect in subject.dialects)
    assert [case for case, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("dialect", specs.emulated())
def test_two_sets_and_more_have_enough_faults(dialect: str) -> None:
    """A set whose yardstick is public reports is smaller than one that an author thought out."""
    sizes = [sum(dialect in fault.dialects for fault in one.faults) for one in BLIND_SETS]
    assert sum(size >= FEWEST for size in sizes) >= 2


@pytest.mark.parametrize("dialect", specs.emulated())
def test_faults_name_requirements_of_their_dialects(dialect: str) -> None:
    catalogue = Catalogue.load(dialect)
    lost = [
        fault.name
        for fault in BLIND_FAULTS
        if dialect in fault.dialects and not any(name in catalogue for name in fault.requirements)
    ]
    assert lost == []


def test_blind_sets_stand_apart() -> None:
    written = {subject.name for subject in (*BLIND_FAULTS, *BLIND_VARIANTS)}
    assert not written & {subject.name for subject in (*FAULTS, *VARIANTS)}
    assert not written & {task.name for task in everything(1, 1, 0)}
    assert written == {task.name for task in written_blind()}
    assert all(task.whole and task.final and task.tier == "smoke" for task in written_blind())


@EACH
@pytest.mark.parametrize("kind", ["faults", "variants"])
def test_first_looks_are_at_subjects_of_the_sets(kind, one: BlindSet) -> None:
    subjects = one.faults if kind == "faults" else one.variants
    written = {(subject.name, dialect) for subject in subjects for dialect in subject.dialects}
    looks = [(look.name, look.dialect) for look in first_look(kind, one.name).looks]
    assert len(looks) == len(set(looks))
    assert set(looks) <= written


def test_the_page_has_the_rates_of_the_first_set_and_every_survivor() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind in ("faults", "variants"):
        look = first_look(kind)
        rows = re.findall(rf"^\| {kind} \| (\w+) \| (\d+) of (\d+) \|", text, re.MULTILINE)
        assert rows == [
            (dialect, *map(str, look.rate(dialect))) for dialect in specs.emulated() if look.rate(dialect)[1]
        ]
    missed = {look.name for kind in ("faults", "variants") for look in first_look(kind).looks if not look.held}
    assert missed <= set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def test_the_page_has_the_rates_of_the_second_set() -> None:
    text = PAGE.read_text(encoding="utf-8").split("## The second set")[1]
    faults, variants = (first_look(kind, "second") for kind in ("faults", "variants"))
    for dialect in specs.emulated():
        row = re.search(rf"^\| {dialect} \| (\d+) \| (\d+) \| [^|]+ \| (\d+) \| (\d+) \|", text, re.MULTILINE)
        assert row is not None
        (detected, tried), (spared, seen) = faults.rate(dialect), variants.rate(dialect)
        assert tuple(map(int, row.groups())) == (tried, detected, seen, seen - spared)
