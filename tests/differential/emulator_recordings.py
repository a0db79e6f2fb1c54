"""Recordings of emulators, with all questions or a few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kms_conformance.apps import differential as comparing
from kms_conformance.apps.differential import AnswerRecording
from kms_conformance.apps.differential import recording as recording_module
from kms_conformance.emulator import Emulator
from kms_conformance.target import Target, parse_target


@contextmanager
def emulator(dialect: str, **options: Any) -> Iterator[Emulator]:
    """An emulator that fails the test if it has an internal error."""
    with Emulator(dialect, **options) as served:
        yield served
    assert served.failures == []


def target_of(served: Emulator) -> Target:
    return parse_target(served.target_yaml(), "target.yaml")


def recorded(served: Emulator, seed: int = 0, only: str = "") -> AnswerRecording:
    """The recording of an emulator; `only` lists question ids, separated by blanks."""
    with pytest.MonkeyPatch.context() as patch:
        if only:
            every = recording_module.questions
            names = only.split()
            patch.setattr(
                recording_module,
                "questions",
                lambda profile, number: tuple(q for q in every(profile, number) if q.id in names),
            )
        found = comparing.record(target_of(served), seed)
    assert found.left == ()
    assert not only or [entry.question for entry in found.entries] == only.split()
    return found
