"""Fits generated requests to a target: they name a key of ours, or one that nobody has, and go to its address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Literal

from conformance.catalogue.api import Api, Operation
from conformance.dialects.base import Dialect, KeyView
from conformance.fuzz.draft import Draft
from conformance.fuzz.names import READ_ONLY
from conformance.fuzz.places import Place, find_place, path_values
from conformance.ledger import MARKER_PREFIX
from conformance.wire.failures import unsendable
from conformance.wire.messages import Request

# Text that some lenient target might take for the alias of somebody's key.
_COULD_BE_A_NAME = re.compile(r"[A-Za-z0-9:/_.@-]+")
# How often the window of a request at our own key is one near a bound, or any number at all.
_WINDOWS_DRAWN = 0.6
# An id with fewer different characters may have been thought out by somebody.
_VARIED = 9

Named = Literal["ours", "unknown", "malformed", "absent", "nothing"]


@dataclass(frozen=True)
class Fitted:
    """A request that is ready to be sent, and what it asks for.

    `named` says which key it names: `unknown` is well-formed, `absent` means that the operation wants one, `nothing`
    that it wants none. `window` and `description` hold what stands where these belong. `plain` is a request that
    arrives at the operation as documented: by its method, under our own path.
    """

    request: Request
    named: Named
    window: tuple[object, ...]
    description: tuple[object, ...]
    plain: bool


class Tailor:
    """For one operation of one target. `windows` draws windows of its own, near the bounds and far from them."""

    def __init__(
        self, dialect: Dialect, api: Api, operation: Operation, random: Random, *, windows: bool = True
    ) -> None:
        self._dialect = dialect
        self._draws_windows = windows
        self._operation = operation
        self._random = random
        self._changes = operation.name not in READ_ONLY
        self._path = path_values(dialect, operation)
        methods = api.document["paths"][operation.path][operation.method.lower()].get("x-kms-methods", ())
        self._methods = tuple(sorted({operation.method, *(method.upper() for method in methods)}))

        def find(argument: str) -> Place | None:
            return find_place(dialect, api, operation, argument)

        self.key, self._arn, self._protected = find("key_id"), find("arn"), find("protected")
        self._alias, self._window, self._ciphertext = find("alias"), find("window"), find("ciphertext")
        self._description = find("description")

    def key_in(self, draft: Draft) -> object:
        """The key that a request names, None where it names none or several."""
        values = _values(self.key, draft)
        return values[0] if len(values) == 1 else None

    def may_name_ours(self, draft: Draft) -> bool:
        """Whether the request names a key, so that it can be one of ours."""
        if self.key is not None:
            return self.key.well_formed(draft)
        # Protection is only ever taken off our keys: one that stays protected could not be let go.
        return self._arn is not None and self._arn.well_formed(draft) and self._switches_off(draft)

    def fit(self, draft: Draft, ours: KeyView | None, ciphertext: str | None = None) -> Fitted | None:
        """The request, naming `ours` where it is given and an unknown key otherwise; None if it cannot be sent."""
        named: Named = "nothing"
        if self.key is not None:
            named, draft = self._name_key(self.key, draft, ours)
        elif self._arn is not None and ours is not None and ours.fields.get("Arn"):
            named, draft = "ours", self._arn.put(draft, ours.fields["Arn"])
        if self._alias is not None:
            draft = self._mark_alias(self._alias, draft)
        draws = self._draws_windows and named == "ours" and self._random.random() < _WINDOWS_DRAWN
        if self._window is not None and draws:
            draft = self._window.put(draft, self._some_window())
        if self._ciphertext is not None and ciphertext is not None and self._ciphertext.well_formed(draft):
            draft = self._ciphertext.put(draft, ciphertext)
        request = self._addressed(draft)
        if unsendable(request) is not None:
            return None
        plain = draft.method in self._methods and not draft.path
        return Fitted(request, named, _values(self._window, draft), _values(self._description, draft), plain)

    def mark(self, draft: Draft, marker: str) -> Request | None:
        """The request to create a key that carries our marker; None for one that cannot carry it."""
        if self._alias is not None:
            draft = self._mark_alias(self._alias, draft)
        if self._description is None:
            return None
        marked = self._description.put(draft, marker)
        request = self._addressed(marked)
        if self._description.values(marked) != (marker,) or unsendable(request) is not None:
            return None
        return request

    def _name_key(self, key: Place, draft: Draft, ours: KeyView | None) -> tuple[Named, Draft]:
        values = key.values(draft)
        if not values:
            return "absent", draft
        if key.well_formed(draft):
            if ours is not None:
                return "ours", key.put(draft, ours.id)
            simple = len(set(str(key.values(draft)[0]))) < _VARIED
            # A generated id is often simple, like one of zeros: what changes keys gets one that surely nobody has.
            return "unknown", key.put(draft, self._dialect.unknown_key()) if self._changes and simple else draft
        value = values[0]
        if self._changes and isinstance(value, str) and _COULD_BE_A_NAME.fullmatch(value):
            draft = key.put(draft, MARKER_PREFIX + value)
        return "malformed", draft

    def _mark_alias(self, alias: Place, draft: Draft) -> Draft:
        """An alias that is set or deleted is one of ours, told by its prefix; what is wrong about it stays."""
        values = alias.values(draft)
        if not values:
            return draft
        if alias.well_formed(draft):
            return alias.put(draft, self._dialect.alias(f"{MARKER_PREFIX}{self._random.randbytes(6).hex()}"))
        # A value that is no text at all names nothing.
        return alias.put(draft, self._dialect.alias(MARKER_PREFIX) + values[0]) if isinstance(values[0], str) else draft

    def _some_window(self) -> object:
        bounds = self._dialect.profile.window
        near = [edge + step for edge in (bounds.minimum, bounds.maximum) for step in (-1, 0, 1)]
        anywhere = self._random.randint(-bounds.maximum, 3 * bounds.maximum)
        days = self._random.choice([*near, 0, 2**31 + bounds.minimum, 2**64 + bounds.minimum, anywhere, anywhere])
        return str(days) if bounds.wire_type == "string" else days

    def _switches_off(self, draft: Draft) -> bool:
        return self._protected is not None and self._protected.values(draft) in ((False,), ("false",))

    def _addressed(self, draft: Draft) -> Request:
        method = draft.method
        if method in self._methods:
            method = self._random.choice(self._methods)
        path = self._operation.path.format(**{**self._path, **draft.path}) if self._path else self._operation.path
        url = f"{self._dialect.base_url}{path}{'?' if draft.query else ''}{draft.query}"
        return self._dialect.from_fuzzer(self._operation.id, Request(method, url, draft.headers, draft.body))


def _values(place: Place | None, draft: Draft) -> tuple[object, ...]:
    return () if place is None else place.values(draft)
