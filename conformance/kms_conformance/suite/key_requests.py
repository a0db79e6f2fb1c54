"""Valid requests for every operation that names a key, by every name of that key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lacking, Stop, Undecided
from kms_conformance.client.oracle import ENABLED
from kms_conformance.client.patience import ALIAS
from kms_conformance.suite.requests import TAG
from kms_conformance.suite.scenario import Scenario

# Places where a request may name the key of its ciphertext, and need not.
_BESIDE_A_CIPHERTEXT = frozenset({"decrypt", "re_encrypt.source_key_id"})


@dataclass(frozen=True)
class Place:
    """One place where a request names a key.

    - operation: the abstract operation.
    - argument: the argument of the adapter that names the key.
    - forms: the forms of names that the operation's page lists, such as `id` and `arn`.
    """

    operation: str
    argument: str
    forms: tuple[str, ...]

    @property
    def optional(self) -> bool:
        """Whether the request has a ciphertext that names the key anyway."""
        return str(self) in _BESIDE_A_CIPHERTEXT

    def __str__(self) -> str:
        return self.operation if self.argument == "key_id" else f"{self.operation}.{self.argument}"


def places(kms: Scenario) -> tuple[Place, ...]:
    """All places where requests to this target name a key, by the profile."""
    found = []
    for name, forms in kms.profile.key_names.items():
        operation, _, argument = name.partition(".")
        if operation in kms.client.api:
            found.append(Place(operation, argument or "key_id", forms))
    return tuple(found)


@contextmanager
def names_of(kms: Scenario, key: str, needed: Sequence[Place]) -> Iterator[dict[str, str]]:
    """A context in which the names of a key besides its id are known, by their form.

    If one of the places takes an alias, the key has a new one in this context, unless the installation lacks aliases.
    Raises `Inconclusive` if the target refuses the alias.
    """
    by_alias = any(form.startswith("alias") for place in needed for form in place.forms)
    given = by_alias and "delete_alias" in kms.client.api
    alias = kms.new_alias() if given else None
    if alias is not None:
        try:
            kms.done("set_alias", key_id=key, alias=alias)
            if (
                kms.pool.patience.until("describe", partial(kms.key_named, alias, key), lambda named: named == key)
                != key
            ):
                # `set-alias.reply` judges that.
                alias = None
        except Lacking:
            alias = None
    try:
        yield dict(kms.dialect.names(kms.view(key), alias))
    finally:
        if alias is not None:
            with suppress(Inconclusive):
                kms.ask("delete_alias", alias=alias)


class KeyRequests:
    """Arguments of valid requests on one key; `other` is another enabled key of the run.

    The key must be enabled when it is prepared. Ciphertexts and the policy are prepared once a run.
    """

    def __init__(self, kms: Scenario, key: str, other: str) -> None:
        self._kms = kms
        self._key = key
        self._other = other
        self._known = kms.pool.prepared.setdefault(key, {})
        self._grants: list[str] = []
        # The operations that are not judged, with the reason; None for what an installation may lack.
        self._left_out: dict[str, Inconclusive | None] = {}

    def prepare(self, wanted: Sequence[Place], *, grants: int = 1) -> tuple[Place, ...]:
        """Prepare what requests at these places need; `grants` is the number of grants that may be revoked.

        Returns the places for which the target served the preparation; `must_be_complete` tells the others.
        """
        kms, key, operations = self._kms, self._key, {place.operation for place in wanted}
        if kms.encrypts:
            self._try(lambda: self._keep("ciphertext", lambda: kms.encrypted(key)), "decrypt", "re_encrypt")
        for operation, prepare in {
            "re_encrypt": lambda: self._keep(f"ciphertext of {self._other}", self._re_encryptable),
            "put_policy": lambda: self._keep("policy", lambda: str(kms.result("get_policy", key_id=key))),
            "untag": lambda: kms.done("tag", key_id=key, tags={TAG: kms.chance.hex(6)}),
            "revoke_grant": lambda: self._prepare_grants(grants),
            "update_alias": self._prepare_alias,
        }.items():
            if operation in operations:
                self._try(prepare, operation)
        return tuple(place for place in wanted if not self.leaves_out(place.operation))

    @contextmanager
    def by_itself(self, operation: str) -> Iterator[None]:
        """A context for one request: a wrong or missing answer to it must not hide those to the others.

        `must_be_complete` tells which operations got no answer that could be judged.
        """
        try:
            yield
        except (Stop, Lacking):
            # A failure is on record, and an installation may lack the operation.
            return
        except Inconclusive as problem:
            self._left_out[operation] = problem

    def must_be_complete(self) -> None:
        """Raise `Inconclusive` if an operation could not be prepared, or got no answer that could be judged.

        Raises `Undecided` if the reason is an internal error, so that the check is called once more.
        """
        problems = self.unprepared
        if not problems:
            return
        why = "; ".join(f"{name} was not judged: {problem.reason}" for name, problem in problems.items())
        hint = next((problem.hint for problem in problems.values() if problem.hint), "")
        undecided = next((problem for problem in problems.values() if isinstance(problem, Undecided)), None)
        raise Inconclusive(why, hint) if undecided is None else Undecided(why, hint, undecided.answer)

    @property
    def unprepared(self) -> dict[str, Inconclusive]:
        """The operations that could not be prepared, or got no answer that could be judged, with the reason."""
        return {name: problem for name, problem in self._left_out.items() if problem is not None}

    def leaves_out(self, operation: str) -> bool:
        """Whether the target refused the preparation of this operation, or lacks what it needs."""
        return operation in self._left_out

    def _try(self, prepare: Callable[[], object], *operations: str) -> None:
        problem: Inconclusive | None = None
        try:
            prepare()
        except Stop:
            problem = Inconclusive("A request that prepares it failed.")
        except Lacking:
            pass
        except Inconclusive as found:
            problem = found
        else:
            return
        self._left_out |= dict.fromkeys(operations, problem)

    def _prepare_grants(self, count: int) -> None:
        for _ in range(count):
            self._grants.append(str(self._kms.result("create_grant", key_id=self._key, **self._grant())))

    def _re_encryptable(self) -> str:
        """A ciphertext of the other key that is encrypted under the key, too, while both keys are enabled."""
        ciphertext = self._kms.encrypted(self._other)
        self._kms.done("re_encrypt", ciphertext=ciphertext, key_id=self._key)
        return ciphertext

    def _prepare_alias(self) -> None:
        alias = self._known["alias"] = self._kms.new_alias()
        self._kms.done("set_alias", key_id=self._other, alias=alias)

    def clean(self) -> None:
        """Take back what was prepared: the alias for `update_alias`, and grants."""
        if (alias := self._known.pop("alias", None)) is not None:
            with suppress(Inconclusive):
                self._kms.ask("delete_alias", alias=alias)
        while self._grants:
            with suppress(Inconclusive):
                self._kms.ask("revoke_grant", key_id=self._key, grant_id=self._grants.pop())

    def arguments(self, place: Place, name: str, *, changing: bool = True) -> dict[str, object]:
        """Arguments of a request that names the key by `name`; without `changing`, it would leave the key as it is."""
        further = self._further(place, changing=changing)
        return {**further, place.argument: name}

    @property
    def latest_alias(self) -> str:
        """The alias of the latest request that would give the key one; empty if there was none."""
        return self._known.get("new alias", "")

    def plain_arguments(self, place: Place) -> dict[str, object]:
        """Arguments of a request that names the key as plainly as it can: by its ciphertext alone, else by its id."""
        further = self._further(place, changing=True)
        return further if place.optional else {**further, place.argument: self._key}

    def arguments_of(self, operation: str) -> dict[str, object]:
        """Arguments of a request for an operation that names no key."""
        if operation == "delete_alias":
            return {"alias": self._known.get("alias") or self._kms.new_alias()}
        return {"ciphertext": self._known.get("ciphertext", "")} if operation == "decrypt" else {}

    def must_have_been_given(
        self, place: Place, arguments: Mapping[str, Any], requirement: RequirementId, answer: Answer
    ) -> None:
        """Judge that the key has the alias or the tags that an accepted request gave it."""
        kms, key = self._kms, self._key
        if place.operation == "set_alias":
            alias = arguments["alias"]
            look, fits = partial(kms.key_named, alias, key), partial(eq, key)
            named = kms.pool.patience.until(ALIAS, look, fits)
            if fits(named) or self._takes_aliases():
                told = f"{alias} names {key}", lambda named: f"it names {named or 'no key'}"
                kms.must_show(requirement, look, fits, told, answer, ALIAS, named)
        if place.operation == "tag" and "list_tags" in kms.client.api:
            tags = arguments["tags"].items()
            kms.must_show(
                requirement,
                lambda: kms.dialect.tags(kms.done("list_tags", key_id=key).value),
                lambda listed: tags <= listed.items(),
                (f"the tags {dict(tags)}", str),
                answer,
                "list_tags",
            )

    def _takes_aliases(self) -> bool:
        """Whether the key gets an alias while it is enabled; if not, that is judged by `set-alias.reply`."""
        kms, key = self._kms, self._key
        state, alias = kms.view(key).state, kms.new_alias()
        kms.pool.bring(key, ENABLED)
        kms.done("set_alias", key_id=key, alias=alias)
        named = kms.key_named(alias, key)
        kms.pool.bring(key, state)
        return named == key

    def note_accepted(self, place: Place, value: object) -> None:
        """Note what an accepted request has made or used up; `value` is the reply."""
        kms = self._kms
        if place.operation == "create_grant":
            self._grants.append(str(kms.dialect.result("create_grant", value)))
        elif place.operation == "revoke_grant" and self._grants:
            self._grants.pop()
        elif place.operation == "set_alias" and "delete_alias" in kms.client.api:
            kms.ask("delete_alias", alias=self._known["new alias"])
        elif place.operation == "update_alias":
            kms.ask("update_alias", key_id=self._other, alias=self._known["alias"])

    def _further(self, place: Place, *, changing: bool) -> dict[str, object]:
        kms, operation = self._kms, place.operation
        if operation == "re_encrypt" and place.argument == "source_key_id":
            return {"ciphertext": self._known.get("ciphertext", ""), "key_id": self._other}
        if operation == "re_encrypt":
            return {"ciphertext": self._known.get(f"ciphertext of {self._other}", "")}
        if operation == "set_alias":
            self._known["new alias"] = kms.new_alias()
            return {"alias": self._known["new alias"]}
        values: dict[str, dict[str, object]] = {
            "schedule": {"window": kms.days},
            "encrypt": {"plaintext": "text"},
            "decrypt": {"ciphertext": self._known.get("ciphertext", "")},
            "update_description": {"description": "changed by a check" if changing else kms.pool.marker(self._key)},
            "update_alias": {"alias": self._known.get("alias") or kms.new_alias()},
            "tag": {"tags": {TAG: kms.chance.hex(6)}},
            "untag": {"tag_keys": [TAG]},
            "create_grant": self._grant() if operation == "create_grant" else {},
            "revoke_grant": {"grant_id": self._grants[-1] if self._grants else "0" * 64},
            "put_policy": {"policy": self._known.get("policy", "")},
            "set_deletion_protection": {"protected": False},
        }
        return values.get(operation, {})

    def _grant(self) -> dict[str, object]:
        principal = self._kms.dialect.principal(self._kms.view(self._key).arn or "")
        return {"grantee": principal, "grant_operations": ["DescribeKey"]}

    def _keep(self, name: str, make: Callable[[], str]) -> None:
        if name not in self._known:
            self._known[name] = make()


def send_each_request(kms: Scenario, key: str, other: str) -> None:
    """Send each operation for a key of the run, for a key that nobody has, and for a malformed id.

    `other` is another key of the run; both are enabled. The replies are not judged. The changes of a state come last,
    and the key is brought back after them. What cannot be sent is left out.
    """
    with suppress(Inconclusive):
        requests = KeyRequests(kms, key, other)
        try:
            for place in sorted(requests.prepare(places(kms)), key=lambda place: place.operation in CHANGES):
                for name in (key, kms.dialect.unknown_key(), kms.dialect.malformed_keys[0]):
                    with requests.by_itself(place.operation):
                        answer = kms.client.ask(place.operation, **requests.arguments(place, name))
                        if answer.accepted and name == key:
                            requests.note_accepted(place, answer.value)
        finally:
            requests.clean()
            kms.pool.bring(key, ENABLED)
            kms.with_marker(key)
    kms.pool.patience.wait_for_late_effects()
