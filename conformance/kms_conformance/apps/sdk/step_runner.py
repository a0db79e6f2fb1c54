"""Runs the steps through one client; our own requests prepare the key, all other calls are made by the client."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from kms_conformance.apps.sdk.call import ClientCall, judge_call, make_call
from kms_conformance.apps.sdk.driver import CallResult, Driver
from kms_conformance.apps.sdk.expectations import Expectation, ExpectedRefusal, ExpectedSuccess
from kms_conformance.apps.sdk.open_forms import OpenForms
from kms_conformance.apps.sdk.repeating import CallRepeater
from kms_conformance.apps.sdk.results import StepResult
from kms_conformance.apps.sdk.second_opinion import SecondOpinion, told
from kms_conformance.apps.sdk.steps import CREATE, EXPIRED, Step, steps, with_wrong_credentials
from kms_conformance.apps.sdk.vendor_clients import VendorClient
from kms_conformance.catalogue.api import USES
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Undecided
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.wire.messages import Request

PLAINTEXT = "grüezi"
_READ_ONLY = frozenset({"describe", "list"})
# The lowest status of a refusal.
_REFUSED = 400


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
        self._forms = OpenForms(self._client.dialect, self._profile)
        self._repeater = CallRepeater(target_session.client, target_session.pool)
        self._opinion = SecondOpinion(target_session)

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
            return replace(blank, verdict="inconclusive", reason="" if problem is None else told(problem))
        named = [self._client.dialect.created_id(answer.value) for answer in call.answers]
        self._named = next((key for key in named if key is not None), None)
        result = self._decide(CREATE, call, ExpectedSuccess("create", self._named))
        if found is not None:
            pool.keys.append(found)
            self._key, self._state = found, ENABLED
        # A plain run does not judge a create that is refused: the quota may be used up.
        refused = call.last is not None and call.last.status >= _REFUSED
        try:
            if problem is None and self._key is None:
                self._key = pool.create_new() if refused else pool.create()
        except Inconclusive as error:
            problem = error
        if problem is not None and (refused or not result.is_told):
            numbers = (self._client.exchange_log.count, *result.exchanges)
            return replace(result, verdict="inconclusive", reason=told(problem), requirements=(), exchanges=numbers)
        return result

    def _create_through_client(self) -> tuple[ClientCall | None, str | None, Inconclusive | None]:
        """Create a key through the client: the call, the id of the new key, and the reason if there is no key."""
        pool = self._target_session.pool
        calls: list[ClientCall] = []
        markers: list[str] = []

        def send(marker: str) -> Answer:
            call = self._call(self._driver, "create", **self._client.dialect.naming(marker))
            calls.append(call)
            markers.append(marker)
            if call.last is None:
                raise Inconclusive("The client sent no request that the target answered.")
            if self._client.internal_errors.concerns(call.last):
                # The pool looks for the key, and calls again if there is none.
                raise Undecided(f"create got {call.last.summary}, and may have been carried out.", "", call.last)
            return call.last

        try:
            _, found = pool.attempt(send)
            if len(calls[-1].answers) > 1:
                # If the client sent the create request twice, it may have created two keys; both must be recorded.
                pool.find_by_marker(markers[0])
        except Inconclusive as error:
            return (calls[-1] if calls else None), None, error
        return calls[-1], found, None

    def _step(self, step: Step, driver: Driver) -> StepResult:
        blank = _blank(step, driver)
        if step.operation not in driver.calls:
            return blank
        before = self._client.exchange_log.count
        try:
            self._prepare(step)
        except Inconclusive as error:
            return self._unprepared(blank, f"The key could not be prepared: {told(error)}", before)
        if step.operation == "decrypt" and self._ciphertext is None:
            return replace(blank, verdict="inconclusive", reason="There is no ciphertext because encrypt failed.")
        try:
            if step.key != "own" and step.operation not in _READ_ONLY:
                self._client.look_up_absent(str(self._arguments(step)["key_id"]))
        except Inconclusive as error:
            return self._unprepared(blank, told(error), before)
        result = self._settled(step, driver, step)
        changes = step.operation not in _READ_ONLY and step.key == "own" and not step.wrong_credentials
        if changes and result.verdict in ("passed", "known_trap"):
            read_back = self._settled(step, driver, Step(step.title, "describe", then=step.then or step.needs))
            if read_back.verdict != "passed":
                result = replace(read_back, exchanges=(*result.exchanges, *read_back.exchanges))
        as_known = result.verdict in ("passed", "known_trap")
        self._state = (step.then or step.needs) if as_known else None
        return result

    def _unprepared(self, blank: StepResult, reason: str, before: int) -> StepResult:
        """A step whose call was not made; it cites our own last exchange if there is one after the number `before`."""
        last = self._client.exchange_log.count
        return replace(blank, verdict="inconclusive", reason=reason, exchanges=(last,) if last > before else ())

    def _prepare(self, step: Step) -> None:
        """Bring the key into the state that a step needs. Raises `Inconclusive` if that fails."""
        if self._key is None:
            if step.operation not in _READ_ONLY or step.needs != ENABLED or self._named is None:
                raise Inconclusive("There is no key of ours.")
            return
        if self._state != step.needs and self._bring(self._key, step.needs) is None:
            raise Inconclusive("The key is gone.")
        self._state = step.needs

    def _bring(self, key: str, state: str, days: int | None = None) -> KeyView | None:
        """Bring a key into a state from the one in which the last step left it; None if the key is gone.

        A read may lag behind. Without a wait for the state that the last step left, a key could read as in the wanted
        state already, because it was in that state before.
        """
        pool = self._target_session.pool
        if self._state is not None:
            view = pool.read_until(key, lambda view: view.state == self._state)
            if view.state == self._state:
                pool.settle(key, view, "describe.reply")
        return pool.bring(key, state, days)

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
        blank, before = _blank(EXPIRED, self._driver), self._client.exchange_log.count
        pool = self._target_session.pool
        if self._key is None:
            return replace(blank, verdict="inconclusive", reason="There is no key of ours to wait for.")
        try:
            view = self._bring(self._key, PENDING, self._profile.window.minimum)
            if view is None or view.deletion_at is None:
                raise Inconclusive("The target returns no deletion date of the key.")  # noqa: TRY301
            ahead = (view.deletion_at - self._target_session.time.now()).total_seconds()
            self._target_session.time.advance(max(ahead, 0) + self._profile.deletion.gone_within_seconds + 1)
            result = self._settled(EXPIRED, self._driver, EXPIRED)
            pool.drop_if_gone(self._key)
        except Inconclusive as error:
            return self._unprepared(blank, told(error), before)
        return result

    # --- one call -----------------------------------------------------------------------------------------------------

    def _settled(self, step: Step, driver: Driver, asked: Step) -> StepResult:
        """Make the call `asked` until its result stands; the result is that of `step`.

        A result that another moment may reverse is final after the settle time; see `Patience`. A refusal is a fault of
        the target only if a plain run would judge it.
        """
        arguments, expectation = self._arguments(asked), self._expectation(asked)
        changes = asked.operation not in self._client.api.harmless

        own = asked.key == "own" and not asked.wrong_credentials

        def look() -> tuple[ClientCall, StepResult]:
            call = self._repeater.made(
                lambda: self._call(driver, asked.operation, **arguments), self._key if own else None, asked.needs
            )
            return call, self._decide(step, call, expectation)

        try:
            if own:
                call, result = self._client.patience.until(
                    asked.operation, look, self._stands, use=asked.operation in USES, once=changes
                )
            else:
                call, result = look()
        except Inconclusive as error:
            return replace(_blank(step, driver), verdict="inconclusive", reason=told(error))
        if asked.operation == "encrypt" and isinstance(call.outcome, CallResult):
            self._ciphertext = call.outcome.secret
        if result.verdict == "passed" and own and asked.operation == "describe" and call.last is not None:
            self._note_view(call.last)
        return result if asked.wrong_credentials else self._confirmed(result, call, arguments)

    def _note_view(self, answer: Answer) -> None:
        """Note how the key reads, so that our own next read waits until it reads so again; a reply may lag behind."""
        if self._key is not None and answer.accepted:
            self._target_session.pool.settle(self._key, self._client.dialect.key(answer.value), "describe.reply")

    def _stands(self, found: tuple[ClientCall, StepResult]) -> bool:
        """Whether the result is not one that may follow the state before the last change."""
        call, result = found
        late = call.last is not None and not call.has_fault and self._client.may_be_late(call.last)
        return result.verdict != "target" or not late

    def _confirmed(self, result: StepResult, call: ClientCall, arguments: Mapping[str, object]) -> StepResult:
        """The result; inconclusive if a refusal was to be a fault of the target, and a plain run would not judge it."""
        if result.verdict != "target" or call.last is None or call.last.status < _REFUSED:
            return result
        unjudged = self._opinion.on(call.operation, arguments)
        if unjudged is None:
            return result
        exchanges = (unjudged.exchange, *result.exchanges)
        return replace(result, verdict="inconclusive", reason=unjudged.reason, requirements=(), exchanges=exchanges)

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
        result = judge_call(call, expectation, self._client, self._vendor_client, self._forms)
        for answer in call.answers:
            self._forms.note(answer)
        return replace(result, title=step.title)

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
