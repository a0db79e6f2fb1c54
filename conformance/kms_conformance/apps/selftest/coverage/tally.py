"""A tally of a run: which cells its requests ask, as the built-in emulator receives them."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path

from kms_conformance.apps.selftest.coverage.table import PLAIN, Cell, Exclusion, cells, exclusions
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.auth import Sabotage, SignerFactory, sabotages
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core.tier import Tier
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import KeyView, Raw
from kms_conformance.emulator import Emulator, Inbound, Key, Outbound, crypto
from kms_conformance.suite.near_misses import near_misses
from kms_conformance.target import parse_target
from kms_conformance.verdict.results import CheckResult
from kms_conformance.wire.contents import fields
from kms_conformance.wire.session import Session

_PROBE = "kms-conformance-probe"
_LONGEST_SECONDS = 900.0


class _TallyingEmulator(Emulator):
    """An emulator that notes the cells that its requests ask: state and names of keys are those before the request."""

    def __init__(self, dialect: str, sabotaged: frozenset[str]) -> None:
        super().__init__(dialect, filters=[self._note])
        self.asked: set[Cell] = set()
        self._dialect = adapter(Profile.load(dialect), self.base_url, "")
        self._sabotaged = sabotaged
        self._before: dict[str, Key] = {}
        self._views: dict[str, KeyView] = {}
        self._fields = dict(self._places())

    def _places(self) -> Iterator[tuple[str, str]]:
        """(place, name of the field in lower case) for each place where a request names a key."""
        for place in Profile.load(self.rules.dialect).key_names:
            operation, _, argument = place.partition(".")
            probe = self._dialect.request(operation, {argument or "key_id": Raw(_PROBE)})
            yield from ((place, field.name) for field in fields(probe) if _PROBE in field.texts)

    def _respond(self, *request: object) -> Outbound:
        self._before = {key.id: key for key in self.store.keys}
        return super()._respond(*request)  # type: ignore[arg-type]  # the arguments of the base class

    def _note(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        operation = inbound.operation
        if operation == "describe" and outbound.refusal is None:
            view = self._dialect.key(outbound.value)
            self._views[str(view.id)] = view
        if operation is not None:
            self.asked.update(self._cells(operation, inbound, outbound))
        return outbound

    def _cells(self, operation: str, inbound: Inbound, outbound: Outbound) -> Iterator[Cell]:
        if outbound.refusal in self._sabotaged:
            yield Cell("caller", operation, str(outbound.refusal))
            return
        form = self._form(inbound)
        yield Cell("form", operation, form)
        values = {name.lower(): value for name, value in inbound.parameters.items() if isinstance(value, str)}
        for place, field in self._fields.items():
            if place.partition(".")[0] == operation and field in values:
                yield from self._of_name(operation, place, values[field], form)
        sealed = values.get("ciphertextblob", values.get("cipher_text"))
        if sealed is not None and (key := self._before.get(_key_of(sealed))) is not None:
            yield Cell("state", operation, key.state, "ciphertext")
            yield Cell("form", operation, form, key.state)

    def _of_name(self, operation: str, place: str, text: str, form: str) -> Iterator[Cell]:
        names = {name: (kind, key) for key in self._before.values() for kind, name in self._names(key)}
        if text in names:
            kind, key = names[text]
            yield Cell("state", place, key.state, kind)
            yield Cell("form", operation, form, key.state)
            return
        for name, (kind, _) in names.items():
            yield from (
                Cell("near miss", place, miss, kind) for miss, made in near_misses(name).items() if made == text
            )

    def _names(self, key: Key) -> Iterator[tuple[str, str]]:
        yield "id", key.id
        view = self._views.get(key.id)
        for alias in (*key.aliases, None) if view is not None else ():
            assert view is not None
            yield from self._dialect.names(view, alias).items()

    def _form(self, inbound: Inbound) -> str:
        """The documented form of a request, in dialects that have several."""
        kinds = {
            "xml": str(inbound.parameters.get("Format", "")).upper() == "XML",
            "get": inbound.method == "GET",
            "form": bool(inbound.body.strip()),
        }
        return next((kind for kind, is_it in kinds.items() if kind in self._dialect.forms and is_it), PLAIN)


def _key_of(sealed: str) -> str:
    """The id of the key in a ciphertext of the emulator; "" if it has none."""
    try:
        return crypto.key_id_of(base64.b64decode(sealed))
    except Exception:  # noqa: BLE001 - any text may be sent as a ciphertext
        return ""


class Coverage:
    """The cells of a dialect, and which of them a run asked.

    - expected, asked: all cells, and those that the run asked.
    - requests: the number of requests of the run.
    - missing: expected cells that were neither asked nor excluded at this tier.
    - checks: the results of the checks of the run.
    """

    def __init__(
        self,
        dialect: str,
        tier: Tier,
        expected: frozenset[Cell],
        asked: frozenset[Cell],
        *,
        requests: int = 0,
        checks: tuple[CheckResult, ...] = (),
    ) -> None:
        self.dialect, self.tier, self.expected, self.asked = dialect, tier, expected, asked
        self.requests, self.checks = requests, checks
        self.exclusions = exclusions(dialect)

    def excluded_by(self, cell: Cell) -> Exclusion | None:
        """The exclusion that covers a cell at this tier."""
        there = (each for each in self.exclusions if self.tier == "smoke" or not each.smoke_only)
        return next((each for each in there if each.covers(cell)), None)

    @property
    def excluded(self) -> dict[Exclusion, list[Cell]]:
        """The cells that were not asked, by the exclusion that covers them."""
        found: dict[Exclusion, list[Cell]] = {}
        for cell in sorted(self.expected - self.asked):
            if (exclusion := self.excluded_by(cell)) is not None:
                found.setdefault(exclusion, []).append(cell)
        return found

    @property
    def missing(self) -> list[Cell]:
        """See the class."""
        return sorted(cell for cell in self.expected - self.asked if self.excluded_by(cell) is None)

    def to_json(self) -> Mapping[str, object]:
        """The coverage as JSON: each cell with the way it is covered."""

        def way(cell: Cell) -> str:
            excluded = self.excluded_by(cell)
            return "asked" if cell in self.asked else "missing" if excluded is None else f"excluded: {excluded.reason}"

        rows = [{**cell.__dict__, "critical": cell.critical, "covered": way(cell)} for cell in sorted(self.expected)]
        return {"dialect": self.dialect, "tier": self.tier, "cells": rows}


def measure(dialect: str, tier: Tier = "smoke") -> Coverage:
    """Run the suite against the built-in emulator, and compare what it asks with the table of the specs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asked.json"

        @contextlib.contextmanager
        def served() -> Iterator[str]:
            with _TallyingEmulator(dialect, frozenset(each.refusal for each in sabotages_of(dialect))) as emulator:
                yield emulator.target_yaml()
                path.write_text(json.dumps([astuple(cell) for cell in emulator.asked]), encoding="utf-8")

        outcome = run_suite(served, tier=tier, timeout_seconds=_LONGEST_SECONDS)
        asked = frozenset(Cell(*map(str, row)) for row in json.loads(path.read_text(encoding="utf-8")))
    expected = cells(Profile.load(dialect), sabotages_of(dialect))
    requests = outcome.verdict["requests"]
    return Coverage(dialect, tier, expected, asked, requests=requests, checks=outcome.checks)


def sabotages_of(dialect: str) -> tuple[Sabotage, ...]:
    """The faulty signers of the emulator's default way to sign in, but those that begin with a valid request."""
    with Emulator(dialect) as emulator:
        target = parse_target(emulator.target_yaml(), "emulator")
    session = Session(target.limits, target.urls)
    return tuple(each for each in sabotages(target, SignerFactory(session)) if not each.valid_first)
