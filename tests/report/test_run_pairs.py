"""`compare` on pairs of runs with known differences says exactly those."""

from __future__ import annotations

import pytest
from run_pairs import NAME, PAIRS, Pair

from kms_conformance.report.compare import compared


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_exactly_what_differs_is_said(pair: Pair) -> None:
    found = compared("a", {NAME: pair.before()}, "b", {NAME: pair.after()})
    assert {(change.kind, change.id) for change in found.changes} == pair.changes
    assert len(found.changes) == len(pair.changes)
    assert found.warnings == ()
    assert found.exit_code() == ("regressed" in {kind for kind, _ in pair.changes})
    assert found.exit_code(strict=True) == bool(pair.changes)


def test_there_are_twenty_pairs_and_more() -> None:
    assert len(PAIRS) >= 20
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)
