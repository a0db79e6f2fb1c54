"""Tours walk every sequence of changes, in few changes, also where a cancel leads to another state than assumed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, KeyModel, Oracle
from kms_conformance.suite.history import _windows
from kms_conformance.suite.tours import Graph, Tour


def graph(dialect: str, *, refused: bool = False) -> Graph:
    return Graph(Oracle(Profile.load(dialect)), 8, refused)


def walked(tour: Tour, graph: Graph, *, restoring: bool = False) -> list[str]:
    """Take a tour to its end; with `restoring`, a cancel leads back to the state before."""
    taken: list[str] = []
    while (operation := tour.next()) is not None:
        after = graph.changes(tour.key)[operation]
        if restoring and operation == "cancel":
            after = KeyModel(tour.key.before)
        tour.take(operation, after)
        taken.append(operation)
        assert len(taken) < 1000
    return taken


@pytest.mark.parametrize(
    ("dialect", "length", "sequences", "most"),
    [("aws", 3, 13, 16), ("huawei", 3, 13, 16), ("alibaba", 3, 13, 17), ("aws", 5, 34, 50), ("alibaba", 7, 89, 140)],
)
def test_every_sequence_is_walked_in_few_changes(dialect: str, length: int, sequences: int, most: int) -> None:
    known = graph(dialect)
    tour = Tour(known, length, KeyModel(ENABLED))
    assert len(walked(tour, known)) <= most
    assert len(known.sequences(length)) == sequences
    assert known.sequences(length) <= tour.walked
    assert not tour.open


def test_sequences_follow_the_documented_states() -> None:
    known = graph("aws").sequences(2)
    assert ((ENABLED, "schedule"), (PENDING, "cancel")) in known
    assert ((PENDING, "cancel"), (DISABLED, "enable")) in known
    assert not any(state == PENDING and operation != "cancel" for each in known for state, operation in each)


def test_requests_that_must_be_refused_are_changes_to_the_same_state() -> None:
    known = graph("aws", refused=True)
    assert len(known.sequences(2)) == 48
    assert ((PENDING, "schedule"), (PENDING, "cancel")) in known.sequences(2)
    tour = Tour(known, 2, KeyModel(ENABLED))
    assert len(walked(tour, known)) < 70
    assert not tour.open


def test_tour_goes_on_from_the_state_to_which_a_cancel_led() -> None:
    known = graph("alibaba")
    tour = Tour(known, 3, KeyModel(ENABLED))
    walked(tour, known, restoring=True)
    assert known.cancelled == {ENABLED: ENABLED, DISABLED: DISABLED}
    assert not tour.open
    assert ((PENDING, "cancel"), (DISABLED, "enable"), (ENABLED, "schedule")) in tour.walked


def test_lifecycle_without_a_way_back_ends() -> None:
    profile = Profile.load("aws")
    facts = {**profile.facts, "lifecycle": {**profile.facts["lifecycle"], "cancel": {PENDING: "not_pending"}}}
    known = Graph(Oracle(replace(profile, facts=facts)), 8)
    tour = Tour(known, 3, KeyModel(ENABLED))
    assert walked(tour, known)[-1] == "schedule"
    assert tour.open


@pytest.mark.parametrize(("minimum", "maximum"), [(7, 30), (7, 366), (7, 1096), (7, 7), (1, 5)])
def test_windows_are_within_the_bounds_and_apart(minimum: int, maximum: int) -> None:
    windows = _windows(minimum, maximum)
    assert all(minimum <= days <= maximum for days in windows)
    assert len(set(windows)) == len(windows)
    days = sorted(windows)
    assert all(later - earlier >= 3 for earlier, later in pairwise(days))
