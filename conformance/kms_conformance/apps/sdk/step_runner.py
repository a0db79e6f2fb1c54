"""Runs the steps through one client; our own requests prepare the key, all other calls are made by the client."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from kms_conformance.apps.sdk.call import ClientCall, judge_call, make_call
from kms_conformance.apps.sdk.driver import CallResult, Driver
from kms_conformance.apps.sdk.expectations import Expectation, ExpectedRefusal, ExpectedSuccess
from kms_conformance.apps.sdk.results import StepResult
from kms_conformance.apps.sdk.steps import CREATE, EXPIRED, Step, steps, with_wrong_credentials
from kms_conformance.apps.sdk.vendor_clients import VendorClient
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.wire.messages import Request

PLAINTEXT = "grüezi"
_READ_ONLY = frozenset({"describe", "list"})
_POLL_SECONDS = 0.2
# After this number of full waits in which a wrong result stayed wrong, later waits are a tenth as long.
_MOST_FULL_WAITS = 2


class ForeignKeyNamed(Exception):  # noqa: N818 - a fault of a client, not of this suite
    """A client's request names a key that this run did not create. The request was not sent."""


class StepRunner:
    """Runner of all steps for one client at one target."""

    def __init__(self, target_session: TargetSession, vendor_client: VendorClient, adapter: type[Driver]) -> None:
        self._target_session = target_session
        self._vendor_client = vendor_client
        self._adapter = adapter
        self._client = target_session.client
        self._profile = target_session.client.profile
        self._driver = adapter(target_session.target, target_session.client.dialect.scope)
        musts = (requirement.id for requirement in target_session.catalogue if requirement.level == "MUST")
        self._musts = target_session.applicable & frozenset(musts)
        self._key: str | None = None
        # The id in the reply to the create request. If the key is not proved to be ours, it is only read.
        self._named: str | None = None
        # The last known state of the key; None if it must be read.
        self._state: str | None = None
        self._ciphertext: object = None
        self._full_waits = 0

    def run(self, *, to_the_end: bool) -> Iterator[StepResult]:
        """Run all steps in order.

        With `to_the_end`, and if the target's clock can be moved, the last step follows: the waiting period ends, and
        the key is deleted.
        """
        yield self._create()
        for step in steps(self._profile, self._target_session.pool.days):
            yield self._step(step, self._driver)
        yield from self._wrong_credentials()
        if to_the_end and self._target_session.time.offered:
            yield self._expire()

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _create(self) -> StepResult:
        pool = self._target_session.pool
        blank = _blank(CREATE, self._driver)
        if pool.room <= 0:
            with suppress(Inconclusive):
                self._key = pool.take(ENABLED).id
            return replace(blank, verdict="inconclusive", reason="limits.max_keys allows no further key.")
        call, found, problem = self._create_through_client()
        if call is None:
            return replace(blank, verdict="inconclusive", reason="" if problem is None else problem.reason)
        named = [self._client.dialect.created_id(answer.value) for answer in call.answers]
        self._named = next((key for key in named if key is not None), None)
        result = self._decide(CREATE, call, ExpectedSuccess("create", self._named))
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

    def _create_through_client(self) -> tuple[ClientCall | None, str | None, Inconclusive | None]:
        """Create a key through the client: the call, the id of the new key, and the reason if there is no key."""
        pool = self._target_session.pool
        calls: list[ClientCall] = []
        markers: list[str] = []

        def send(marker: str) -> Answer:
            calls.append(self._call(self._driver, "create", **self._client.dialect.naming(marker)))
            answers = calls[0].answers
            if not answers:
                raise Inconclusive("The client sent no request that the target answered.")
            markers.append(marker)
            return answers[-1]

        try:
            _, found = pool.attempt(send)
            if len(calls[0].answers) > 1:
                # If the client sent the create request twice, it may have created two keys; both must be recorded.
                pool.find_by_marker(markers[0])
        except Inconclusive as error:
            return (calls[0] if calls else None), None, error
        return calls[0], found, None

    def _step(self, step: Step, driver: Driver) -> StepResult:
        blank = _blank(step, driver)
        if step.operation not in driver.calls:
            return blank
        try:
            self._prepare(step)
        except Inconclusive as error:
            return replace(blank, verdict="inconclusive", reason=f"The key could not be prepared: {error.reason}")
        if step.operation == "decrypt" and self._ciphertext is None:
            return replace(blank, verdict="inconclusive", reason="There is no ciphertext because encrypt failed.")
        try:
            arguments = self._arguments(step)
            if step.key != "own" and step.operation not in _READ_ONLY:
                self._client.look_up_absent(str(arguments["key_id"]))
        except Inconclusive as error:
            return replace(blank, verdict="inconclusive", reason=error.reason)
        result = self._call_and_judge(step, driver, arguments)
        changes = step.operation not in _READ_ONLY and step.key == "own" and not step.wrong_credentials
        if changes and result.verdict in ("passed", "known_trap"):
            read_back = self._read(step, driver, Step(step.title, "describe", then=step.then or step.needs))
            result = result if read_back.verdict == "passed" else read_back
        as_known = result.verdict in ("passed", "known_trap")
        self._state = (step.then or step.needs) if as_known else None
        return result

    def _prepare(self, step: Step) -> None:
        """Bring the key into the state that a step needs. Raises `Inconclusive` if that fails."""
        if self._key is None:
            if step.operation not in _READ_ONLY or step.needs != ENABLED or self._named is None:
                raise Inconclusive("There is no key of ours.")
            return
        if self._state != step.needs and self._target_session.pool.bring(self._key, step.needs) is None:
            raise Inconclusive("The key is gone.")
        self._state = step.needs

    def _wrong_credentials(self) -> Iterator[StepResult]:
        target = self._target_session.target
        if target.auth.wrong_value is None or not self._profile.facts.get("checks_credentials", True):
            return
        field, refusal = target.auth.wrong_value
        wrong: dict[str, Any] = {field: secrets.token_hex(16)}
        stranger = self._adapter(replace(target, auth=replace(target.auth, **wrong)), self._client.dialect.scope)
        for step in with_wrong_credentials(refusal):
            yield self._step(step, stranger)

    def _expire(self) -> StepResult:
        blank = _blank(EXPIRED, self._driver)
        pool = self._target_session.pool
        if self._key is None:
            return replace(blank, verdict="inconclusive", reason="There is no key of ours to wait for.")
        try:
            view = pool.bring(self._key, PENDING, self._profile.window.minimum)
            if view is None or view.deletion_at is None:
                raise Inconclusive("The target returns no deletion date of the key.")  # noqa: TRY301
            ahead = (view.deletion_at - self._target_session.time.now()).total_seconds()
            self._target_session.time.advance(max(ahead, 0) + self._profile.deletion.gone_within_seconds + 1)
            result = self._read(EXPIRED, self._driver, EXPIRED)
            pool.drop_if_gone(self._key)
        except Inconclusive as error:
            return replace(blank, verdict="inconclusive", reason=error.reason)
        return result

    # --- one call -----------------------------------------------------------------------------------------------------

    def _call_and_judge(self, step: Step, driver: Driver, arguments: Mapping[str, object]) -> StepResult:
        if step.operation in _READ_ONLY:
            return self._read(step, driver, step)
        call = self._call(driver, step.operation, **arguments)
        if step.operation == "encrypt" and isinstance(call.outcome, CallResult):
            self._ciphertext = call.outcome.secret
        return self._decide(step, call, self._expectation(step))

    def _read(self, step: Step, driver: Driver, reading: Step) -> StepResult:
        """Describe or list until the result is as expected, or until the profile's settle time has passed."""
        expectation = self._expectation(reading)
        # The settle time of the profile: for that long, a read may show the key as it was before a change.
        settle_seconds = self._profile.settle_seconds / (1 if self._full_waits < _MOST_FULL_WAITS else 10)
        deadline = time.monotonic() + (settle_seconds if reading.key == "own" and not reading.wrong_credentials else 0)
        while True:
            call = self._call(driver, reading.operation, **self._arguments(reading))
            result = self._decide(step, call, expectation)
            if result.verdict != "target":
                return result
            if time.monotonic() >= deadline:
                self._full_waits += 1
                return result
            time.sleep(_POLL_SECONDS)

    def _call(self, driver: Driver, operation: str, **arguments: Any) -> ClientCall:  # noqa: ANN401
        return make_call(self._client, self._musts, self._admit, driver, operation, **arguments)

    def _admit(self, request: Request) -> None:
        """Raise `ForeignKeyNamed` if a request names a key older than this run; else wait for the request rate."""
        said = (unquote(request.url) + request.body.decode("utf-8", "replace")).casefold()
        pool = self._target_session.pool
        if any(key.casefold() in said for key in pool.preexisting - pool.held):
            raise ForeignKeyNamed("a request that names a key that this run did not create")
        self._client.session.wait_for_pace()

    def _decide(self, step: Step, call: ClientCall, expectation: Expectation) -> StepResult:
        return replace(judge_call(call, expectation, self._client, self._vendor_client), title=step.title)

    def _arguments(self, step: Step) -> dict[str, object]:
        if step.operation == "list":
            return {}
        if step.operation == "decrypt":
            return {"ciphertext": self._ciphertext}
        named = {
            "own": self._key or self._named,
            "unknown": self._client.dialect.unknown_key(),
            "malformed": self._client.dialect.malformed_keys[0],
        }
        arguments: dict[str, object] = {"key_id": named[step.key]}
        if step.window is not None:
            arguments["window"] = step.window
        if step.operation == "encrypt":
            arguments["plaintext"] = PLAINTEXT
        return arguments

    def _expectation(self, step: Step) -> Expectation:
        if step.refusal is not None:
            return ExpectedRefusal(self._profile.refusal(step.refusal), self._vendor_client.error_of(step.refusal))
        if step.operation == "describe":
            state = step.then or step.needs
            return ExpectedSuccess("describe", self._key or self._named, state, dated=state == PENDING)
        return ExpectedSuccess(
            step.operation,
            self._key or self._named,
            step.then,
            secret=PLAINTEXT if step.operation == "decrypt" else None,
        )


def _blank(step: Step, driver: Driver) -> StepResult:
    """The result of a step before any call, with the verdict "absent": the client has no such call."""
    return StepResult(step.title, step.operation, driver.calls.get(step.operation, ""), "absent")
