"""Variants in the account: quota, other keys, ways to sign in, and the profile of the cloud."""

from __future__ import annotations

from collections.abc import Collection

from kms_conformance.apps.selftest.behaviour_mutations import (
    listing,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Variant
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Key, Rules


class _RoomForTwo(Decisions):
    """The quota allows two keys more than exist at the first creation; keys pending deletion count."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._there_before: int | None = None

    def quota_left(self, keys: Collection[Key]) -> bool:
        if self._there_before is None:
            self._there_before = len(keys)
        return len(keys) < self._there_before + 2


class _SmallPages(Decisions):
    """Pages have at most five keys; every service may return fewer keys than requested."""

    def page_size(self, requested: int) -> int:
        return min(super().page_size(requested), 5)


AROUND: tuple[Variant, ...] = (
    Variant("quota-of-two", "The quota leaves room for two keys.", decisions=(_RoomForTwo,), alone=True),
    Variant("no-other-keys", "The account has no other keys.", foreign_keys=0, about="other keys"),
    Variant("many-other-keys", "The account has 30 other keys.", (ALIBABA,), foreign_keys=30, about="other keys"),
    Variant(
        "small-pages", "Lists come in pages of five.", foreign_keys=12, decisions=(_SmallPages,), about="other keys"
    ),
    Variant(
        "newest-first", "Lists begin with the newest key.", decisions=(listing(lambda keys: tuple(reversed(keys))),)
    ),
    *(
        Variant(f"signed-in-by-{kind}", f"The caller signs in by {kind}.", (HUAWEI,), auth=kind, about="sign-in")
        for kind in ("password", "aksk")
    ),
    *(
        Variant(f"signed-in-by-{kind}", f"The caller signs in by {kind}.", (ALIBABA,), auth=kind, about="sign-in")
        for kind in ("v1", "sts")
    ),
    Variant("signed-in-by-sts", "The caller signs in by sts.", (AWS,), auth="sts", about="sign-in"),
    *(
        Variant(f"profile-{name}", f"The cloud is {name}.", (dialect,), profile=name, about="profile")
        for dialect in ALL
        for name in specs.profile_names(dialect)
    ),
)
