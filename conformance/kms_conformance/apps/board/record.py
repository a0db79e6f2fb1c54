"""A run of the board as JSON (`specs/schemas/board-release.schema.json`), and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kms_conformance.apps.board.model import (
    JudgedRun,
    RequirementCell,
    ShownFailure,
    Standing,
    TargetCard,
)
from kms_conformance.report.text.exchange import ExchangeView, Message

FORMAT = 1
KIND = "kms-conformance board release"
_FACTS = (
    "source",
    "target",
    "dialect",
    "profile",
    "base_url",
    "result",
    "tier",
    "seed",
    "started",
    "suite_version",
    "specs_digest",
    "requests",
    "keys_created",
    "own_profile",
    "sentence",
)


def run_to_json(run: JudgedRun) -> dict[str, Any]:
    """The run as JSON; the exchanges that prove passed requirements are left out."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "card": asdict(run.card),
        "standing": standing_to_json(run.standing),
        **{name: getattr(run, name) for name in _FACTS},
        "partial": list(run.partial),
        "requirements": [_cell_to_json(cell) for cell in run.cells],
    }


def run_from_json(raw: Mapping[str, Any]) -> JudgedRun:
    """The inverse of `run_to_json`, for a document that is valid by the schema."""
    return JudgedRun(
        card=TargetCard(**raw["card"]),
        standing=standing_from_json(raw["standing"]),
        partial=tuple(raw["partial"]),
        cells=tuple(map(_cell_from_json, raw["requirements"])),
        **{name: raw[name] for name in _FACTS},
    )


def standing_to_json(standing: Standing) -> dict[str, Any]:
    """A standing, with its lists as JSON arrays."""
    return {name: list(said) if isinstance(said, tuple) else said for name, said in asdict(standing).items()}


def standing_from_json(raw: Mapping[str, Any]) -> Standing:
    """The inverse of `standing_to_json`."""
    values: dict[str, Any] = {name: tuple(said) if isinstance(said, list) else said for name, said in raw.items()}
    return Standing(**values)


def _cell_to_json(cell: RequirementCell) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": cell.requirement,
        "level": cell.level,
        "weight": cell.weight,
        "verdict": cell.verdict,
        "state": cell.state,
        "reason": cell.reason,
    }
    failure = cell.failure
    if failure is not None:
        document["failure"] = {
            "check": failure.check,
            "expected": failure.expected,
            "received": failure.received,
            "note": failure.note,
            "more": failure.more,
            "exchanges": list(map(exchange_to_json, failure.exchanges)),
        }
    return document


def _cell_from_json(raw: Mapping[str, Any]) -> RequirementCell:
    failure = raw.get("failure")
    return RequirementCell(
        raw["id"],
        raw["level"],
        raw["weight"],
        raw["verdict"],
        raw["reason"],
        None
        if failure is None
        else ShownFailure(**(dict(failure) | {"exchanges": tuple(map(exchange_from_json, failure["exchanges"]))})),
    )


def exchange_to_json(exchange: ExchangeView) -> dict[str, Any]:
    """The view of an exchange as JSON; `asdict`, which copies each value, takes ten times as long."""
    reply = exchange.reply
    sides = {"request": vars(exchange.request), "reply": None if reply is None else vars(reply)}
    return {name: value for name, value in vars(exchange).items() if name != "trace" or value} | sides


def exchange_from_json(raw: Mapping[str, Any]) -> ExchangeView:
    """The view of an exchange, from its JSON."""
    reply = raw["reply"]
    sides = {"request": _message(raw["request"]), "reply": None if reply is None else _message(reply)}
    return ExchangeView(**(dict(raw) | sides))


def _message(raw: Mapping[str, Any]) -> Message:
    return Message(**(dict(raw) | {"headers": tuple((name, value) for name, value in raw["headers"])}))
