"""The marks of checks: which requirements a check judges, and which targets it runs against.

The functions below make three of the marks. The others are plain pytest marks:

- `standard`: the check runs at the tiers `standard` and `nightly`, not at `smoke`.
- `clock`: the check runs only if the target offers `time_control`.
- `planted`: the check reads a planted key, which an earlier run left pending on purpose. It runs if the target has no
  `time_control`, or if the user asks for it (such as by `--plant`).
- `alone`: while the check runs, no other process tests the target. Its requests or its comparison bear no others.
- `moves_clock`: the same where the target offers `time_control`.
- `first_process`: where several processes test the target, the check runs in the first one, because it needs what other
  checks have left in the pool, or shares names of the account or keys of a special kind with them.
- `keys(n)`: the check runs only if `limits.max_keys` is at least `n`.
- `wasteful`: the check creates keys that no other check can use. If the target has no `time_control`, the check runs
  only at the tier `nightly`.

`kms_conformance.run.plan` evaluates the marks before the first request.
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
    "disabled.{use}",
    "malformed-key.{operation}",
    "pending.{use}",
    "protocol.{case}",
    "schedule.window.{bound}",
    "schedule.window.{case}",
    "unknown-key.{operation}",
    "{operation}.key-id.alias",
    "{operation}.key-id.arn-open",
    "{operation}.reply",
]


def requirement(*ids: RequirementId | RequirementPattern) -> pytest.MarkDecorator:
    """Declare the requirements that a check judges; `{name}` in an id is replaced by the parameter of that name.

    A check runs at each target to which at least one of its requirements applies.
    """
    return pytest.mark.requirement(*ids)


def asks(*operations: str) -> pytest.MarkDecorator:
    """Declare the operations (abstract names) that a dialect must have for a check.

    `{name}` in an operation is replaced by the parameter of that name, as in `requirement`.
    """
    return pytest.mark.asks(*operations)


def of_each_operation(
    *, besides: tuple[str, ...], marked: Mapping[str, Sequence[pytest.MarkDecorator]]
) -> pytest.MarkDecorator:
    """Parametrise a check by `operation`: every operation of the dialect except the operations in `besides`.

    `marked`: by operation, further marks of the check for this operation.
    """
    return pytest.mark.of_each_operation(besides=besides, marked=marked)
