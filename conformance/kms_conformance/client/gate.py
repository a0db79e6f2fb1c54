"""The gate before the network: blocks every request that could change a key which is not provably ours.

The gate has no code for single dialects. It asks the adapter for requests with a probe value, and so finds out which
fields name a key and which words identify each operation. A request that the gate cannot interpret counts as one that
may change keys. Keys of others may be named only by a request whose path, method and words are those of a read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from kms_conformance.catalogue.api import Api
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.dialects.base import Dialect, Raw
from kms_conformance.wire.contents import CaselessNames, Field, fields, text_of, words
from kms_conformance.wire.messages import Request

_PROBE = "kms-conformance-probe"
# Arguments of the adapter that name a key, and whether they name it by its id or by an alias.
_NAMING: Mapping[str, Literal["key", "alias"]] = {
    "key_id": "key",
    "source_key_id": "key",
    "arn": "key",
    "alias": "alias",
}
# Methods with which a reading operation cannot become an operation that changes something.
_READING_METHODS = frozenset({"GET", "HEAD", "POST"})


class NotOurs(Exception):  # noqa: N818 - a fault of the suite, never of the endpoint
    """A blocked request: it could have changed a key that this run did not create. Nothing was sent."""


class Gate:
    """Decides which requests may be sent.

    A request that may change something must name only keys that this run holds according to its ledger, aliases that
    begin with our prefix, and ids that the target has reported as unknown.
    """

    def __init__(self, dialect: Dialect, api: Api, ledger: Ledger) -> None:
        self._dialect = dialect
        self._api = api
        self._ledger = ledger
        self._absent: set[str] = set()
        self._listed = CaselessNames()
        self._own_prefix = dialect.alias(MARKER_PREFIX)
        self._paths: dict[tuple[str, str], str] = {}
        self._asked: dict[frozenset[str], frozenset[str]] = {}

    # --- facts about the target ---------------------------------------------------------------------------------------

    def note_listed(self, keys: Iterable[str]) -> None:
        """Note keys that the target lists; those that this run does not hold belong to others."""
        self._listed.add(keys)

    def confirms_absent(self, key: str, status: int, code: str | None) -> bool:
        """Whether this answer to describing an id shows that no key has it; if so, requests may name it from now on."""
        odd = self._dialect.may_be_malformed(key)
        absent = self._dialect.profile.tells_absent(status, code, may_be_malformed=odd)
        if absent:
            self.note_absent(key)
        return absent

    def note_absent(self, key: str) -> None:
        """Note that the target has just reported this id as unknown."""
        self._absent.add(key)

    # --- decisions on requests ----------------------------------------------------------------------------------------

    def unknown_ids(self, request: Request) -> tuple[str, ...]:
        """Ids in the request that must be confirmed unknown before sending; `check` alone decides about sending.

        Empty if a look-up cannot help: the request only reads, or it names a listed key of somebody else.
        """
        doubts = self._doubts(request)
        if not doubts or self._reads(request) is not None or self._foreign_key(request) is not None:
            return ()
        return doubts

    def check(self, request: Request) -> None:
        """Raise `NotOurs` if the request could change a key that is not ours.

        It is also raised if the request names a listed key of somebody else and does not just read this key.
        """
        read = self._reads(request)
        # Only a read of a single key may name a key of somebody else.
        if read not in {"describe", "list_tags"} and (foreign := self._foreign_key(request)) is not None:
            raise NotOurs(f"a request that is not a plain read names the key {foreign}, which is not ours")
        if read is not None:
            return
        doubts = self._doubts(request)
        if doubts:
            raise NotOurs(f"a request that may change something names {doubts[0]!r}, which is not ours")
        found = fields(request)
        for field in found:
            if self._kind(field) == "alias" and not all(text.startswith(self._own_prefix) for text in field.texts):
                raise NotOurs(
                    f"a request that may change something names {field.texts[0]!r}, which is no alias of ours"
                )
        if self.may_create(request) and not self._announced(found):
            raise NotOurs("a request may create a key that the ledger does not announce")

    def may_create(self, request: Request) -> bool:
        """Whether a request names the operation that creates keys."""
        return "create" in self.asked(request)

    def named(self, request: Request) -> tuple[tuple[str, ...], bool]:
        """Ids of our keys in a request, and whether it also names aliases or may create a key."""
        keys: dict[str, None] = {}
        otherwise = self.may_create(request)
        for found in fields(request):
            kind = self._kind(found)
            for text in found.texts if kind is not None else ():
                name = text.rpartition("/")[2] if ":" in text else text
                if kind == "key" and self._ledger.holds(name):
                    keys[name] = None
                else:
                    otherwise |= kind == "alias" or self._is_ours(text)
        return tuple(keys), otherwise

    def names_stranger(self, request: Request) -> bool:
        """Whether a request names a key that this run does not hold, or an id that no key has."""
        named = (text for found in fields(request) if self._kind(found) == "key" for text in found.texts)
        return any(not self._is_ours(text) for text in named)

    # --- interpretation of requests -----------------------------------------------------------------------------------

    def _doubts(self, request: Request) -> tuple[str, ...]:
        """Ids of keys in a request that are neither ours nor confirmed as unknown."""
        named = dict.fromkeys(value for found in fields(request) if self._kind(found) == "key" for value in found.texts)
        # An empty text names no key, as no name does.
        return tuple(value for value in named if value and value not in self._absent and not self._is_ours(value))

    def _foreign_key(self, request: Request) -> str | None:
        """A listed key of somebody else that the request names, anywhere in URL, headers or body; else None."""
        return next((key for key in self._listed.found_in(text_of(request)) if not self._ledger.holds(key)), None)

    def _is_ours(self, name: str) -> bool:
        """Whether the name is the id or ARN of a key that this run holds, or an alias that begins with our prefix."""
        by_alias = name.rpartition(":")[2].startswith(self._own_prefix)
        return by_alias or self._ledger.holds(name) or (":" in name and self._ledger.holds(name.rpartition("/")[2]))

    def _announced(self, found: Iterable[Field]) -> bool:
        marked = {
            field.name
            for field in fields(self._dialect.request("create", self._dialect.naming(_PROBE)))
            if _PROBE in field.texts
        }
        return any(field.name in marked and any(self._ledger.intends(text) for text in field.texts) for field in found)

    def _kind(self, field: Field) -> Literal["key", "alias"] | None:
        return self._naming.get(field.name)

    @cached_property
    def _naming(self) -> Mapping[str, Literal["key", "alias"]]:
        """The fields of requests that name a key or an alias, of all operations, by the field's name in lower case."""
        names: dict[str, Literal["key", "alias"]] = {}
        for operation in self._api.operations:
            for argument, kind in _NAMING.items():
                try:
                    probe = self._dialect.request(operation, {argument: Raw(_PROBE)})
                except KeyError:
                    continue
                found = {field.name: kind for field in fields(probe) if _PROBE in field.texts}
                if not found and operation not in self._api.read_only and _PROBE in text_of(probe):
                    raise NotImplementedError(f"the gate does not see where {operation} names its {argument}")
                names |= found
        return names

    def asked(self, request: Request) -> frozenset[str]:
        """Operations whose identifying words occur anywhere in a request."""
        said = words(request) & self._identifying
        if said not in self._asked:
            self._asked[said] = frozenset(name for name, own in self._words.items() if own and own <= said)
        return self._asked[said]

    def _reads(self, request: Request) -> str | None:
        """The reading operation of a request, if words, path and method all fit this operation only; else None."""
        asked = self.asked(request)
        for name in self._api.read_only:
            known = not self._words[name] and not asked and not request.body
            if (asked == {name} or known) and request.path == self._path(name) and request.method in _READING_METHODS:
                return name
        return None

    def _path(self, operation: str) -> str:
        # The scope is part of the cache key, because it is known only after signing in.
        place = (self._dialect.scope, operation)
        if place not in self._paths:
            self._paths[place] = str(self._dialect.request(operation, {}).path)
        return self._paths[place]

    @cached_property
    def _identifying(self) -> frozenset[str]:
        """The words that identify any operation."""
        return frozenset().union(*self._words.values())

    @cached_property
    def _words(self) -> Mapping[str, frozenset[str]]:
        """For each operation, the words in its requests that occur in the requests of no other operation."""
        said = {name: words(self._dialect.request(name, {})) for name in self._api.operations}
        return {
            name: own - frozenset().union(*(others for other, others in said.items() if other != name))
            for name, own in said.items()
        }
