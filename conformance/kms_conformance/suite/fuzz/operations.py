"""Fuzzing of one operation: its generated requests are fitted to the target, sent and judged one after another.

Few requests create keys. Each of these is recorded in the ledger before it is sent, and carries our marker (the
description by which the suite recognises its own keys).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random

from kms_conformance import __version__
from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.core.tier import Effort
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.draw_cache import DrawCache
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.examples import KeptExample
from kms_conformance.suite.fuzz.fuzzed_check import FuzzedCheck
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.review import LostReplies, Reviewer
from kms_conformance.suite.fuzz.targeting import FittedRequest, Targeting

# The choices below are made by counting, not at random, so that each kind of request occurs even among few requests. In
# both tables, True stands for valid requests and False for invalid requests.
# One in this many requests that name a key names an unknown key. Invalid requests mostly name an existing key, because
# a target refuses an unknown key before it reads the invalid part.
_UNKNOWN = {True: 2, False: 8}
# If our key is in a state that forbids the operation, one in this many requests is sent nevertheless. Before all other
# requests, the key is brought into a state that allows the operation.
_AS_IT_IS = {True: 2, False: 4}
# operation -> (an argument whose value depends on our key, the operation whose reply gives this value)
_TELLING = {"revoke_grant": ("grant_id", "create_grant"), "put_policy": ("policy", "get_policy")}
# Operations that set an alias. The alias is deleted after the request.
_NAMING = ("set_alias", "update_alias")
# One in this many valid requests keeps all its generated values. The others get values that depend on our keys, such as
# a ciphertext.
_NOTHING_OWN = 3
# After this many refused creates, the keys are listed to see whether a refused request has created one: a faulty target
# could fill the account.
_MOST_UNCHECKED = 10
#: The kind under which the ledger records keys that generated requests created. No check can use these keys.
KIND = "generated"
# A trial marker, to test whether a request can carry a marker before the ledger records the real marker.
_TRIAL = f"{MARKER_PREFIX}trial"


def fuzz_operation(kms: FuzzedCheck, name: str) -> None:
    """Send and judge the generated requests of one operation; the effort of the run limits their number."""
    generator = Generator.of(kms.profile.dialect, kms.profile.name)
    operation = kms.client.api[name]
    if name != "create":
        _ask_examples(kms, generator, operation)
    drafts = _drafts(kms, generator, operation)
    fuzzer = Fuzzer(kms, generator, operation)
    if name == "create":
        _create_once_in_a_while(kms, fuzzer, drafts)
        return
    for draft in drafts:
        fuzzer.attempt(draft)
    if kms.effort.fuzz_coverage:
        fuzzer.windows(drafts, kms.effort.fuzz_examples // 2)


def draw(generator: Generator, operation: Operation, effort: Effort, seed: int, cache: DrawCache) -> tuple[Draft, ...]:
    """The requests that a run with this effort and seed generates for an operation; drawn once a process."""
    return generator.drafts(
        operation.id, effort.fuzz_examples, seed, thorough=is_thorough(operation, effort), cache=cache
    )


def is_thorough(operation: Operation, effort: Effort) -> bool:
    """Whether the boundaries of an operation's fields are tested. Each create may cost a key, so not there."""
    return effort.fuzz_coverage and operation.name != "create"


def _drafts(kms: FuzzedCheck, generator: Generator, operation: Operation) -> tuple[Draft, ...]:
    """The generated requests; if a recording is played back, the requests of the recorded run."""
    draws, purpose = kms.client.world.draws, f"requests of {operation.id}"
    recorded = draws.recorded(purpose)
    if recorded is not None:
        return tuple(map(Draft.from_json, recorded))
    drafts = draw(generator, operation, kms.effort, kms.seed, kms.cache)
    for draft in drafts:
        draws.drew(purpose, draft.to_json())
    return drafts


def _ask_examples(kms: FuzzedCheck, generator: Generator, operation: Operation) -> None:
    """Send the kept examples of an operation. The generated requests after them are the same as without examples."""
    kept = [example.to_json() for example in kms.examples.of(kms.profile.dialect, operation.name)]
    fuzzer = None
    for raw in kms.client.world.draws.given(f"examples of {operation.id}", kept):
        fuzzer = fuzzer or Fuzzer(kms, generator, operation)
        fuzzer.repeat(KeptExample.from_json(raw))


