"""Judges each reply of a recording alone, whatever the order of the replies and the requests of this suite are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kms_conformance.client.internal_errors import ENOUGH
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.resending import INTERNAL_ERROR
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.recording.exchange_json import reply_of
from kms_conformance.recording.player import MARKS, Player, Recording
from kms_conformance.recording.target_snapshot import target_from_snapshot
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.world import World

# Statuses of throttling and of gateways. A reply with such a status says nothing about the service: it is not judged.
_NOT_SERVED = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class JudgedReplies:
    """The number of judged replies (`replies`), and of replies that break each requirement (`broken`)."""

    replies: int
    broken: Mapping[str, int]


def judge_replies(recording: Recording, snapshot: Mapping[str, Any]) -> JudgedReplies:
    """Judge status, media type, body and request id of every reply.

    Raises `KeyError`, `TypeError` or `ValueError` for an invalid target description or exchange.
    """
    target = target_from_snapshot(snapshot)
    broken: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    replies = 0
    with TemporaryDirectory(prefix="kms-conformance-") as directory:
        ledger = Ledger(Path(directory) / "ledger.jsonl", "0" * 8)
        target_session = TargetSession(target, ledger, 0, World(carrier=Player(recording, target)))
        for line in recording.exchanges:
            if not line["operation"] or line["reply"] is None or line["reply"]["status"] in _NOT_SERVED:
                continue
            # Internal errors count only where they repeat, as in the run that was recorded.
            errors[line["operation"]] = (
                errors[line["operation"]] + 1 if line["reply"]["status"] == INTERNAL_ERROR else 0
            )
            if 0 < errors[line["operation"]] < ENOUGH:
                continue
            try:
                operation = target_session.client.operation_of(line["operation"])
                _, judgements = target_session.client.judge_exchange(operation, _exchange(line))
            except (Inconclusive, KeyError):
                # This release does not have the operation, or the reply proves nothing.
                continue
            replies += 1
            failed = {found.requirement for found in judgements if not found.passed}
            broken.update(failed & target_session.applicable)
        target_session.close()
    return JudgedReplies(replies, dict(sorted(broken.items())))


def _exchange(line: Mapping[str, Any]) -> Exchange:
    raw = line["request"]
    headers = tuple((name, value) for name, value in raw["headers"])
    request = Request(raw["method"], raw["url"], headers, raw["body"].encode(raw["encoding"]))
    return Exchange(request, reply_of(line["reply"], MARKS), None, datetime.fromisoformat(line["started"]))
