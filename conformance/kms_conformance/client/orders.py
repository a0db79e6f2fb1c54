"""Orders: whether one of the two orders of two requests on a key explains their answers and the state of the key.

This is a check of linearizability for two requests, over the oracle's model of one key. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from kms_conformance.catalogue.api import USES
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, KeyModel, Oracle

#: What two answers and the state of the key after them show:
#:
#: - explained: in one of the two orders, the documents give these answers and lead to this state.
#: - refused: the same holds if a refused request is left out. No document says what is answered to a request while
#:   another one is under way, so a refusal may mean that.
#: - doubled: both requests were accepted although one of them had to be refused in either order. The key shows the
#:   effect of both, so that nothing is lost.
#: - lost: no order leads to this state. What was answered as carried out is lost, or what was refused was carried out.
Explanation = Literal["explained", "refused", "doubled", "lost"]

# The state in which the documents carry out a change, for its effect when no other request is in flight.
_CARRIED_OUT_IN = {"schedule": ENABLED, "cancel": PENDING, "enable": DISABLED, "disable": ENABLED}


@dataclass(frozen=True)
class AnsweredRequest:
    """One of two requests in flight, and whether it was accepted; `window`: the days in a request to `schedule`."""

    operation: str
    accepted: bool
    window: int | None = None


@dataclass(frozen=True)
class _End:
    """The key at the end of one order; `predicted`: each refusal is one that the documents give in this order."""

    key: KeyModel
    predicted: bool = True


def explanation(
    oracle: Oracle,
    key: KeyModel,
    pair: tuple[AnsweredRequest, AnsweredRequest],
    now: datetime,
    shows: Callable[[KeyModel], bool],
) -> Explanation:
    """Which explanation the answers to two requests have.

    - key: the model of the key before both requests.
    - now: the time of the requests, by the clock of the target.
    - shows: whether the key reads as a model after both requests.

    Requests that only use the key are explained by any answer: no document says at which moment of a change they begin
    or cease to be served.
    """
    fitting = [end for order in (pair, pair[::-1]) for end in _ends(oracle, key, order, now) if shows(end.key)]
    if fitting:
        return "explained" if any(end.predicted for end in fitting) else "refused"
    accepted = [request for request in pair if request.accepted and request.operation not in USES]
    shown = all(any(map(shows, _effect(oracle, request, now))) for request in accepted)
    return "doubled" if accepted and shown and all(request.accepted for request in pair) else "lost"


def _ends(oracle: Oracle, key: KeyModel, order: tuple[AnsweredRequest, ...], now: datetime) -> Iterator[_End]:
    """The ends of one order: several where documents leave a state open, none if the order gives other answers."""
    ends = [_End(key)]
    for request in order:
        ends = [after for end in ends for after in _after(oracle, end, request, now)]
    yield from ends


def _after(oracle: Oracle, end: _End, request: AnsweredRequest, now: datetime) -> Iterator[_End]:
    if request.operation in USES:
        yield end
        return
    prediction = oracle.predict(end.key, request.operation, now, request.window)
    if not request.accepted:
        yield replace(end, predicted=end.predicted and prediction.refusal is not None)
    elif prediction.refusal is None:
        for state in prediction.states:
            yield replace(end, key=replace(prediction.after, state=state))
    elif oracle.leaves_open(prediction.refusal):
        yield end
        yield from (replace(end, key=key) for key in _effect(oracle, request, now))


def _effect(oracle: Oracle, request: AnsweredRequest, now: datetime) -> Iterator[KeyModel]:
    """The models of a key after this request alone."""
    # A key that was disabled before may be disabled or enabled after a cancel, where documents leave that open.
    key = KeyModel(_CARRIED_OUT_IN[request.operation], DISABLED)
    prediction = oracle.predict(key, request.operation, now, request.window)
    return (replace(prediction.after, state=state) for state in prediction.states)
