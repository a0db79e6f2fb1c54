"""Variants in the keys of others: they may not be described, or their replies count the days that are left."""

from __future__ import annotations

from collections.abc import Callable

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, Mixin
from kms_conformance.apps.selftest.days_left import DaysLeft
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Variant
from kms_conformance.emulator import Decisions, Key

# One foreign key in each state, twice.
_FOREIGN_KEYS = 6


def is_foreign(key: Key) -> bool:
    """Whether a key belongs to another user of the emulator or to the service."""
    return key.default or key.description == "Not yours."


def denying(denied: Callable[[Key], bool]) -> Mixin:
    """The credentials of the target file may list these keys, and may do nothing else with them."""

    class Denying(Decisions):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            return "not_permitted" if denied(key) else super().refusal_for(operation, key)

    return Denying


_COUNTING = DaysLeft()

# The profiles of each dialect whose emulator differs in refusals.
_PROFILES = {
    HUAWEI: ("documents", "huawei-cloud", "otc"),
    ALIBABA: ("documents", "alibaba-cloud"),
    AWS: ("documents", "aws-kms"),
}


def _denied(name: str, title: str, denied: Callable[[Key], bool]) -> tuple[Variant, ...]:
    return tuple(
        Variant(
            name if profile == "documents" else f"{name}-{profile}",
            title,
            dialects=(dialect,),
            decisions=(denying(denied),),
            foreign_keys=_FOREIGN_KEYS,
            profile=profile,
            about="reading other keys",
            alone=profile != "documents",
        )
        for dialect, profiles in _PROFILES.items()
        for profile in profiles
    )


OTHERS: tuple[Variant, ...] = (
    *_denied("others-denied", "Keys of others are listed and may not be described.", is_foreign),
    *_denied(
        "some-others-denied",
        "Enabled keys of others are listed and may not be described.",
        lambda key: is_foreign(key) and key.state is not PENDING,
    ),
    Variant(
        "others-count-down",
        "The description of a pending key has the days that are left.",
        dialects=(HUAWEI,),
        decisions=(_COUNTING.decisions,),
        filters=(_COUNTING.filter,),
        foreign_keys=_FOREIGN_KEYS,
        about="reading other keys",
    ),
)
