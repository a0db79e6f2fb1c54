"""What is known of software that is not ours is found again on the pinned release; another finding is a diff."""

from __future__ import annotations

import pytest
from certifying import (
    CLOCK,
    EVERYTHING,
    EXPECTED,
    asked,
    certify,
    differences,
    expected,
    missing_library,
    missing_python,
)
from releases import IMPLEMENTATIONS, release

# Runs with a clock belong to `tox run -e third-parties`.
TIERS = ["smoke", *([CLOCK] if EVERYTHING else [])]
RELEASES = sorted(path.stem for path in EXPECTED.glob("*.json"))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", asked(RELEASES))
@pytest.mark.parametrize("tier", TIERS)
def test_the_release_is_found_to_be_what_it_is_known_to_be(name: str, tier: str) -> None:
    if tier == CLOCK and missing_library():
        pytest.skip(missing_library())
    what = release(name)
    if reason := missing_python(what):
        pytest.skip(reason)
    run = certify(what, tier)
    found = list(differences(expected(what)["tiers"][tier], run.requirements))
    assert not found, "\n".join(
        [
            f"{name} at {tier} is not what tests/third_parties/expected/{name}.json says:",
            *(f"  {line}" for line in found),
            "Did the suite change, or the software? When you have judged each of them, write them down anew:",
            f"  python tests/third_parties/certifying.py {name}",
        ]
    )


def test_each_implementation_has_one_release_that_is_judged_whole() -> None:
    assert {release(name).implementation.name for name in RELEASES} == set(IMPLEMENTATIONS)
    assert len(RELEASES) == len(IMPLEMENTATIONS)


@pytest.mark.parametrize("name", RELEASES)
def test_the_end_of_the_waiting_period_is_judged_where_the_clock_is_moved(name: str) -> None:
    found = expected(release(name))["tiers"][CLOCK]
    judged = {each: verdict for each, verdict in found.items() if each.startswith("expiry.")}
    assert len(judged) == 7
    assert "inconclusive" not in {*judged.values(), found["cancel.before-end"]}


def test_a_difference_reads_as_a_sentence() -> None:
    before = {"cancel.effect": "passed", "cancel.uri": "passed", "gone": "passed"}
    now = {"cancel.effect": "failed", "cancel.uri": "passed", "new": "failed"}
    assert list(differences(before, now)) == [
        "cancel.effect: expected passed, found failed",
        "gone: expected passed, found not judged",
        "new: expected no such requirement, found failed",
    ]
