"""Shared checks of the tests of vendors' clients: profiles, windows, and unchanged keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple, TypeVar

import pytest

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator

E = TypeVar("E", bound=Exception)

DAY = timedelta(days=1)
WEEK = 7 * DAY
# A well-formed key id of a key that does not exist.
UNKNOWN = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"


class States(NamedTuple):
    """The states of a key as a profile writes them."""

    enabled: str
    disabled: str
    pending: str
    after_cancel: str


def states(dialect: str) -> States:
    facts = specs.facts(dialect)
    wire = facts["states"]
    return States(wire["enabled"], wire["disabled"], wire["pending_deletion"], wire[facts["after_cancel"]])


def bounds(dialect: str, profile: str = "documents") -> tuple[int, int]:
    """The shortest and the longest window, in days."""
    window = specs.facts(dialect, profile)["window"]
    return window["minimum"], window["maximum"]


def documented(dialect: str, refusal: str) -> set[tuple[int, str]]:
    """The accepted answers if the documents allow several."""
    return {(answer["status"], answer["code"]) for answer in specs.facts(dialect)["refusals"][refusal]["answers"]}


@contextmanager
def refused(emulator: Emulator, kind: type[E]) -> Iterator[pytest.ExceptionInfo[E]]:
    """Asserts that the body raises exactly `kind` and changes no key of the emulator."""
    before = emulator.store.keys
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.type is kind
    assert emulator.store.keys == before
