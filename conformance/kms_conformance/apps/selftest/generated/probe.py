"""Questions to the conforming emulator, whose answers prove that a change cannot be seen, or that a name is none.

The emulator accepts all requests here, so that none needs a signature.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kms_conformance.apps.selftest.generated.facts import LOSSES, Change, Facts, Seen, in_state
from kms_conformance.catalogue.api import USES, Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import Dialect
from kms_conformance.emulator import Decisions, Emulator, Inbound, Key, State
from kms_conformance.emulator.keys import Grant

_ALIAS = "alias/generated"
_POLICY = '{"Version":"2012-10-17","Statement":[]}'
_PLAIN = "generated"
# What a request needs besides its key, by operation.
_NEEDED: Mapping[str, Mapping[str, object]] = {
    "schedule": {"window": 9},
    "encrypt": {"plaintext": _PLAIN},
    "update_description": {"description": "other"},
    "set_alias": {"alias": "alias/other"},
    "update_alias": {"alias": _ALIAS},
    "tag": {"tags": {"one": "1"}},
    "untag": {"tag_keys": ["one"]},
    "put_policy": {"policy": _POLICY},
    "create_grant": {"grant_operations": ["Decrypt"]},
    "revoke_grant": {"grant_id": "generated"},
}


class _Admitting(Decisions):
    """Every request is accepted, whatever its credentials."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return None

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return None


