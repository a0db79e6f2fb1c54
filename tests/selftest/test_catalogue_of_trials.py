"""The tables of faults, variants and null targets agree with the suite that they try, and are as large as promised."""

from __future__ import annotations

from collections import Counter

import pytest

from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.lag import MODELS
from kms_conformance.apps.selftest.nulls import NULLS
from kms_conformance.apps.selftest.plan import compound, everything, pairs, sample
from kms_conformance.apps.selftest.trial import COMPOUND, LAGGING
from kms_conformance.apps.selftest.variants import VARIANTS
from kms_conformance.catalogue.families import FAMILIES
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs


@pytest.mark.parametrize("subjects", [FAULTS, VARIANTS, NULLS], ids=["faults", "variants", "nulls"])
def test_every_subject_has_one_name_in_a_dialect(subjects) -> None:
    counted = Counter((subject.name, dialect) for subject in subjects for dialect in subject.dialects)
    assert [case for case, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("dialect", specs.dialects())
def test_there_are_as_many_as_promised(dialect: str) -> None:
    assert sum(dialect in fault.dialects for fault in FAULTS) >= 150
    assert len({variant.name for variant in VARIANTS}) >= 40
    assert sum(dialect in null.dialects for null in NULLS) >= 15


def test_faults_name_what_there_is() -> None:
    for fault in FAULTS:
        assert set(fault.families) <= set(FAMILIES), fault.name
        for dialect in fault.dialects:
            catalogue = Catalogue.load(dialect)
            levels = {catalogue[name].level for name in fault.requirements if name in catalogue}
            assert levels, fault.name
            assert ("MUST" in levels) == (fault.exit_code == 1), fault.name


def test_samples_of_a_few_seeds_hold_every_critical_fault_and_each_another_part() -> None:
    critical = {fault.name for fault in FAULTS if fault.severity == "critical"}
    drawn = [{task.name for task in sample(seed) if task.kind == "fault"} for seed in range(80)]
    assert critical <= set.union(*drawn)
    assert all(len(critical & names) > len(critical) / 24 for names in drawn)
    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_everything_is_everything() -> None:
    tried = {(task.kind, task.name, task.dialect) for task in everything(1, 3, 1)}
    for kind, subjects in (("fault", FAULTS), ("variant", VARIANTS), ("null", NULLS)):
        assert {(kind, subject.name, d) for subject in subjects for d in subject.dialects} <= tried
    drawn = [(task.dialect, task.tier, task.seed) for task in everything(1, 3, 1) if task.name == COMPOUND]
    assert len(drawn) == len(set(drawn)) == 4 * len(specs.dialects())


@pytest.mark.parametrize("dialect", specs.dialects())
def test_pairs_are_drawn_by_their_seed_and_each_fault_once(dialect: str) -> None:
    drawn = [task.name for task in pairs(dialect, 1, 60)]
    assert drawn == [task.name for task in pairs(dialect, 1, 60)]
    assert drawn != [task.name for task in pairs(dialect, 2, 60)]
    faults, models = zip(*(name.split(" + ") for name in drawn), strict=True)
    assert len(set(faults)) == 60
    assert not {fault.name for fault in FAULTS if fault.fault_class == LAGGING} & set(faults)
    assert set(models) <= {model.name for model in MODELS}
    assert [task.dialect for task in everything(1, 0, 0, 60) if task.kind == "pair"].count(dialect) == 60


def test_a_sample_has_trials_that_lag() -> None:
    lagging = {variant.name for variant in VARIANTS if variant.group == LAGGING}
    for seed in range(30):
        drawn = sample(seed)
        assert any(task.name in lagging for task in drawn)
        assert sum(task.kind == "pair" for task in drawn) == 4


@pytest.mark.parametrize("dialect", specs.dialects())
def test_compound_is_drawn_by_its_seed_and_holds_nothing_that_excludes_another(dialect: str) -> None:
    about = {variant.name: variant.about or variant.name for variant in VARIANTS if dialect in variant.dialects}
    # A variant is drawn by one in twice as many seeds as its subject has variants; the largest subject has some thirty.
    names = [compound(dialect, seed).name.split(" + ") for seed in range(600)]
    assert names == [compound(dialect, seed).name.split(" + ") for seed in range(600)]
    for drawn in names:
        topics = [about[name] for name in drawn if name != "none"]
        assert len(topics) == len(set(topics))
    for seed in range(50):
        decisions = compound(dialect, seed).decisions
        assert len(decisions) == len(set(decisions))
    alone = {variant.name for variant in VARIANTS if variant.alone}
    assert {name for drawn in names for name in drawn} - {"none"} == set(about) - alone
