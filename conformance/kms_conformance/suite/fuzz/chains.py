"""Chains: sequences of requests along the links of the spec, in which replies supply values of later requests."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.oracle import ENABLED
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.fuzz.chain_steps import ChainStep, drawn_chains, with_values
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.fuzzed_check import FuzzedCheck
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.review import LostReplies, Reviewer
from kms_conformance.suite.fuzz.targeting import Targeting

# Of the requests that name a key, the share that gets the key of the chain. All others keep the key that was generated
# or taken from an earlier reply.
_OURS = 0.8
# The name under which a recording stores the steps of chains; None in place of a step begins a new chain.
_PURPOSE = "chains"


def walk_chains(kms: FuzzedCheck) -> None:
    """Run chains along the spec's links. A chain creates no key: it begins with an enabled key of the run.

    Raises `Inconclusive` if no request could be sent. If an error ended the chains early, this error is raised.
    """
    generator = Generator.of(kms.profile.dialect, kms.profile.name)
    walker = Walker(kms, generator)
    recorded = kms.client.world.draws.recorded(_PURPOSE)
    if recorded is None:
        for step in drawn_chains(generator, kms.effort.chains, kms.seed, kms.cache):
            walker.take(step)
    else:
        for step in recorded:
            walker.repeat(step)
    if walker.problem is not None:
        raise walker.problem
    if walker.asked == 0:
        raise Inconclusive("No chain was tested: none of its requests could be sent.")


class Walker:
    """Sends and judges the requests of chains.

    An error is kept in `problem`, and the requests after it are not sent. `asked` is the number of requests that were
    sent.
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
        self._ciphertext: str | None = None
        self.asked = 0
        self.problem: Exception | None = None

    def begin(self) -> None:
        """Start a chain with an enabled key."""
        if self.problem is not None:
            return
        self._draws.drew(_PURPOSE, None)
        self._ciphertext = None
        try:
            self._key = self._kms.key(ENABLED)
        except Exception as problem:  # noqa: BLE001 - raised again after the last chain
            self.problem = problem
        self._views.clear()

    def take(self, step: ChainStep) -> None:
        """Take a drawn step; None begins a chain."""
        if step is None:
            self.begin()
        else:
            linked = with_values(Draft.from_json(step["draft"]), self._key, self._ciphertext)
            self._answer(step["operation"], linked, None)

    def repeat(self, recorded: Mapping[str, Any] | None) -> None:
        """Repeat a recorded step; None begins a chain."""
        if recorded is None:
            self.begin()
        else:
            named = None if recorded["named"] is None else Draft.from_json(recorded["named"])
            self._answer(recorded["operation"], Draft.from_json(recorded["draft"]), named)

    def _answer(self, name: str, draft: Draft, named: Draft | None) -> None:
        """Send a request. `named`: the same with the key of the chain, if it is known already."""
        if self.problem is not None:
            return
        operation = self._kms.client.api[name]
        try:
            answer = self._sent(operation, draft, named)
        except Lost as lost:
            self._lose(lost)
        except Exception as problem:  # noqa: BLE001 - raised again after the last chain, as in `begin`
            self.problem = problem
        else:
            if name == "encrypt" and answer is not None and answer.accepted:
                self._ciphertext = self._kms.dialect.secret_output(name, answer.value)

    def _lose(self, lost: Lost) -> None:
        try:
            self._lost.take(lost)
        except Inconclusive as problem:
            self.problem = problem
        # The request may have changed keys, so every key is read anew before the next request.
        self._views.clear()

    def _sent(self, operation: Operation, draft: Draft, named: Draft | None) -> Answer | None:
        targeting = self._targetings.get(operation.name)
        if targeting is None:
            targeting = Targeting(self._kms.dialect, self._kms.client.api, operation, self._random)
            self._targetings[operation.name] = targeting
        if not targeting.may_name_ours(draft) or self._random.random() >= _OURS:
            named = None
        elif named is None:
            named = targeting.named(draft, self._key)
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
