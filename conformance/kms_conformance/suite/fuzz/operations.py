"""One operation, fuzzed: its generated requests are fitted to the target, sent, and judged one after another."""

from __future__ import annotations

from collections import Counter
from random import Random

from kms_conformance import __version__
from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.fuzz.creation import KIND, Creator
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.limit import Limit
from kms_conformance.suite.fuzz.needs import Check
from kms_conformance.suite.fuzz.review import Reviewer
from kms_conformance.suite.fuzz.targeting import Fitted, Tailor

# Turns are counted, not drawn: there are few of them, and each kind of request has to be there.
# Of the valid requests that may name a key, the second of two names one that nobody has. Of those that are wrong
# elsewhere, the last of eight: what is wrong with them shows only where the key exists.
_UNKNOWN = {True: 2, False: 8}
# The first of so many finds our key in whatever state it is; for the others it is led to one that allows the operation.
_AS_IT_IS = {True: 2, False: 4}
# operation -> (what it takes that only our own key can give, the operation that tells it)
_TELLING = {"revoke_grant": ("grant_id", "create_grant"), "put_policy": ("policy", "get_policy")}
# What leaves an alias behind, which is taken away again.
_NAMING = ("set_alias", "update_alias")
# The last of so many valid requests is not given what only our own keys can give.
_NOTHING_OWN = 3