def _create_once_in_a_while(kms: FuzzedCheck, fuzzer: Fuzzer, drafts: tuple[Draft, ...]) -> None:
    """Send generated creates, unless the ledger shows that they have passed and that a key from them may still exist.

    Only a pass with this version of the suite counts. Creates are not sent in every run, because no check can use the
    keys that they make.
    """
    ledger = kms.pool.ledger
    there = any(record.kind == KIND and record.may_exist for record in ledger.records().values())
    if there and ledger.recalls(KIND, __version__):
        kms.judge.recalls("reply.no-server-error")
        return
    fuzzer.create(drafts)
    if not kms.judge.failures and kms.judge.passes:
        ledger.note(KIND, __version__)


class Fuzzer:
    """Fits generated requests of one operation to the target and sends them; remembers the last view of each key."""

    def __init__(self, kms: FuzzedCheck, generator: Generator, operation: Operation) -> None:
        self._kms = kms
        self._operation = operation
        self._random = Random(f"{kms.seed} {operation.name}")  # noqa: S311 - repeatable, and nothing secret
        self._targeting = Targeting(kms.dialect, kms.client.api, operation, self._random)
        self._reviewer = Reviewer(kms, generator)
        self._views: dict[str, KeyView] = {}
        self._ciphertext: str | None = None
        self._turns: Counter[tuple[object, ...]] = Counter()
        self._lost = LostReplies()

    def windows(self, drafts: tuple[Draft, ...], count: int) -> None:
        """Schedule keys with windows at the bounds, just beyond them and far from them."""
        for draft in self._targeting.with_windows(drafts, count):
            known = len(self._kms.judge.failures)
            sent = self.attempt(draft, on_ours=True)
            if sent is not None:
                fitted, _, ours = sent
                self._reviewer.must_accept_good_window(*sent)
                self._keep(draft, fitted, ours, known, own_values=False)

    def repeat(self, example: KeptExample) -> None:
        """Send the request of a kept example, for a key of ours in the same state, and judge its answer."""
        draft, ours = example.draft, None
        if example.state is not None and self._targeting.may_name_ours(draft):
            ours = self._kms.pool.read_known(self._kms.key(example.state))
        self._send(draft, ours, self._own_values(ours) if example.own_values else {}, any_method=False)

    def attempt(self, draft: Draft, *, on_ours: bool = False) -> tuple[FittedRequest, Answer, KeyView | None] | None:
        """Send one request and judge its answer.

        With `on_ours` the request names a key of ours in a state that allows the operation. Returns the request, the
        answer, and the named key of ours as it was before the request. Returns None if the request cannot be sent, must
        not be sent, or got no reply.
        """
        ours = None
        if self._targeting.may_name_ours(draft):
            period = _UNKNOWN[draft.positive]
            unknown = self._turn("key", draft.positive) % period == period - 1
            ours = self._some_key(draft.positive, prepared=on_ours) if on_ours or not unknown else None
        own = self._own_values(ours) if draft.positive and self._turn("own") % _NOTHING_OWN < _NOTHING_OWN - 1 else {}
        return self._send(draft, ours, own)

    def _send(
        self, draft: Draft, ours: KeyView | None, own: Mapping[str, str], *, any_method: bool = True
    ) -> tuple[FittedRequest, Answer, KeyView | None] | None:
        fitted = self._targeting.fit(draft, ours, own, any_method=any_method)
        if fitted is None:
            return None
        known = len(self._kms.judge.failures)
        try:
            answer = self._answered(fitted, ours)
        finally:
            self._keep(draft, fitted, ours, known, own_values=bool(own))
        return None if answer is None else (fitted, answer, ours)

    def _answered(self, fitted: FittedRequest, ours: KeyView | None) -> Answer | None:
        try:
            answer = self._kms.client.send_if_allowed(fitted.request, self._operation)
        except Lost as lost:
            self._lost.take(lost)
            # The request may have changed keys, so every key is read anew before the next request.
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
        return answer

    def _keep(self, draft: Draft, fitted: FittedRequest, ours: KeyView | None, known: int, *, own_values: bool) -> None:
        """Keep a request as an example if it led to failures after the first `known`."""
        failures = self._kms.judge.failures[known:] if self._kms.examples.keeps else ()
        state = None if ours is None else ours.state
        if not failures or state not in (None, ENABLED, DISABLED, PENDING):
            return
        now = self._kms.client.world.clock.now()
        self._kms.examples.keep(
            KeptExample(
                self._kms.profile.dialect,
                self._operation.name,
                replace(draft, method=fitted.request.method),
                state,
                own_values,
                tuple(sorted({failure.requirement for failure in failures})),
                {"seed": self._kms.seed, "suite": __version__, "date": f"{now:%Y-%m-%d}"},
            )
        )

    def create(self, drafts: tuple[Draft, ...]) -> None:
        """Send requests that may create keys. Invalid requests go first, because accepted requests use up the limit."""
        creator = Creator(self._kms, self._operation, self._targeting)
        for draft in sorted(drafts, key=lambda draft: draft.positive):
            if not creator.may_create:
                return
            try:
                answer = creator.create(draft)
            except Lost as lost:
                self._lost.take(lost)
                continue
            if answer is not None:
                self._reviewer.judge_by_schemathesis(answer)

    def _some_key(self, positive: bool, *, prepared: bool) -> KeyView | None:  # noqa: FBT001 - the flag of a draft
        """A random key of ours, mostly in a state that allows the operation; None if it is gone."""
        pool = self._kms.pool
        key = self._random.choice(pool.keys) if pool.keys else self._kms.key()
        view = self._views.get(key) or pool.read_known(key)
        wanted = self._wanted_state(view.state)
        if wanted is not None and (prepared or self._turn("state", positive) % _AS_IT_IS[positive]):
            try:
                view = pool.bring(key, wanted) or view
            except Inconclusive:
                # Other checks judge whether the key can change its state. This request is sent in any state.
                view = pool.read_known(key)
        if view.state == GONE:
            pool.drop_if_gone(key)
            return None
        self._views[key] = view
        return view

    def _turn(self, *kind: object) -> int:
        """The number of earlier calls with the same kind."""
        self._turns[kind] += 1
        return self._turns[kind] - 1

    def _wanted_state(self, state: str) -> str | None:
        """The state into which a key is brought before the request.

        None if the present state allows the operation, or if no state allows it.
        """
        name, profile = self._operation.name, self._kms.profile
        allowed = [known for known in (ENABLED, DISABLED, PENDING) if profile.refusal_in(name, known) is None]
        return None if state in allowed or not allowed else allowed[0]

    def _own_values(self, ours: KeyView | None) -> dict[str, str]:
        """Values by argument that depend on our keys: a ciphertext, an alias, or a grant or the policy of `ours`."""
        kms = self._kms
        if self._targeting.takes("ciphertext") and "encrypt" in kms.client.api:
            if self._ciphertext is None:
                answer = kms.ask("encrypt", key_id=kms.key(ENABLED), plaintext="text")
                self._ciphertext = kms.dialect.secret_output("encrypt", answer.value)
            return {} if self._ciphertext is None else {"ciphertext": self._ciphertext}
        if self._operation.name in ("delete_alias", "update_alias"):
            alias = self._targeting.some_alias()
            return {"alias": alias} if kms.ask("set_alias", key_id=kms.key(ENABLED), alias=alias).accepted else {}
        if self._operation.name in _TELLING and ours is not None:
            argument, telling = _TELLING[self._operation.name]
            needed = {"grantee": kms.dialect.principal(ours.arn or ""), "grant_operations": ["DescribeKey"]}
            answer = kms.ask(telling, key_id=ours.id, **(needed if argument == "grant_id" else {}))
            told = kms.dialect.result(telling, answer.value) if answer.accepted else None
            return {argument: told} if isinstance(told, str) else {}
        return {}


