"""One operation, fuzzed: its generated requests are fitted to the target, sent, and judged one after another."""

from __future__ import annotations

from random import Random

from conformance.catalogue.api import Operation
from conformance.dialects.base import KeyView
from conformance.fuzz.creation import Creator
from conformance.fuzz.draft import Draft
from conformance.fuzz.generator import Generator
from conformance.fuzz.guard import foreign_keys, may_be_sent
from conformance.fuzz.review import Reviewer
from conformance.fuzz.tailor import Tailor
from conformance.judge import Inconclusive
from conformance.oracle import DISABLED, ENABLED, GONE, PENDING
from conformance.suite.scenario import Scenario

# How many of the requests that name a key name one of ours: what is wrong elsewhere shows only where the key exists.
_OURS = {True: 0.5, False: 0.9}  # by whether the request is valid
# How many of those find the key in a state that allows the operation.
_PREPARED = 0.7
# How often a valid request is given what only our own keys can give.
_OWN = 0.6


def fuzz_operation(kms: Scenario, name: str) -> None:
    """Send the generated requests of one operation, as many as the effort of the run allows."""
    generator = Generator.of(kms.profile.dialect, kms.profile.name)
    operation = kms.client.api[name]
    effort = kms.effort
    # A request to create a key may cost one, so there are few: no list of all boundaries is begun.
    thorough = effort.fuzz_coverage and name != "create"
    drafts = generator.drafts(operation.id, effort.fuzz_examples, kms.seed, thorough=thorough)
    fuzzer = Fuzzer(kms, generator, operation)
    if name == "create":
        fuzzer.create(drafts)
        return
    for draft in drafts:
        fuzzer.attempt(draft, _OURS[draft.positive])
    if effort.fuzz_coverage:
        fuzzer.windows(drafts, effort.fuzz_examples // 2)


class Fuzzer:
    """Fits and sends requests for one operation, and knows how our keys read before each of them."""

    def __init__(self, kms: Scenario, generator: Generator, operation: Operation) -> None:
        self._kms = kms
        self._operation = operation
        self._random = Random(f"{kms.seed} {operation.name}")  # noqa: S311 - repeatable, and nothing secret
        self._tailor = Tailor(kms.dialect, kms.client.api, operation, self._random)
        self._reviewer = Reviewer(kms, generator)
        self._foreign = foreign_keys(kms.pool, kms.others_at_entry)
        self._views: dict[str, KeyView] = {}
        self._ciphertext: str | None = None

    def windows(self, drafts: tuple[Draft, ...], count: int) -> None:
        """Ask for windows at the bounds, beyond them, and far from them, of keys that could be scheduled."""
        for draft in self._tailor.with_windows(drafts, count):
            self.attempt(draft, 1)

    def attempt(self, draft: Draft, share: float) -> None:
        """Send one request and judge its answer; one that cannot or must not be sent is passed over.

        Of those that may name a key of ours, this share does.
        """
        ours = None
        if self._tailor.may_name_ours(draft) and self._random.random() < share:
            ours = self._some_key()
        own = self._own_values() if draft.positive and self._random.random() < _OWN else {}
        fitted = self._tailor.fit(draft, ours, own)
        if fitted is None or not may_be_sent(fitted.request, self._operation.name, self._foreign):
            return
        answer = self._kms.client.send(fitted.request, self._operation)
        now = self._reviewer.review(fitted, answer, ours)
        if now is not None:
            self._views[str(now.id)] = now
        if self._operation.name == "set_alias" and answer.accepted and "delete_alias" in self._kms.client.api:
            for alias in fitted.fields["alias"]:
                self._kms.ask("delete_alias", alias=alias)

    def create(self, drafts: tuple[Draft, ...]) -> None:
        """Send requests that may create keys, those that must be refused first: one that is accepted ends it soon."""
        creator = Creator(self._kms, self._operation, self._tailor)
        for draft in sorted(drafts, key=lambda draft: draft.positive):
            if not creator.may_create:
                return
            answer = creator.create(draft)
            if answer is not None:
                self._reviewer.second_opinion(answer)

    def _some_key(self) -> KeyView | None:
        """A key of ours, mostly in a state that allows the operation; None if it is gone."""
        pool = self._kms.pool
        key = self._random.choice(pool.keys) if pool.keys else self._kms.key()
        view = self._views.get(key) or pool.read(key)
        wanted = self._wanted_state(view.state)
        if wanted is not None and self._random.random() < _PREPARED:
            try:
                view = pool.bring(key, wanted) or view
            except Inconclusive:
                # A target that does not let us prepare the key is judged elsewhere; here any state will do.
                view = pool.read(key)
        if view.state == GONE:
            pool.forget_if_gone(key)
            return None
        self._views[key] = view
        return view

    def _wanted_state(self, state: str) -> str | None:
        """The state to lead a key to before the request; None if the one it is in allows the operation."""
        name, profile = self._operation.name, self._kms.profile
        allowed = [known for known in (ENABLED, DISABLED, PENDING) if profile.refusal_in(name, known) is None]
        return None if state in allowed or not allowed else allowed[0]

    def _own_values(self) -> dict[str, str]:
        """What only our own keys can give to an operation: a text that one has encrypted, an alias that one has."""
        kms = self._kms
        if self._operation.name == "decrypt":
            if self._ciphertext is None:
                answer = kms.ask("encrypt", key_id=kms.key(ENABLED), plaintext="text")
                self._ciphertext = kms.dialect.secret_output("encrypt", answer.value)
            return {} if self._ciphertext is None else {"ciphertext": self._ciphertext}
        if self._operation.name == "delete_alias":
            alias = self._tailor.some_alias()
            return {"alias": alias} if kms.ask("set_alias", key_id=kms.key(ENABLED), alias=alias).accepted else {}
        return {}
