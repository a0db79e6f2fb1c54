"""How a check says which requirements it judges, and of which targets it can be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId

#: Ids that a check composes of the value of one of its parameters.
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
    """The requirements that a check judges; `{name}` in an id stands for the check's parameter of that name.

    A check runs at each target to which at least one of them applies.
    """
    return pytest.mark.requirement(*ids)


def asks(*operations: str) -> pytest.MarkDecorator:
    """The operations, by their abstract names, without which a target is not asked; parameters as in `requirement`."""
    return pytest.mark.asks(*operations)


def of_each_operation(
    *, besides: tuple[str, ...], marked: Mapping[str, Sequence[pytest.MarkDecorator]]
) -> pytest.MarkDecorator:
    """A check of each `operation` of the dialects that a run is about, `besides` some; `marked` are single ones."""
    return pytest.mark.of_each_operation(besides=besides, marked=marked)
