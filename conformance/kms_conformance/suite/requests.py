"""Requests of a check: gets keys, sends operations, and repeats what another moment may answer otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from kms_conformance.auth.sabotage import AsSigned
from kms_conformance.catalogue.api import USES
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Judge, Lacking, Stop
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import ENABLED, GONE, PENDING, UNAVAILABLE, Oracle
from kms_conformance.client.target_client import Client
from kms_conformance.client.time_control import Moment, TimeControl
from kms_conformance.core.tier import Effort
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.elapsed import Elapsed
from kms_conformance.keys.pool import Pool
from kms_conformance.keys.reader import shown
from kms_conformance.keys.transitions import Taken
from kms_conformance.suite.draw_cache import SHIPPED_ONLY, DrawCache
from kms_conformance.suite.fuzz.examples import NO_EXAMPLES, ExampleFolder

T = TypeVar("T")

_LEFT_OUT = "docs/certify-your-emulator.md#operations-that-you-do-not-offer"
_NAME_IT = (
    "If the service does not offer it, put its name with underscores under `lacks` in a profile of your own: "
    f"{_LEFT_OUT}."
)
# How often a use is asked that was served just after a change and then refused, once nothing may be late any more.
_USES_WHEN_SETTLED = 20
#: The name of the tag that checks give to keys.
TAG = "kms-conformance"


@dataclass
class Requests:
    """The keys and requests of one check at one target.

    - `others_before`: the keys of others as they were before the run, by id.
    - `others_since`: the moment before the first of them was read.
    - `plant`, `rescue`: the options of the command `run` with these names.
    - `sharded`: true if this run is one shard of several at the same target.
    - `cache`: generated values that need not be generated again.
    - `examples`: generated requests that failed in earlier runs.
    """

    client: Client
    pool: Pool
    time: TimeControl
    judge: Judge
    effort: Effort
    seed: int
    others_before: Mapping[str, KeyView] = field(default_factory=dict)
    plant: bool = False
    rescue: bool = False
    sharded: bool = False
    others_since: Moment | None = None
    cache: DrawCache = SHIPPED_ONLY
    examples: ExampleFolder = NO_EXAMPLES

    def __post_init__(self) -> None:
        self.profile = self.client.profile
        self.window = self.profile.window
        self.days = self.pool.days
        # The states that `cancel.effect` accepts after a cancel: all but pending deletion.
        states = self.profile.facts["states"]
        self.states_after_cancel = tuple(state for state in states if state not in (PENDING, UNAVAILABLE))
        self.dialect = self.client.dialect
        self.chance = self.client.world.chance
        self.oracle = Oracle(self.profile)
        # The last request that `ask` sent, by the number of its exchange: (operation, arguments).
        self._asked: dict[int, tuple[str, dict[str, object]]] = {}

    def elapsed(self, since: Moment | None = None) -> Elapsed:
        """The time that has passed for keys since a moment, by default the present one."""
        tolerance = timedelta(seconds=self.profile.deletion.date_tolerance_seconds)
        return Elapsed(self.time, since or self.time.mark(), tolerance, self.pool.moving_fields)

    def taken(self, asked_at: datetime, answer: Answer) -> Taken:
        """When the target took a request that was asked first at `asked_at`: then, or at the attempt of the answer."""
        sent_at = self.time.at(Moment(answer.sent_at, self.time.moved))
        return Taken(min(asked_at, sent_at), max(asked_at, sent_at))

    def key(self, state: str = ENABLED, *besides: str) -> str:
        """The id of a key in this state, except the keys `besides`. Raises `Inconclusive` if no key can be prepared."""
        view = self.pool.take(state, besides)
        assert view.id is not None
        return view.id

    def ask(self, operation: str, /, **arguments: object) -> Answer:
        """Send an operation, and judge only the rules that hold for every exchange (`client/exchange_rules.py`).

        Some operations are not needed for the lifecycle, and no requirement on keys demands them. Raises `Inconclusive`
        if the target lacks such an operation, and `Lacking` if the profile lets an installation lack it. If the target
        does not know a key of ours yet, a request that names no other key is repeated.
        """
        return self._by_who_knows_it(self._ask_once(operation, arguments), arguments)

    def _by_who_knows_it(self, answer: Answer, arguments: Mapping[str, object]) -> Answer:
        """The answer of a target that knows the keys of ours that the request names; `answer` is the first one."""
        keys = [arguments[name] for name in ("key_id", "source_key_id") if name in arguments]
        if answer.accepted or not keys or not all(map(self.pool.lives, keys)):
            return answer
        unknown = self.profile.refusal("unknown_key")
        return self.again_until(answer, lambda answer: not unknown.admits(answer.status, answer.code))

    def done(self, operation: str, /, **arguments: object) -> Answer:
        """Send an operation that prepares a check. Raises `Inconclusive` if it is refused."""
        answer = self.again_until(self.ask(operation, **arguments), lambda answer: answer.accepted)
        if not answer.accepted:
            hint = _NAME_IT if self.left_out(answer) else ""
            raise Inconclusive(f"Could not {operation} to prepare the check: {answer.summary}.", hint)
        return answer

    def left_out(self, answer: Answer) -> str:
        """What to do if an answer is that of a target which does not have the operation; else ""."""
        missing = (
            "lacking_operation" if self.profile.has_refusal("lacking_operation") else "unknown_action unknown_path"
        )
        if answer.operation is None or not self.is_told(missing, answer):
            return ""
        return (
            f"The endpoint answers as if {answer.operation.id} did not exist: serve it. If the service does not offer"
            f" it, put {answer.operation.name} under `lacks` in a profile of your own: {_LEFT_OUT}."
        )

    def result(self, operation: str, /, **arguments: object) -> object:
        """The result of an operation that prepares a check. Raises `Inconclusive` if it is refused."""
        return self.dialect.result(operation, self.done(operation, **arguments).value)

    def _ask_once(self, operation: str, arguments: dict[str, object]) -> Answer:
        if operation not in self.client.api:
            raise Lacking(f"The profile says that the target does not have {operation}.")
        answer = self.client.ask(operation, **arguments)
        if self.left_out(answer):
            # Both names: that of the vendor's documents, and ours, which `lacks` takes.
            reason = f"The target does not have {self.client.api[operation].id} ({operation}): {answer.summary}."
            if operation in self.profile.may_lack:
                raise Lacking(reason)
            if self.client.api[operation].beside:
                raise Inconclusive(reason, _NAME_IT)
        listed = () if answer.spec is None else answer.spec.codes
        if operation != "create" and self.profile.tells_limit(listed, answer.status, answer.code):
            raise Inconclusive(
                f"The account or the key is at a limit of the service, so {operation} shows nothing: {answer.summary}.",
                "Earlier runs may have left aliases, tags or grants: run `kms-conformance sweep`.",
            )
        self._asked = {answer.number: (operation, arguments)}
        self._must_name(operation, arguments.get("key_id"), answer)
        return answer

    def _must_name(self, operation: str, key: object, answer: Answer) -> None:
        """Judge the key that a success reply names, if any: it must be the key of ours that the request named."""
        named = self.dialect.echo(answer.value)[0] if answer.accepted and isinstance(key, str) else None
        if named is None or named == key or key not in self.pool.keys:
            return
        requirement = self._on_reply(operation, "reply.key-id")
        self.judge.breaks(requirement, f"the key {key}", f"the reply names the key {named}", (answer.number,))

    def _on_reply(self, operation: str, part: str) -> RequirementId:
        """The requirement on a part of the replies to an operation, if there is one; else that on the whole reply."""
        name = operation.replace("_", "-")
        narrow = as_id(f"{name}.{part}")
        return narrow if narrow in self.judge.catalogue else as_id(f"{name}.reply")

    def again_until(self, answer: Answer, fits: Callable[[Answer], bool]) -> Answer:
        """Repeat a request while its answer does not fit and may follow the state before the last change.

        `answer` is the first answer. Only the request that was sent last by `ask` is repeated.
        """
        asked = self._asked.get(answer.number)
        if asked is None or answer.operation is None or fits(answer) or not self.client.may_be_late(answer):
            return answer
        operation, arguments = asked
        found = self.pool.patience.until(
            operation,
            lambda: self._ask_once(operation, arguments),
            lambda found: fits(found) or not self.client.may_be_late(found),
            use=answer.accepted or operation in USES,
            once=operation not in self.client.api.harmless,
            first=answer,
        )
        if answer.accepted and not found.accepted and operation in USES - self.pool.served_late:
            found = self._asked_when_settled(operation, arguments)
        return found

    def _asked_when_settled(self, operation: str, arguments: dict[str, object]) -> Answer:
        """The answer to a use that was served, and then refused, when the settle time is over; once a use and run.

        The use is asked many times. If it is served again, it does not follow the state before the last change.
        """
        self.pool.served_late.add(operation)
        self.pool.patience.wait_out_settling()
        for _ in range(_USES_WHEN_SETTLED):
            answer = self._ask_once(operation, arguments)
            if answer.accepted:
                break
        return answer

    def changes_again(self, was: KeyView, now: KeyView, answer: Answer) -> bool:
        """Whether the request of `answer`, which was refused and after which a key differed, changes the key again.

        The key is brought back into the state that it `was` in. True, too, if that cannot be tried: if the key is not
        one of the run or differs in more than its state, or if the request has another answer now.
        """
        key = was.id
        if key is None or key not in self.pool.keys or answer.accepted or now.state == was.state:
            return True
        try:
            self.pool.bring(key, was.state)
            before = self.pool.read_stable(key)
            again = self._repeated(answer)
            self.pool.patience.wait_for_late_effects()
            after = self.pool.read_stable(key)
        except (Inconclusive, Stop):
            return True
        return (again.status, again.code) != (answer.status, answer.code) or shown(after) != shown(before)

    def _repeated(self, answer: Answer) -> Answer:
        """The answer to the same request: signed anew if `ask` sent it last, else as it was signed."""
        asked = self._asked.get(answer.number)
        if asked is not None:
            return self._ask_once(*asked)
        return self.client.send(answer.request, answer.operation, AsSigned())

    def is_told(self, refusals: str, answer: Answer) -> bool:
        """Whether an answer is accepted as one of these refusals (names separated by spaces) of the profile."""
        return any(self.profile.admits(name, answer.status, answer.code) for name in refusals.split())

    def new_alias(self, separator: str = "-") -> str:
        """A random name for an alias, which no key has yet and by which `sweep` knows the alias as ours.

        It has a capital, because they count in names. `separator` is a character that the documents allow in it.
        """
        return self.dialect.alias(f"{MARKER_PREFIX}{self.chance.hex(6)}{separator}Z")

    def key_named(self, alias: str, key: str) -> str | None:
        """The id in the description of the key by its alias; None if the reply has none. The alias may be of `key`."""
        return self.dialect.aliased_key(alias, self.ask("describe", **self.dialect.by_alias(key, alias)).value)

    @property
    def encrypts(self) -> bool:
        """Whether the service encrypts and decrypts; other services are used for their data keys alone."""
        return "encrypt" in self.client.api and "decrypt" in self.client.api

    def ciphertexts(self, key: str) -> tuple[str, ...]:
        """One ciphertext as in `encrypted`; none if the service does not encrypt."""
        return (self.encrypted(key),) if self.encrypts else ()

    def sealed(self, key: str) -> tuple[str, ...]:
        """A ciphertext as in `encrypted`, and an encrypted data key: what of both the service makes and decrypts."""
        data_key = self.dialect.data_key(self.done("generate_data_key", key_id=key).value)
        return (*self.ciphertexts(key), *(() if data_key is None else (data_key,)))

    def encrypted(self, key: str) -> str:
        """The ciphertext of `text`, encrypted with a key. Raises `Inconclusive` if the reply has none."""
        ciphertext = self.dialect.secret_output("encrypt", self.done("encrypt", key_id=key, plaintext="text").value)
        if ciphertext is None:
            raise Inconclusive("The reply to encrypt has no ciphertext, so decrypt cannot be tested.")
        return ciphertext

    def read(self, key: str) -> KeyView:
        """Describe a key, and judge that the reply is about that key."""
        return self._of(key, self.pool.read_known(key))

    def view(self, key: str) -> KeyView:
        """The key as the last request described it; read anew after any other request. Judged as in `read`."""
        view, settled = self.pool.last_read(key), self.pool.settled(key)
        return self._of(key, view) if settled is None or shown(view) == shown(settled.view) else self.read(key)

    def arn(self, key: str, judged: RequirementId | None = None) -> str:
        """The ARN of a key. If it may name another key, `judged` is broken, and `Inconclusive` is raised."""
        arn = self.view(key).arn or ""
        if arn.endswith(f"/{key}"):
            return arn
        if judged is not None:
            self.judge.breaks(judged, f"an ARN that ends in /{key}", arn)
        raise Inconclusive(f"The ARN {arn!r} does not end in the key's id; it may name another key and is not used.")

    def arn_or_id(self, operation: str, key: str) -> str:
        """The ARN of a key, if the page of the operation lists ARNs and the ARN is that of the key; else its id."""
        if "arn" in self.profile.key_names.get(operation, ()):
            with suppress(Inconclusive):
                return self.arn(key)
        return key

    def with_marker(self, key: str) -> KeyView:
        """Read a key whose description is its own marker, so that a later loss of the description can be seen.

        If the target has lost the description before, it is set again first, where the target serves that.
        """
        view = self.view(key)
        if view.description == self.pool.marker(key):
            return view
        try:
            self.done("update_description", key_id=key, description=self.pool.marker(key))
        except Inconclusive:
            # The description that the key has is compared then.
            return view
        return self._of(key, self.pool.read_until(key, lambda view: view.description == self.pool.marker(key)))

    def _of(self, key: str, view: KeyView) -> KeyView:
        if view.state != GONE:
            self.judge.that("describe.reply", view.id == key, f"the key {key}", f"the key {view.id}")
        return view
