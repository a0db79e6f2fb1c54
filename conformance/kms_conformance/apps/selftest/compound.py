"""Conforms in many ways at once: a variant drawn by a seed from all that exist."""

from __future__ import annotations

import random
from collections import defaultdict

from kms_conformance.apps.selftest.trial import COMPOUND
from kms_conformance.apps.selftest.variant import Variant
from kms_conformance.apps.selftest.variants import VARIANTS


def compound(dialect: str, seed: int) -> Variant:
    """A variant that conforms in several ways; the same seed draws the same ones.

    Of those that speak of one thing (`about`), at most one is drawn. Those that go alone are left out.
    """
    draw = random.Random(f"{dialect} {seed}")  # noqa: S311 - a choice, no secret
    about: defaultdict[str, list[Variant]] = defaultdict(list)
    for variant in VARIANTS:
        if dialect in variant.dialects and not variant.alone:
            about[variant.about or variant.name].append(variant)
    drawn = [draw.choice(variants) for variants in about.values() if draw.random() < 0.5]
    return Variant(
        name=" + ".join(variant.name for variant in drawn) or "none",
        title="Several ways to conform, drawn by a seed.",
        dialects=(dialect,),
        # Two may share one; no class has the same base twice.
        decisions=tuple(dict.fromkeys(decision for variant in drawn for decision in variant.decisions)),
        filters=tuple(changed for variant in drawn for changed in variant.filters),
        auth=next((variant.auth for variant in drawn if variant.auth is not None), None),
        foreign_keys=next((v.foreign_keys for v in drawn if v.about == "other keys"), 3),
        profile=next((variant.profile for variant in drawn if variant.about == "profile"), "documents"),
        group=COMPOUND,
    )