class Creator:
    """Sends requests that create keys, as long as the run may create one more."""

    def __init__(self, kms: FuzzedCheck, operation: Operation, targeting: Targeting) -> None:
        self._kms = kms
        self._operation = operation
        self._targeting = targeting
        self._left = kms.effort.fuzz_creates

    @property
    def may_create(self) -> bool:
        """Whether the effort of this check and the limits of the run allow one more key."""
        return self._left > 0 and self._kms.pool.room > 0

    def create(self, draft: Draft) -> Answer | None:
        """Send a request that may create a key; None if nothing was sent. Raises `Inconclusive`."""
        if not self.may_create or self._targeting.mark(draft, _TRIAL) is None:
            return None

        def send(marker: str) -> Answer:
            fitted = self._targeting.mark(draft, marker)
            assert fitted is not None
            return self._kms.client.send(fitted.request, self._operation)

        answer, key = self._kms.pool.attempt(send, KIND)
        if key is not None:
            # No check can use this key, because its properties are arbitrary. It is scheduled at the end of the run.
            self._left -= 1
        elif self._kms.pool.unchecked_refusals >= _MOST_UNCHECKED and self._kms.pool.judge_refused_creates():
            self._left = 0
        elif not 400 <= answer.status < 500:
            # The reply leaves open whether a key was created. The ledger has a record of this, and no more creates are
            # sent.
            self._left = 0
        return answer
