"""Makes a client's call again after an internal error or without a reply, where that cannot change its meaning.

A plain run does the same with its own requests (`client/internal_errors.py`): an error that is gone counts against
nobody, an error that repeats while other requests are served is a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kms_conformance.apps.sdk.call import ClientCall
from kms_conformance.client.front import UNAVAILABLE
from kms_conformance.client.internal_errors import ENOUGH, PAUSES
from kms_conformance.client.resending import NO_REPLY
from kms_conformance.client.target_client import Client
from kms_conformance.keys.pool import Pool


class CallRepeater:
    """Repeats failed calls at one target."""

    def __init__(self, client: Client, pool: Pool) -> None:
        self._client = client
        self._pool = pool

    def made(self, make: Callable[[], ClientCall], key: str | None, state: str) -> ClientCall:
        """Make a call, at most three times.

        `key` is the key of ours that the call may change, and `state` its state before; None: it names no key of ours.
        The last call is returned; it cites the internal errors of all attempts. Raises `Inconclusive` if the state of
        the key cannot be read.
        """
        call = make()
        for pause in PAUSES:
            if not self._failed(call) or not self._may_be_made_again(call, key, state):
                break
            self._client.world.clock.sleep(pause)
            again = make()
            # A second call without an error ends the row of errors.
            row = (*call.errors, *again.errors) if len(again.errors) == len(again.answers) else again.errors
            numbers = (*call.numbers, *again.numbers) if row else again.numbers
            call = replace(again, errors=row, numbers=numbers, attempts=call.attempts + 1)
        if len(call.errors) >= ENOUGH and not self._others_are_served(call):
            # Nothing follows for this operation if the target serves none.
            call = replace(call, errors=())
        return call

    def _failed(self, call: ClientCall) -> bool:
        if call.broken is not None:
            return call.broken[0] in NO_REPLY | {"truncated"}
        last = call.last
        return last is not None and (last.status in UNAVAILABLE or self._client.internal_errors.concerns(last))

    def _may_be_made_again(self, call: ClientCall, key: str | None, state: str) -> bool:
        if call.operation in self._client.api.harmless or key is None:
            return True
        if call.broken is not None:
            return False
        view = self._client.patience.until("describe", lambda: self._pool.read(key), lambda view: view.state != state)
        return view.state == state

    def _others_are_served(self, call: ClientCall) -> bool:
        assert call.last is not None
        asked = self._client.effects.asked(call.last.request, call.last.operation)
        return self._client.effects.others_are_served(self._client, asked)
