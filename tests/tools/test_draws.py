"""The generated requests that the package contains are those of its code and specs."""

from __future__ import annotations

from collections import Counter

import pytest

from kms_conformance.core.tier import DEFAULT_SEED, EFFORTS
from kms_conformance.suite.draw_cache import NO_CACHE, SHIPPED, SHIPPED_ONLY, SUFFIX, versions, versions_digest
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.test_fuzzing import NORMATIVE
from kms_conformance.suite.walk_steps import drawn_steps
from tools import draws

AGAIN = "Write them again: python -m tools.draws"
#: The package must stay small.
MOST_BYTES = 2**20


def test_the_package_has_an_entry_for_all_that_the_default_seed_needs_and_no_other() -> None:
    wanted = draws.wanted()
    found = draws.present(SHIPPED)
    present = {name.partition("-")[0] for name in found}
    assert {text for digest, text in wanted.items() if digest not in present} == set(), AGAIN
    assert present <= wanted.keys(), AGAIN
    releases = Counter(made_by["python"] for made_by in found.values())
    assert set(releases.values()) == {len(wanted)}, f"Each release of Python needs all: {releases}. {AGAIN}"
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= MOST_BYTES


@pytest.mark.skipif(
    not any(SHIPPED.glob(f"*-{versions_digest()}{SUFFIX}")),
    reason=f"the package has no requests that these versions generated: {dict(versions())}",
)
@pytest.mark.parametrize("dialect", [dialect for dialect, *_ in draws.dialects()])
def test_the_entries_are_what_is_generated(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests and walks of a smoke run; those of a standard run take 20 s."""
    effort = EFFORTS["smoke"]
    api = next(api for name, api, _ in draws.dialects() if name == dialect)
    asked = {"examples": effort.fuzz_examples, "seed": DEFAULT_SEED, "thorough": False}
    fresh = Generator(api)
    generated = [fresh.drafts(api[name].id, **asked, cache=NO_CACHE) for name in NORMATIVE]
    steps = drawn_steps(effort.walks, effort.steps, DEFAULT_SEED, NO_CACHE)
    monkeypatch.delattr(Generator, "_generated")
    monkeypatch.delattr("kms_conformance.suite.walk_steps._generated")
    other = Generator(api)
    assert generated == [other.drafts(api[name].id, **asked, cache=SHIPPED_ONLY) for name in NORMATIVE], AGAIN
    assert steps == drawn_steps(effort.walks, effort.steps, DEFAULT_SEED, SHIPPED_ONLY), AGAIN
