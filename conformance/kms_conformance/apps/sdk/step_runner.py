"""Plays the steps through one client: prepares each by our own requests, makes the call, and reads the key back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from kms_conformance.apps.sdk.call import Meeting, decide, meet
from kms_conformance.apps.sdk.driver import Driver, Told
from kms_conformance.apps.sdk.judging import Expectation, ExpectedRefusal, Served
from kms_conformance.apps.sdk.known import VendorClient
from kms_conformance.apps.sdk.outcome import StepResult
from kms_conformance.apps.sdk.steps import CREATE, EXPIRED, Step, by_strangers, steps
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.wire.messages import Request

PLAINTEXT = "grüezi"
_READING = frozenset({"describe", "list"})
_POLL_SECONDS = 0.2
_WAITS_IN_VAIN = 2


class ForeignKeyNamed(Exception):  # noqa: N818 - a client that goes astray, and no error of ours
    """A request of a client that could have changed a key that this run did not create. It was not sent."""


class StepRunner:
    """One client in the session of one target."""

    def __init__(self, target_session: TargetSession, known: VendorClient, adapter: type[Driver]) -> None:
        self._target_session = target_session
        self._known = known
        self._adapter = adapter
        self._client = target_session.client
        self._profile = target_session.client.profile
        self._driver = adapter(target_session.target, target_session.client.dialect.scope)
        musts = (requirement.id for requirement in target_session.catalogue if requirement.level == "MUST")
        self._musts = target_session.applicable & frozenset(musts)
        self._key: str | None = None
        # What the reply to the create named, be it provably ours or not: it may be read, and nothing else.
        self._named: str | None = None
        # The state that the key was last known to be in; None where only a look at it can tell.
        self._state: str | None = None
        self._ciphertext: object = None
        self._in_vain = 0

    def play(self, *, to_the_end: bool) -> Iterator[StepResult]:
        """All steps in their order; `to_the_end` also lets the key's time run out, which uses the key up."""
        yield self._create()
        for step in steps(self._profile, self._target_session.pool.days):
            yield self._step(step, self._driver)
        yield from self._as_a_stranger()
        if to_the_end and self._target_session.time.offered:
            yield self._expire()

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _create(self) -> StepResult:
        pool = self._target_session.pool
        blank = _blank(CREATE, self._driver)
        if pool.room <= 0:
            with suppress(Inconclusive):
                self._key = pool.take(ENABLED).id
            return replace(blank, verdict="inconclusive", reason="limits.max_keys leaves no room for one more key.")
        met, found, problem = self._asked_for_a_key()
        if met is None:
            return replace(blank, verdict="inconclusive", reason="" if problem is None else problem.reason)
        named = [self._client.dialect.created_id(answer.value) for answer in met.answers]
        self._named = next((key for key in named if key is not None), None)
        result = self._decide(CREATE, met, Served("create", self._named))
        if found is not None:
            pool.keys.append(found)
            self._key, self._state = found, ENABLED
        try:
            if problem is None:
                self._key = self._key or pool.create()
        except Inconclusive as error:
            problem = error
        if problem is not None and not result.is_finding:
            return replace(result, verdict="inconclusive", reason=problem.reason)
        return result

    def _asked_for_a_key(self) -> tuple[Meeting | None, str | None, Inconclusive | None]:
        """What became of the client's create: all that it met, the key that is ours, and why there is none."""
        pool = self._target_session.pool
        met: list[Meeting] = []
        markers: list[str] = []

        def send(marker: str) -> Answer:
            met.append(self._meet(self._driver, "create", **self._client.dialect.naming(marker)))
            answers = met[0].answers
            if not answers:
                raise Inconclusive("The client sent no request that the target answered.")
            markers.append(marker)
            return answers[-1]

        try:
            _, found = pool.attempt(send)
            if len(met[0].answers) > 1:
                # A client that sends a create again may have made two.
                pool.find_by_marker(markers[0])
        except Inconclusive as error:
            return (met[0] if met else None), None, error
        return met[0], found, None

    def _step(self, step: Step, driver: Driver) -> StepResult:
        blank = _blank(step, driver)
        if step.operation not in driver.calls:
            return blank
        try:
            self._prepare(step)
        except Inconclusive as error:
            return replace(blank, verdict="inconclusive", reason=f"It could not be prepared: {error.reason}")
        if step.operation == "decrypt" and self._ciphertext is None:
            return replace(blank, verdict="inconclusive", reason="There is no ciphertext, as encrypt failed.")
        try:
            arguments = self._arguments(step)
            if step.of != "our" and step.operation not in _READING:
                self._client.look_up_absent(str(arguments["key_id"]))
        except Inconclusive as error:
            return replace(blank, verdict="inconclusive", reason=error.reason)
        result = self._made(step, driver, arguments)
        changes = step.operation not in _READING and step.of == "our" and not step.by_stranger
        if changes and result.verdict in ("passed", "known_trap"):
            read_back = self._read(step, driver, Step(step.title, "describe", then=step.then or step.needs))
            result = result if read_back.verdict == "passed" else read_back
        as_known = result.verdict in ("passed", "known_trap")
        self._state = (step.then or step.needs) if as_known else None
        return result

    def _prepare(self, step: Step) -> None:
        """Bring the key into the state that a step needs. Raises `Inconclusive`."""
        if self._key is None:
            if step.operation not in _READING or step.needs != ENABLED or self._named is None:
                raise Inconclusive("There is no key of ours.")
            return
        if self._state != step.needs and self._target_session.pool.bring(self._key, step.needs) is None:
            raise Inconclusive("The key is gone.")
        self._state = step.needs

    def _as_a_stranger(self) -> Iterator[StepResult]:
        target = self._target_session.target
        if target.auth.stranger is None or not self._profile.facts.get("checks_credentials", True):
            return
        field, refusal = target.auth.stranger
        wrong: dict[str, Any] = {field: secrets.token_hex(16)}
        stranger = self._adapter(replace(target, auth=replace(target.auth, **wrong)), self._client.dialect.scope)
        for step in by_strangers(refusal):
            yield self._step(step, stranger)

    def _expire(self) -> StepResult:
        blank = _blank(EXPIRED, self._driver)
        pool = self._target_session.pool
        if self._key is None:
            return replace(blank, verdict="inconclusive", reason="There is no key whose time could come.")
        try:
            view = pool.bring(self._key, PENDING, self._profile.window.minimum)
            if view is None or view.deletion_at is None:
                raise Inconclusive("The target does not say when its time comes.")  # noqa: TRY301
            ahead = (view.deletion_at - self._target_session.time.now()).total_seconds()
            self._target_session.time.advance(max(ahead, 0) + self._profile.deletion.gone_within_seconds + 1)
            result = self._read(EXPIRED, self._driver, EXPIRED)
            pool.drop_if_gone(self._key)
        except Inconclusive as error:
            return replace(blank, verdict="inconclusive", reason=error.reason)
        return result

    # --- one call -----------------------------------------------------------------------------------------------------

    def _made(self, step: Step, driver: Driver, arguments: Mapping[str, object]) -> StepResult:
        if step.operation in _READING:
            return self._read(step, driver, step)
        meeting = self._meet(driver, step.operation, **arguments)
        if step.operation == "encrypt" and isinstance(meeting.outcome, Told):
            self._ciphertext = meeting.outcome.secret
        return self._decide(step, meeting, self._expectation(step))

    def _read(self, step: Step, driver: Driver, reading: Step) -> StepResult:
        """Describe or list until what is read fits, or until the time that reads may lag behind has passed."""
        expectation = self._expectation(reading)
        # Only what changed a moment ago may read as it was; after two waits in vain, a tenth of the time will do.
        patience = self._profile.settle_seconds / (1 if self._in_vain < _WAITS_IN_VAIN else 10)
        deadline = time.monotonic() + (patience if reading.of == "our" and not reading.by_stranger else 0)
        while True:
            meeting = self._meet(driver, reading.operation, **self._arguments(reading))
            result = self._decide(step, meeting, expectation)
            if result.verdict != "target":
                return result
            if time.monotonic() >= deadline:
                self._in_vain += 1
                return result
            time.sleep(_POLL_SECONDS)

    def _meet(self, driver: Driver, operation: str, **arguments: Any) -> Meeting:  # noqa: ANN401
        return meet(self._client, self._musts, self._admit, driver, operation, **arguments)

    def _admit(self, request: Request) -> None:
        """Keep to the pace; raise `ForeignKeyNamed` for a request that names a key that was there before us."""
        said = (unquote(request.url) + request.body.decode("utf-8", "replace")).casefold()
        pool = self._target_session.pool
        if any(key.casefold() in said for key in pool.preexisting - pool.held):
            raise ForeignKeyNamed("a request that names a key of somebody else's")
        self._client.session.take_turn()

    def _decide(self, step: Step, meeting: Meeting, expectation: Expectation) -> StepResult:
        return replace(decide(meeting, expectation, self._client, self._known), title=step.title)

    def _arguments(self, step: Step) -> dict[str, object]:
        if step.operation == "list":
            return {}
        if step.operation == "decrypt":
            return {"ciphertext": self._ciphertext}
        named = {
            "our": self._key or self._named,
            "no": self._client.dialect.unknown_key(),
            "malformed": self._client.dialect.malformed_keys[0],
        }
        arguments: dict[str, object] = {"key_id": named[step.of]}
        if step.window is not None:
            arguments["window"] = step.window
        if step.operation == "encrypt":
            arguments["plaintext"] = PLAINTEXT
        return arguments

    def _expectation(self, step: Step) -> Expectation:
        if step.refusal is not None:
            return ExpectedRefusal(self._profile.refusal(step.refusal), self._known.error_of(step.refusal))
        if step.operation == "describe":
            state = step.then or step.needs
            return Served("describe", self._key or self._named, state, dated=state == PENDING)
        return Served(
            step.operation,
            self._key or self._named,
            step.then,
            secret=PLAINTEXT if step.operation == "decrypt" else None,
        )


def _blank(step: Step, driver: Driver) -> StepResult:
    """The result of a step that its client has no call for."""
    return StepResult(step.title, step.operation, driver.calls.get(step.operation, ""), "absent")
