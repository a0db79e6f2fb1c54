"""Chains: sequences of requests along the links of the spec, in which replies supply values of later requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import hypothesis
import schemathesis
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.oracle import ENABLED
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.fuzzed_check import FuzzedCheck
from kms_conformance.suite.fuzz.generator import Generator, settings_for
from kms_conformance.suite.fuzz.review import LostReplies, Reviewer
from kms_conformance.suite.fuzz.schemathesis_checks import response
from kms_conformance.suite.fuzz.targeting import Targeting

# The number of requests in a chain: enough to schedule, cancel and schedule again with other requests in between.
_STEPS = 10
# Hypothesis ends all chains with `Flaky` if a chain that it repeats meets other replies than before. The remaining
# chains are then started with another seed; this is the largest number of starts.
_ATTEMPTS = 4
# Of the requests that name a key, the share that gets the key of the chain. All others keep the key that was generated
# or taken from an earlier reply.
_OURS = 0.8
# The name under which a recording stores the steps of chains; None in place of a step begins a new chain.
_PURPOSE = "chains"
_FROM_BODY = "$response.body#/"


def walk_chains(kms: FuzzedCheck) -> None:
    """Run chains along the spec's links. A chain creates no key: it begins with an enabled key of the run.

    Raises `Inconclusive` if no request could be sent. If an error ended the chains early, this error is raised.
    """
    generator = Generator.of(kms.profile.dialect, kms.profile.name)
    walker = Walker(kms, generator)
    recorded = kms.client.world.draws.recorded(_PURPOSE)
    if recorded is None:
        _draw_chains(kms, generator, walker)
    else:
        for step in recorded:
            walker.repeat(step)
    if walker.problem is not None:
        raise walker.problem
    if walker.asked == 0:
        raise Inconclusive("No chain was tested: none of its requests could be sent.")


def _draw_chains(kms: FuzzedCheck, generator: Generator, walker: Walker) -> None:
    for attempt in range(_ATTEMPTS):
        left = kms.effort.chains - walker.begun
        if left <= 0 or _walk(walker, generator, kms.seed + attempt, left):
            return


def _walk(walker: Walker, generator: Generator, seed: int, chains: int) -> bool:
    """Run `chains` chains; returns False if Hypothesis ended them early."""
    machine = type("Chain", (_Chain, generator.schema.as_state_machine()), {"walker": walker})
    hypothesis.seed(seed)(machine)
    # Hypothesis raises `Flaky` if a repeated chain meets other replies than before, because a target has state. The
    # judgements made so far count, and the caller runs the remaining chains with another seed.
    try:
        run_state_machine_as_test(machine, settings=settings_for(chains, _STEPS))
    except Flaky:
        return False
    return True


class _Chain:
    """Mix-in for the state machine that Schemathesis builds from the links: it sends requests through the walker."""

    walker: Walker

    def setup(self) -> None:
        self.walker.begin()

    def call(self, case: schemathesis.Case[Any], **_: object) -> schemathesis.Response:
        return self.walker.reply_to(case)

    def validate_response(self, *_: object, **__: object) -> None:
        """Do nothing: the walker has judged the reply."""


class _Step(Protocol):
    """One request of a chain. `draft` is None if it cannot be sent; `naming` puts the chain's key into the draft."""

    @property
    def draft(self) -> Draft | None: ...

    def naming(self, targeting: Targeting, key: str) -> Draft: ...


@dataclass(frozen=True)
class _Drawn:
    """A step that Schemathesis generated."""

    case: schemathesis.Case[Any]
    generator: Generator

    @property
    def draft(self) -> Draft | None:
        return self.generator.draft(self.case)

    def naming(self, targeting: Targeting, key: str) -> Draft:
        # The key is written into the case itself, because links read their values there.
        targeting.name_in(self.case.query, self.case.body, key)
        draft = self.draft
        assert draft is not None
        return draft


@dataclass(frozen=True)
class _Repeated:
    """A step from a recording."""

    recorded: Mapping[str, Any]

    @property
    def draft(self) -> Draft:
        return Draft.from_json(self.recorded["draft"])

    def naming(self, targeting: Targeting, key: str) -> Draft:
        del targeting, key
        return Draft.from_json(self.recorded["named"])