def fuzz_operation(kms: Check, name: str) -> None:
    """Send the generated requests of one operation, as many as the effort of the run allows."""
    generator = Generator.of(kms.profile.dialect, kms.profile.name)
    operation = kms.client.api[name]
    effort = kms.effort
    # A request to create a key may cost one, so there are few: no list of all boundaries is begun.
    thorough = effort.fuzz_coverage and name != "create"
    drafts = _drafts(kms, generator, operation, thorough=thorough)
    fuzzer = Fuzzer(kms, generator, operation)
    if name == "create":
        _create_once_in_a_while(kms, fuzzer, drafts)
        return
    for draft in drafts:
        fuzzer.attempt(draft)
    if effort.fuzz_coverage:
        fuzzer.windows(drafts, effort.fuzz_examples // 2)


def _drafts(kms: Check, generator: Generator, operation: Operation, *, thorough: bool) -> tuple[Draft, ...]:
    """The generated requests, or those that the recorded run had."""
    draws, purpose = kms.client.world.draws, f"requests of {operation.id}"
    recorded = draws.recorded(purpose)
    if recorded is not None:
        return tuple(map(Draft.from_json, recorded))
    drafts = generator.drafts(operation.id, kms.effort.fuzz_examples, kms.seed, thorough=thorough)
    for draft in drafts:
        draws.drew(purpose, draft.to_json())
    return drafts


def _create_once_in_a_while(kms: Check, fuzzer: Fuzzer, drafts: tuple[Draft, ...]) -> None:
    """Keys made by generated requests serve nothing else: as long as those of an earlier run wait, none is added."""
    ledger = kms.pool.ledger
    there = any(record.kind == KIND and record.there for record in ledger.records().values())
    if there and ledger.recalls(KIND, __version__):
        kms.judge.recalls("reply.no-server-error")
        return
    fuzzer.create(drafts)
    if not kms.judge.failures and kms.judge.passes:
        ledger.note(KIND, __version__)


class Fuzzer:
    """Fits and sends requests for one operation, and knows how our keys read before each of them."""

    def __init__(self, kms: Check, generator: Generator, operation: Operation) -> None:
        self._kms = kms
        self._operation = operation
        self._random = Random(f"{kms.seed} {operation.name}")  # noqa: S311 - repeatable, and nothing secret
        self._tailor = Tailor(kms.dialect, kms.client.api, operation, self._random)
        self._reviewer = Reviewer(kms, generator)
        self._views: dict[str, KeyView] = {}
        self._ciphertext: str | None = None
        self._turns: Counter[tuple[object, ...]] = Counter()
        self._limit = Limit()

    def windows(self, drafts: tuple[Draft, ...], count: int) -> None:
        """Ask for windows at the bounds, beyond them, and far from them, of keys that could be scheduled."""
        for draft in self._tailor.with_windows(drafts, count):
            sent = self.attempt(draft, on_ours=True)
            if sent is not None:
                self._reviewer.must_accept_good_window(*sent)

    def attempt(self, draft: Draft, *, on_ours: bool = False) -> tuple[Fitted, Answer, KeyView | None] | None:
        """Send one request and judge its answer; one that cannot or must not be sent is passed over.

        `on_ours` names a key of ours for certain, and in a state that allows the operation. Returns what was sent, the
        answer, and the key of ours as it was before.
        """
        ours = None
        if self._tailor.may_name_ours(draft):
            period = _UNKNOWN[draft.positive]
            unknown = self._turn("key", draft.positive) % period == period - 1
            ours = self._some_key(draft.positive, prepared=on_ours) if on_ours or not unknown else None
        own = self._own_values(ours) if draft.positive and self._turn("own") % _NOTHING_OWN < _NOTHING_OWN - 1 else {}
        fitted = self._tailor.fit(draft, ours, own)
        if fitted is None:
            return None
        try:
            answer = self._kms.client.send_if_allowed(fitted.request, self._operation)
        except Lost as lost:
            self._limit.take(lost)
            # It may have been carried out.
            self._views.clear()
            return None
        if answer is None:
            return None
        now = self._reviewer.review(fitted, answer, ours)
        if now is not None:
            self._views[str(now.id)] = now
        if self._operation.name in _NAMING and answer.accepted and "delete_alias" in self._kms.client.api:
            for alias in fitted.fields["alias"]:
                self._kms.ask("delete_alias", alias=alias)
        return fitted, answer, ours

    def create(self, drafts: tuple[Draft, ...]) -> None:
        """Send requests that may create keys, those that must be refused first: one that is accepted ends it soon."""
        creator = Creator(self._kms, self._operation, self._tailor)
        for draft in sorted(drafts, key=lambda draft: draft.positive):
            if not creator.may_create:
                return
            try:
                answer = creator.create(draft)
            except Lost as lost:
                self._limit.take(lost)
                continue
            if answer is not None:
                self._reviewer.second_opinion(answer)

    def _some_key(self, positive: bool, *, prepared: bool) -> KeyView | None:  # noqa: FBT001 - of a draft
        """A key of ours, mostly in a state that allows the operation; None if it is gone."""
        pool = self._kms.pool
        key = self._random.choice(pool.keys) if pool.keys else self._kms.key()
        view = self._views.get(key) or pool.read(key)
        wanted = self._wanted_state(view.state)
        if wanted is not None and (prepared or self._turn("state", positive) % _AS_IT_IS[positive]):
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

    def _turn(self, *kind: object) -> int:
        """How many calls for the same kind there were before this one."""
        self._turns[kind] += 1
        return self._turns[kind] - 1

    def _wanted_state(self, state: str) -> str | None:
        """The state to lead a key to before the request; None if the one it is in allows the operation."""
        name, profile = self._operation.name, self._kms.profile
        allowed = [known for known in (ENABLED, DISABLED, PENDING) if profile.refusal_in(name, known) is None]
        return None if state in allowed or not allowed else allowed[0]

    def _own_values(self, ours: KeyView | None) -> dict[str, str]:
        """What only our own keys can give: an encrypted text, an alias, a grant on the key `ours`, its policy."""
        kms = self._kms
        if self._tailor.takes("ciphertext"):
            if self._ciphertext is None:
                answer = kms.ask("encrypt", key_id=kms.key(ENABLED), plaintext="text")
                self._ciphertext = kms.dialect.secret_output("encrypt", answer.value)
            return {} if self._ciphertext is None else {"ciphertext": self._ciphertext}
        if self._operation.name in ("delete_alias", "update_alias"):
            alias = self._tailor.some_alias()
            return {"alias": alias} if kms.ask("set_alias", key_id=kms.key(ENABLED), alias=alias).accepted else {}
        if self._operation.name in _TELLING and ours is not None:
            argument, telling = _TELLING[self._operation.name]
            needed = {"grantee": kms.dialect.principal(ours.arn or ""), "grant_operations": ["DescribeKey"]}
            answer = kms.ask(telling, key_id=ours.id, **(needed if argument == "grant_id" else {}))
            told = kms.dialect.result(telling, answer.value) if answer.accepted else None
            return {argument: told} if isinstance(told, str) else {}
        return {}
