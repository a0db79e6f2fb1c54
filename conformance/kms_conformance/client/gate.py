"""The gate before the wire: no request leaves that could change a key which is not provably ours.

It knows no dialect. Where a request names a key, and which operation it asks for, is learned from the adapter: by a
probe in the place of a key, and by what tells its operations apart. What is not understood may change something: only a
request that reads by every sign may name what is not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from kms_conformance.catalogue.api import Api
from kms_conformance.client.ledger import MARKER_PREFIX, Ledger
from kms_conformance.dialects.base import Dialect, Raw
from kms_conformance.wire.contents import CaselessNames, Field, fields, text_of, words
from kms_conformance.wire.messages import Request

_PROBE = "kms-conformance-probe"
# The adapter's arguments that name a key, and how.
_NAMING: Mapping[str, Literal["key", "alias"]] = {"key_id": "key", "arn": "key", "alias": "alias"}
# Methods that cannot turn an operation that reads into another one.
_READING_METHODS = frozenset({"GET", "HEAD", "POST"})


class NotOurs(Exception):  # noqa: N818 - a bug of ours that must never be taken for an endpoint's
    """A request that could have changed a key that this run did not create. Nothing of it was sent."""


class Guard:
    """Knows what this run may change: keys that it holds by its ledger, and ids that nobody has."""

    def __init__(self, dialect: Dialect, api: Api, ledger: Ledger) -> None:
        self._dialect = dialect
        self._api = api
        self._ledger = ledger
        self._absent: set[str] = set()
        self._listed = CaselessNames()
        self._own_prefix = dialect.alias(MARKER_PREFIX)
        self._paths: dict[tuple[str, str], str] = {}

    # --- what the guard is told ---------------------------------------------------------------------------------------

    def saw(self, keys: Iterable[str]) -> None:
        """Take note of keys that the target lists: those that this run does not hold are somebody's."""
        self._listed.add(keys)

    def is_absent(self, key: str) -> None:
        """Take note that the target has just said that it knows no key by this id."""
        self._absent.add(key)

    # --- what it is asked ---------------------------------------------------------------------------------------------

    def unknown_ids(self, request: Request) -> tuple[str, ...]:
        """Ids in the request that must be confirmed unknown before sending; `check` alone decides on the request.

        None where looking them up would not help: the request only reads, or it names a listed key of somebody else's.
        """
        doubts = self._doubts(request)
        if not doubts or self._reads(request) is not None or self._stranger(request) is not None:
            return ()
        return doubts

    def check(self, request: Request) -> None:
        """Raise `NotOurs` unless the request changes nothing, or only what is ours."""
        read = self._reads(request)
        # Only reading one key may name a key of somebody else's.
        if read not in {"describe", "list_tags"} and (stranger := self._stranger(request)) is not None:
            raise NotOurs(f"a request that is more than a look names the key {stranger}, which is not ours")
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
        if "create" in self._asked(request) and not self._announced(found):
            raise NotOurs("a request may create a key that the ledger does not announce")

    def named(self, request: Request) -> tuple[tuple[str, ...], bool]:
        """The keys of ours that a request names, by id, and whether it names aliases or may create a key besides."""
        keys: dict[str, None] = {}
        otherwise = "create" in self._asked(request)
        for found in fields(request):
            kind = self._kind(found)
            for text in found.texts if kind is not None else ():
                name = text.rpartition("/")[2] if ":" in text else text
                if kind == "key" and self._ledger.holds(name):
                    keys[name] = None
                else:
                    otherwise |= kind == "alias" or self._is_ours(text)
        return tuple(keys), otherwise

    # --- how it knows -------------------------------------------------------------------------------------------------

    def _doubts(self, request: Request) -> tuple[str, ...]:
        """The ids that a request which may change something names, and that are neither ours nor known to be absent."""
        named = dict.fromkeys(value for found in fields(request) if self._kind(found) == "key" for value in found.texts)
        return tuple(value for value in named if value not in self._absent and not self._is_ours(value))

    def _stranger(self, request: Request) -> str | None:
        """A listed key of somebody else's that the request names, in whatever place and form."""
        return next((key for key in self._listed.found_in(text_of(request)) if not self._ledger.holds(key)), None)

    def _is_ours(self, name: str) -> bool:
        """A key that this run holds, by its id, by a full name that ends in it, or by an alias, which is random."""
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
        """The names of all fields, of any operation, that name a key or an alias, in lower case."""
        names: dict[str, Literal["key", "alias"]] = {}
        for operation in self._api.operations:
            for argument, kind in _NAMING.items():
                try:
                    probe = self._dialect.request(operation, {argument: Raw(_PROBE)})
                except KeyError:
                    continue
                found = {field.name: kind for field in fields(probe) if _PROBE in field.texts}
                if not found and operation not in self._api.read_only and _PROBE in text_of(probe):
                    raise NotImplementedError(f"the guard does not see where {operation} names its {argument}")
                names |= found
        return names

    def _asked(self, request: Request) -> frozenset[str]:
        """The operations whose own words stand anywhere in a request."""
        said = words(request)
        return frozenset(name for name, own in self._words.items() if own and own <= said)

    def _reads(self, request: Request) -> str | None:
        """The operation that a request asks for, if it changes nothing by every sign; None for any other request."""
        asked = self._asked(request)
        for name in self._api.read_only:
            known = not self._words[name] and not asked and not request.body
            if (asked == {name} or known) and request.path == self._path(name) and request.method in _READING_METHODS:
                return name
        return None

    def _path(self, operation: str) -> str:
        # The scope is only known once we are signed in.
        place = (self._dialect.scope, operation)
        if place not in self._paths:
            self._paths[place] = str(self._dialect.request(operation, {}).path)
        return self._paths[place]

    @cached_property
    def _words(self) -> Mapping[str, frozenset[str]]:
        """What stands in the requests of one operation and of no other."""
        said = {name: words(self._dialect.request(name, {})) for name in self._api.operations}
        return {
            name: own - frozenset().union(*(others for other, others in said.items() if other != name))
            for name, own in said.items()
        }
