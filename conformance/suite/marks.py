"""How a check says which requirements it judges, and of which targets it can be asked."""

from __future__ import annotations

import pytest


def requirement(*ids: str) -> pytest.MarkDecorator:
    """The requirements that a check judges; `{name}` in an id stands for the check's parameter of that name.

    A check runs at each target to which at least one of them applies.
    """
    return pytest.mark.requirement(*ids)


def asks(*operations: str) -> pytest.MarkDecorator:
    """The operations, by their abstract names, without which a target is not asked; parameters as in `requirement`."""
    return pytest.mark.asks(*operations)