class Walker:
    """Sends and judges the requests of chains.

    An error is kept in `problem` and not raised into Hypothesis, which would try to reproduce the error. `begun` is the
    number of chains that were begun, `asked` the number of requests that were sent.
    """

    def __init__(self, kms: FuzzedCheck, generator: Generator) -> None:
        self._kms = kms
        self._draws = kms.client.world.draws
        self._generator = generator
        self._reviewer = Reviewer(kms, generator)
        self._random = Random(kms.seed)  # noqa: S311 - repeatable, and nothing secret
        self._targetings: dict[str, Targeting] = {}
        self._views: dict[str, KeyView] = {}
        self._key = ""
        self._lost = LostReplies()
        self.begun = 0
        self.asked = 0
        self.problem: Exception | None = None

    def begin(self) -> None:
        """Start a chain with an enabled key."""
        self.begun += 1
        if self.problem is not None:
            return
        self._draws.drew(_PURPOSE, None)
        try:
            self._key = self._kms.key(ENABLED)
        except Exception as problem:  # noqa: BLE001 - raised again when Hypothesis is done
            self.problem = problem
        self._views.clear()

    def reply_to(self, case: schemathesis.Case[Any]) -> schemathesis.Response:
        """The target's reply to a step; a 404 without content if nothing was sent."""
        operation = self._generator.ours(case)
        if self.problem is None and operation.name == "create":
            return response(operation.success[0], json.dumps(self._as_created(operation)).encode())
        answer = self._answered(operation, _Drawn(case, self._generator))
        if answer is None:
            return response(404, b"{}")
        return response(answer.reply.status, answer.reply.body, answer.reply.headers)

    def repeat(self, recorded: Mapping[str, Any] | None) -> None:
        """Repeat a recorded step; None begins a chain."""
        if recorded is None:
            self.begin()
        else:
            self._answered(self._kms.client.api[recorded["operation"]], _Repeated(recorded))

    def _answered(self, operation: Operation, step: _Step) -> Answer | None:
        """The answer to a step; None if no request was sent or no reply came."""
        if self.problem is not None:
            return None
        try:
            return self._sent(operation, step)
        except Lost as lost:
            self._lose(lost)
        except Exception as problem:  # noqa: BLE001 - raised again when Hypothesis is done, as in `begin`
            self.problem = problem
        return None

    def _lose(self, lost: Lost) -> None:
        try:
            self._lost.take(lost)
        except Inconclusive as problem:
            self.problem = problem
        # The request may have changed keys, so every key is read anew before the next request.
        self._views.clear()

    def _sent(self, operation: Operation, step: _Step) -> Answer | None:
        targeting = self._targetings.get(operation.name)
        if targeting is None:
            targeting = Targeting(self._kms.dialect, self._kms.client.api, operation, self._random)
            self._targetings[operation.name] = targeting
        draft, named = step.draft, None
        if draft is None:
            return None
        if targeting.may_name_ours(draft) and self._random.random() < _OURS:
            named = step.naming(targeting, self._key)
        drawn = {"operation": operation.name, "draft": draft.to_json()}
        self._draws.drew(_PURPOSE, drawn | {"named": None if named is None else named.to_json()})
        draft = named or draft
        ours = self._view(targeting.key_in(draft))
        fitted = targeting.fit(draft, ours, {})
        if fitted is None:
            return None
        try:
            answer = self._kms.client.send_if_allowed(fitted.request, operation)
        except Lost:
            self.asked += 1
            raise
        if answer is None:
            return None
        self.asked += 1
        now = self._reviewer.review(fitted, answer, ours)
        if now is not None:
            self._views[str(now.id)] = now
        return answer

    def _view(self, key: object) -> KeyView | None:
        if not isinstance(key, str) or key not in self._kms.pool.keys:
            return None
        if key not in self._views:
            self._views[key] = self._kms.pool.read_known(key)
        return self._views[key]

    def _as_created(self, operation: Operation) -> dict[str, Any]:
        """The body of a made-up reply to `create`: the chain's key stands wherever a link reads a value."""
        body: dict[str, Any] = {}
        raw = self._kms.client.api.document["paths"][operation.path][operation.method.lower()]
        for expression in _texts(raw["responses"][str(operation.success[0])].get("links", {})):
            if expression.startswith(_FROM_BODY):
                *steps, last = expression.removeprefix(_FROM_BODY).split("/")
                node = body
                for step in steps:
                    node = node.setdefault(step, {})
                node[last] = self._key
        return body


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _texts(child)
