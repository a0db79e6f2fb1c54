"""Targeting: completes a generated request for one target with the target's URL and a key, ours or an unknown one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from kms_conformance.catalogue.api import Api, Operation
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.dialects.base import Dialect, KeyView
from kms_conformance.suite.fuzz.draft import Draft, FieldLocation, find_location, path_values
from kms_conformance.wire.failures import unsendable
from kms_conformance.wire.messages import Request

# Arguments of the dialects' adapters that `Targeting` can read and replace in a request.
_ARGUMENTS = ("key_id", "window", "alias", "description", "ciphertext", "arn", "protected", "policy", "grant_id")
# Matches a malformed id that a lenient target might read as an alias of somebody's key.
_COULD_BE_A_NAME = re.compile(r"[A-Za-z0-9:/_.@-]+")
# Ids with under 9 distinct characters may be hand-made and really exist.
_VARIED = 9

KeyNaming = Literal["ours", "unknown", "malformed", "absent", "nothing"]


@dataclass(frozen=True)
class FittedRequest:
    """A request that is ready to be sent, with the facts by which its answer is judged.

    - `named`: the key that the request names.
      - `ours`: a key of this run.
      - `unknown`: a well-formed id that is not one of our keys.
      - `malformed`: an id that the API description does not allow.
      - `absent`: no key, although the operation takes one.
      - `nothing`: the operation takes no key id, and no key of ours was put in by its ARN.
    - `fields`: for each argument, its values in the request.
    - `plain`: true if the method is documented and the path is the target's own.
    """

    request: Request
    named: KeyNaming
    fields: Mapping[str, tuple[object, ...]]
    plain: bool


class Targeting:
    """Completes the generated requests of one operation for one target; makes its random choices by `random`."""

    def __init__(self, dialect: Dialect, api: Api, operation: Operation, random: Random) -> None:
        self._dialect = dialect
        self._operation = operation
        self._random = random
        self._changes = not operation.reads
        self._path = path_values(dialect, operation)
        raw = api.document["paths"][operation.path][operation.method.lower()]
        self._methods = tuple(sorted({operation.method, *(method.upper() for method in raw.get("x-kms-methods", ()))}))
        found = {argument: find_location(dialect, api, operation, argument) for argument in _ARGUMENTS}
        self._locations = {argument: location for argument, location in found.items() if location is not None}

    def key_in(self, draft: Draft) -> object:
        """The key that a request names; None if it names none or several."""
        values = self._locations["key_id"].values(draft) if "key_id" in self._locations else ()
        return values[0] if len(values) == 1 else None

    def named(self, draft: Draft, key: str) -> Draft:
        """A copy of the request that names this key; unchanged if it names none."""
        location = self._locations.get("key_id")
        return draft if location is None or not location.values(draft) else location.put(draft, key)

    def takes(self, argument: str) -> bool:
        """Whether the operation has a field for an argument of the adapter."""
        return argument in self._locations

    def may_name_ours(self, draft: Draft) -> bool:
        """Whether a key of ours may be put into the request: it names a well-formed key, and does not protect a key."""
        if "key_id" in self._locations:
            return self._locations["key_id"].well_formed(draft)
        # A request may switch deletion protection of our keys off, but not on: a protected key could not be scheduled
        # at the end.
        return self._is("arn", draft) and self._locations["protected"].values(draft) in ((False,), ("false",))

    def with_windows(self, drafts: Sequence[Draft], count: int) -> tuple[Draft, ...]:
        """Copies of the shortest valid request with other windows: around the bounds, 0, negative, huge, random.

        `count` is the number of random windows.
        """
        if "window" not in self._locations:
            return ()
        location, bounds = self._locations["window"], self._dialect.profile.window
        plain = [draft for draft in drafts if draft.positive and location.values(draft) and self.may_name_ours(draft)]
        near = [edge + step for edge in (bounds.minimum, bounds.maximum) for step in (-1, 0, 1)]
        # Values that turn into the smallest window if they overflow an integer of 32 or 64 bits.
        wrapped = [2**bits + bounds.minimum for bits in (32, 64)]
        anywhere = [self._random.randint(-bounds.maximum, 3 * bounds.maximum) for _ in range(count)]
        base = sorted(plain, key=lambda draft: len(draft.query) + len(draft.body))[:1]
        text = bounds.wire_type == "string"
        return tuple(
            replace(location.put(draft, str(days) if text else days), origin=f"a window of {days} days")
            for draft in base
            for days in (*near, 0, -bounds.minimum, *wrapped, *anywhere)
        )

    def fit(
        self, draft: Draft, ours: KeyView | None, own: Mapping[str, str], *, any_method: bool = True
    ) -> FittedRequest | None:
        """The request with the key `ours`, or with an unknown key if `ours` is None; None if it cannot be sent.

        `own`: by argument, values that replace the well-formed values of the request. With `any_method`, a documented
        method may be replaced by another one.
        """
        named, draft = self._name_key(draft, ours)
        draft = self._mark_alias(draft)
        for argument, value in own.items():
            if self._is(argument, draft):
                draft = self._locations[argument].put(draft, value)
        return self._fitted(draft, named, any_method=any_method)

    def mark(self, draft: Draft, marker: str) -> FittedRequest | None:
        """A create request with our marker as the description; None if the request cannot carry it."""
        if "description" not in self._locations or not self._has_own_alias(draft):
            return None
        location = self._locations["description"]
        marked = location.put(self._mark_alias(draft), marker)
        return self._fitted(marked, "nothing") if location.values(marked) == (marker,) else None

    def _name_key(self, draft: Draft, ours: KeyView | None) -> tuple[KeyNaming, Draft]:
        if "key_id" in self._locations:
            return self._name(self._locations["key_id"], draft, ours)
        if "arn" in self._locations and ours is not None and ours.arn is not None:
            return "ours", self._locations["arn"].put(draft, ours.arn)
        return "nothing", draft

    def _name(self, key: FieldLocation, draft: Draft, ours: KeyView | None) -> tuple[KeyNaming, Draft]:
        values = key.values(draft)
        if not values:
            return "absent", draft
        if key.well_formed(draft):
            if ours is not None:
                return "ours", key.put(draft, ours.id)
            simple = len(set(str(values[0]))) < _VARIED
            # Generated ids are often simple, such as all zeros, and may exist. A request that changes keys gets a
            # random id instead.
            return "unknown", key.put(draft, self._dialect.unknown_key()) if self._changes and simple else draft
        value = values[0]
        if self._changes and isinstance(value, str) and _COULD_BE_A_NAME.fullmatch(value):
            draft = key.put(draft, MARKER_PREFIX + value)
        return "malformed", draft

    def _mark_alias(self, draft: Draft) -> Draft:
        """Replace a valid alias by a new one with our prefix; put our prefix before an invalid alias."""
        values = self._locations["alias"].values(draft) if "alias" in self._locations else ()
        if not values:
            return draft
        if self._is("alias", draft):
            return self._locations["alias"].put(draft, self.some_alias())
        # A value that is not text stays unchanged, because it names no alias.
        prefix = self._dialect.alias(MARKER_PREFIX)
        return self._locations["alias"].put(draft, prefix + values[0]) if isinstance(values[0], str) else draft

    def _has_own_alias(self, draft: Draft) -> bool:
        """Whether every alias is text and can get our prefix: a lenient target might read a number as an alias."""
        values = self._locations["alias"].values(draft) if "alias" in self._locations else ()
        return all(isinstance(value, str) for value in values)

    def some_alias(self) -> str:
        """A new random alias with our prefix."""
        return self._dialect.alias(f"{MARKER_PREFIX}{self._random.randbytes(6).hex()}")

    def _fitted(self, draft: Draft, named: KeyNaming, *, any_method: bool = True) -> FittedRequest | None:
        chosen = any_method and draft.method in self._methods
        method = self._random.choice(self._methods) if chosen else draft.method
        path = self._operation.path.format(**{**self._path, **draft.path}) if self._path else self._operation.path
        url = f"{self._dialect.base_url}{path}{'?' if draft.query else ''}{draft.query}"
        request = self._dialect.from_fuzzer(self._operation.id, Request(method, url, draft.headers, draft.body))
        if unsendable(request) is not None:
            return None
        fields = {argument: location.values(draft) for argument, location in self._locations.items()}
        return FittedRequest(request, named, fields, plain=method in self._methods and not draft.path)

    def _is(self, argument: str, draft: Draft) -> bool:
        return argument in self._locations and self._locations[argument].well_formed(draft)
