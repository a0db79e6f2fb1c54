"""Transitions: the operations that lead a key from one state to another, and whether a key shows their effect."""

from __future__ import annotations

from collections.abc import Mapping

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.oracle import AFTER, DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT
from kms_conformance.dialects.base import KeyView

#: (state, wanted state) -> the next operation on the way. The deletion of a pending key is cancelled first.
STEPS: Mapping[tuple[str, str], str] = {
    (ENABLED, DISABLED): "disable",
    (DISABLED, ENABLED): "enable",
    (ENABLED, PENDING): "schedule",
    (DISABLED, PENDING): "schedule",
    (PENDING_IMPORT, PENDING): "schedule",
    (PENDING, ENABLED): "cancel",
    (PENDING, DISABLED): "cancel",
}
#: operation -> the requirement that is broken if the operation is accepted and has no effect.
EFFECTS: Mapping[str, RequirementId] = {
    "schedule": "schedule.state-after",
    "cancel": "cancel.effect",
    "enable": "enable.reply",
    "disable": "disable.reply",
}


def has_effect(operation: str, after: KeyView) -> bool:
    """Whether a key reads as an operation that was accepted leaves it.

    A cancel may lead to several states. A key that reads as gone after it is read again: it can only be a read that
    lags behind.
    """
    return after.state not in {PENDING, GONE} if operation == "cancel" else after.state == AFTER[operation]


def expected_after(operation: str) -> str:
    """What a key reads as after an operation, in words."""
    return f"the key reads back as {AFTER.get(operation, 'no longer pending')}"


def after_cancel_from(state: str) -> RequirementId:
    """The requirement on the state after a cancel, for a key that was scheduled in this state."""
    return "cancel.state-after" if state == ENABLED else "cancel.state-after.disabled"


def is_usable(after: KeyView) -> bool:
    """Whether a key that waits for no deletion can be used, perhaps after it is enabled."""
    return after.state in {ENABLED, DISABLED}