class _Noted(dict[str, Any]):
    """The parameters of a request, which note the names that are looked up."""

    def __init__(self, values: Mapping[str, Any], note: Callable[[str], None]) -> None:
        super().__init__(values)
        self._note = note

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - the values of a request
        self._note(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return super().__contains__(name)


@dataclass(frozen=True)
class Probe:
    """A served emulator with one key that has everything a key can have; `values` are the replies, by operation."""

    emulator: Emulator
    adapter: Dialect
    api: Api
    key: Key
    connection: http.client.HTTPConnection
    values: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def of(cls, dialect: str, decisions: type[Decisions] = _Admitting) -> Iterator[Probe]:
        """Serve an emulator of the dialect."""
        profile = Profile.load(dialect)
        with contextlib.ExitStack() as stack:
            emulator = stack.enter_context(Emulator(dialect, decisions=decisions, foreign_keys=0))
            scope = emulator.target()["auth"].get("project_id", "")
            spoken = adapter(profile, emulator.base_url, scope)
            connection = stack.enter_context(contextlib.closing(_connected(emulator.base_url)))
            probe = cls(emulator, spoken, Api.of(dialect, "documents"), _no_key(), connection)
            probe.ask("create", **spoken.naming(_PLAIN))
            made = [key for key in emulator.store.keys if not key.default]
            yield replace(probe, key=_rich(made[-1])) if made else probe

    def ask(self, operation: str, /, **arguments: object) -> tuple[int, Any]:
        """The status and the body of the reply, without the id of the request."""
        request = self.adapter.request(operation, arguments)
        self.connection.request(request.method, request.target, request.body, dict(request.headers))
        reply = self.connection.getresponse()
        body = reply.read()
        value = json.loads(body) if body else {}
        if isinstance(value, dict):
            value.pop("RequestId", None)
        if reply.status < 300:
            self.values.setdefault(operation, []).append(value)
        return reply.status, value

    def put(self, key: Key) -> None:
        """Store the key in place of the one with the same id."""
        self.emulator.store.put(key)

    def reads(self, key: Key, sealed: str | None) -> list[tuple[int, Any]]:
        """What all reads of the dialect, and the use of a ciphertext, tell of a key."""
        self.put(key)
        named = {"key_id": key.id}
        readers = [name for name in sorted(self.api.read_only - USES) if _names(self.api, name)]
        told = [self.ask(name, **named) for name in readers]
        told += [self.ask("list"), self.ask("describe", **self.adapter.by_alias(key.id, _ALIAS))]
        return [*told, self.ask("decrypt", ciphertext=sealed)] if sealed else told

    def sealed(self) -> str | None:
        """A ciphertext of the key."""
        self.put(self.key)
        status, value = self.ask("encrypt", key_id=self.key.id, plaintext=_PLAIN)
        return self.adapter.secret_output("encrypt", value) if status == 200 else None

    def unseen(self, change: Change, state: State, sealed: str | None) -> str:
        """Why nobody can see this change of a key in a state: empty if a read shows it."""
        now = datetime.now(UTC).replace(microsecond=0)
        changes = False
        for whole in (self.key, replace(self.key, rotated=not self.key.rotated)):
            before = in_state(whole, state, now)
            after = change(before)
            changes = changes or before != after
            # What a pending key hides, it may show when its deletion is cancelled.
            for looked in (state, State.ENABLED) if state is State.PENDING_DELETION else (state,):
                one, other = in_state(before, looked, now), in_state(after, looked, now)
                if self.reads(one, sealed) != self.reads(other, sealed):
                    return ""
        return "no read of the dialect tells it" if changes else "the key has no such thing in this state"

    def takes(self, operation: str, form: str) -> bool:
        """Whether the operation finds the key by its `arn` or by an `alias`."""
        self.put(self.key)
        arn = self.adapter.key(self.ask("describe", key_id=self.key.id)[1]).arn
        name = _ALIAS if form == "alias" else arn
        return name is not None and _names(self.api, operation) and self.carried_out(operation, name)

    def carried_out(self, operation: str, name: str | None = None) -> bool:
        """Whether the operation is accepted on the key, named by `name` or by its id."""
        state = State.PENDING_DELETION if operation == "cancel" else State.ENABLED
        free = replace(self.key, protected=False)
        self.put(in_state(free, state, datetime.now(UTC).replace(microsecond=0)))
        _, described = self.ask("describe", key_id=self.key.id)
        arn, needed = self.adapter.key(described).arn, dict(_NEEDED.get(operation, {}))
        if operation == "create_grant" and arn is not None:
            needed["grantee"] = self.adapter.principal(arn)
        if operation in {"decrypt", "re_encrypt"}:
            needed["ciphertext"] = self.sealed()
        if operation == "create":
            needed.update(self.adapter.naming("another"))
        named = {"key_id": name or self.key.id} if operation == "re_encrypt" or _names(self.api, operation) else {}
        return self.ask(operation, **named, **needed)[0] < 300


def _connected(base_url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=10)


def _names(api: Api, operation: str) -> bool:
    return bool({"key_id", "KeyId", "TargetKeyId"} & set(api[operation].parameters))


def _no_key() -> Key:
    return Key(id="", state=State.ENABLED, created=datetime.now(UTC), spec="", usage="")


def _rich(key: Key) -> Key:
    """The key with a value in each of its fields."""
    grant = Grant("generated", "token", "arn:aws:iam::111122223333:root", ("Decrypt", "Encrypt"), key.created)
    return replace(
        key,
        state=State.ENABLED,
        description="A text.",
        aliases=(_ALIAS,),
        protected=True,
        protection_description="Why.",
        tags=(("one", "1"), ("two", "2")),
        grants=(grant,),
        policy=_POLICY,
        rotated=True,
    )


def seen(facts: Facts) -> Seen:
    """Ask the emulator about names, losses and credentials."""
    with Probe.of(facts.dialect) as probe:
        names = frozenset(
            (operation, form)
            for operation in facts.operations
            for form in ("arn", "alias")
            if probe.takes(operation, form)
        )
        sealed = probe.sealed()
        losses = {
            (name, state): probe.unseen(change, state, sealed)
            for name, (_, change) in LOSSES.items()
            for state in facts.states
        }
    with Probe.of(facts.dialect, Decisions) as probe:
        bare = [name for name in probe.api.read_only if not probe.api[name].parameters]
        free = frozenset(name for name in bare if probe.ask(name)[0] < 300)
    noted, values = _requests(facts)
    return Seen(names, losses, free, noted, values)


def _requests(facts: Facts) -> tuple[frozenset[tuple[str, str]], Mapping[str, list[Any]]]:
    """The parameters that the emulator looks up, with their operations; and the success replies, by operation."""
    noted: set[tuple[str, str]] = set()

    class Noting(_Admitting):
        def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
            return _Noted(sent, lambda name: noted.add((operation, name)))

    with Probe.of(facts.dialect, Noting) as probe:
        for operation, found in facts.api.operations.items():
            if not probe.carried_out(operation):
                # What a refused request lacks may be looked up later.
                noted |= {(operation, name) for name in found.parameters}
        for state in facts.states:
            probe.put(in_state(probe.key, state, datetime.now(UTC).replace(microsecond=0)))
            probe.ask("describe", key_id=probe.key.id)
        return frozenset(noted), probe.values
