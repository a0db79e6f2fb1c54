"""Every other way to conform passes: nothing is accused, and nothing is left open."""

from __future__ import annotations

import pytest

from conformance.selftest.runner import run_suite
from conformance.selftest.variants import VARIANTS, Variant

CASES = [pytest.param(v, dialect, id=f"{v.name}-{dialect}") for v in VARIANTS for dialect in v.dialects]


@pytest.mark.parametrize(("variant", "dialect"), CASES)
def test_the_variant_conforms(variant: Variant, dialect: str) -> None:
    outcome = run_suite(variant.serving(dialect), arguments=variant.arguments())
    accused = [(r["id"], r["verdict"], r["reason"]) for r in outcome.verdict["requirements"] if r["verdict"] == "failed"]
    assert accused == []
    assert sorted(outcome.ids("inconclusive")) == []
    if not variant.families:
        assert sorted(outcome.ids("not_tested")) == []
        assert outcome.exit_code == 0
