"""The marks of checks: which requirements a check judges, and which targets it runs against.

Three marks are made by the functions below. The others are plain pytest marks:

- `standard`: runs at the tiers `standard` and `nightly`, not at `smoke`.
- `clock`: runs if the target offers `time_control`.
- `planted`: reads a key that an earlier run left pending; runs without `time_control`, or on request (`--plant`).
- `keys(n)`: runs if `limits.max_keys` is at least `n`.
- `wasteful`: creates keys that no other check can use; without `time_control` it runs only at the tier `nightly`.

`kms_conformance.run.plan` evaluates them before the first request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId

#: Requirement ids that contain a parameter of the check, such as `auth.{fault}`.
RequirementPattern = Literal[
    "auth.{fault}",
    "cancel.not-pending.{state}",
    "malformed-key.{operation}",
    "pending.{use}",
    "protocol.{case}",
    "schedule.window.{bound}",
    "schedule.window.{case}",
    "unknown-key.{operation}",
    "{operation}.key-id.alias",
    "{operation}.reply",
]


def requirement(*ids: RequirementId | RequirementPattern) -> pytest.MarkDecorator:
    """Declare the requirements that a check judges; `{name}` in an id is replaced by the parameter of that name.

    A check runs at each target to which at least one of its requirements applies.
    """
    return pytest.mark.requirement(*ids)


def asks(*operations: str) -> pytest.MarkDecorator:
    """Declare the operations (abstract names) that a dialect must have for a check; `{name}` as in `requirement`."""
    return pytest.mark.asks(*operations)


def of_each_operation(
    *, besides: tuple[str, ...], marked: Mapping[str, Sequence[pytest.MarkDecorator]]
) -> pytest.MarkDecorator:
    """Parametrise a check by `operation`: every operation of the dialect except `besides`.

    `marked` gives further marks by operation.
    """
    return pytest.mark.of_each_operation(besides=besides, marked=marked)
