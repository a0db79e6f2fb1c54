"""One or two changes that owners make while the run changes its own keys are never held against the target."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import pytest

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, Mixin
from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.trial import try_variant
from kms_conformance.emulator import Decisions, Key, Rules

_Change = Callable[[Key], Key]


def _owners(changes: Mapping[int, tuple[int, _Change]]) -> Mixin:
    """After so many disabled keys, an owner changes the key of this position among those of others."""

    class Owners(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._disabled = 0

        def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation, before, after, keys)
            self._disabled += operation == "disable"
            found = changes.get(self._disabled) if operation == "disable" else None
            if found is not None:
                theirs = [key for key in keys if key.description == "Not yours." and not key.default]
                yield found[1](theirs[found[0]])

    return Owners


def _disable(key: Key) -> Key:
    return replace(key, state=DISABLED if key.state is ENABLED else ENABLED)


def _empty(key: Key) -> Key:
    return replace(key, description="")


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        # The only key of others that is disabled is enabled, in the moment in which a key of the run is disabled.
        ({2: (1, _disable)}, 3),
        # Two owners change two keys, one in each of the passes of the check.
        ({2: (1, _disable), 3: (0, _empty)}, 3),
        ({1: (0, _disable), 2: (1, _disable), 3: (6, _empty)}, 12),
    ],
)
def test_changes_of_owners_are_not_accused(changes: Mapping[int, tuple[int, _Change]], keys: int) -> None:
    variant = Variant("owners", "", decisions=(_owners(changes),), foreign_keys=keys, families=("isolation",))
    assert try_variant(variant, "huawei").accused == ()
