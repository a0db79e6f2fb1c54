"""Many values at few looks: none is overlooked, in whatever disguise, and what is forgotten is not found."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_conformance.wire.secrets.passing import Passing
from kms_conformance.wire.secrets.prefilter import LEAST, Windows
from kms_conformance.wire.secrets.search import hides_any

SIGNATURES = st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), min_size=1, max_size=5, unique=True)
ANY = st.lists(st.text('aZ9+/= %\\"é', min_size=8, max_size=40), min_size=1, max_size=5, unique=True)


def passing(values: list[str]) -> Passing:
    known = Passing(48)
    for value in values:
        known.learn({value: "SIGNATURE"})
    return known


@given(st.binary(min_size=LEAST, max_size=40), st.binary(max_size=60), st.binary(max_size=30))
def test_a_value_is_seen_wherever_it_stands(value: bytes, before: bytes, after: bytes) -> None:
    windows = Windows(2)
    windows.add([value])
    assert windows.may_stand_in(before + value + after)


def test_a_value_is_known_until_as_many_came_after_it() -> None:
    windows = Windows(2)
    values = [bytes([65 + number]) * 30 for number in range(5)]
    for number, value in enumerate(values):
        windows.add([value])
        assert all(map(windows.may_stand_in, values[max(0, number - 1) : number + 1]))
    assert not windows.may_stand_in(values[0])


def test_what_would_be_overlooked_is_not_taken() -> None:
    with pytest.raises(ValueError, match="too few"):
        Windows(2).add([b"x" * (LEAST - 1)])


@given(SIGNATURES | ANY, st.binary(max_size=30), st.data())
def test_it_is_found_exactly_where_a_search_for_each_finds_it(values: list[str], before: bytes, data) -> None:
    value = data.draw(st.sampled_from(values)).encode()
    shown = data.draw(
        st.sampled_from(
            [
                value,
                base64.b64encode(b"x" + value),
                value.hex().upper().encode(),
                b"-".join(value[at : at + 3] for at in range(0, len(value), 3)),
                b"".join(b"%%%02X" % byte for byte in value),
                value[:-1],
                b"",
            ]
        )
    )
    text = before + shown + b" and more"
    assert passing(values).stand_in(text) == hides_any(text, values, in_pieces=False)


def test_of_many_the_last_are_known() -> None:
    values = [f"{number * 7919:064x}"[::-1] for number in range(1, 201)]
    known = passing(values)
    assert list(known.labels) == values[-48:]
    assert all(known.stand_in(b"it was " + value.encode()) for value in values[-48:])
    assert not known.stand_in(b"it was " + values[0].encode())
