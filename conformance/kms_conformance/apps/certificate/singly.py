"""Replies of a tape, each judged by itself against the documents: needs no order, and no suite that asks the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.recording.line import reply_of
from kms_conformance.recording.player import MARKS, Player, Tape
from kms_conformance.recording.target_snapshot import put_up
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.world import World

# Of the service itself these say nothing, whoever wrote them.
_NOT_SERVED = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Singly:
    """How many replies were judged, and by how many each requirement is broken that any breaks."""

    replies: int
    broken: Mapping[str, int]


def judge_singly(tape: Tape, stage: Mapping[str, Any]) -> Singly:
    """Judge what is demanded of every reply: its status, media type, body and request id.

    Raises `KeyError`, `TypeError` or `ValueError` for what no target, and no exchange, is like.
    """
    target = put_up(stage)
    broken: Counter[str] = Counter()
    replies = 0
    with TemporaryDirectory(prefix="kms-conformance-") as directory:
        ledger = Ledger(Path(directory) / "ledger.jsonl", "0" * 8)
        target_session = TargetSession(target, ledger, 0, World(carrier=Player(tape, target)))
        for line in tape.lines:
            if not line["operation"] or line["reply"] is None or line["reply"]["status"] in _NOT_SERVED:
                continue
            try:
                operation = target_session.client.operation_of(line["operation"])
                _, judgements = target_session.client.overheard(operation, _exchange(line))
            except (Inconclusive, KeyError):
                # An operation that this release does not have.
                continue
            replies += 1
            failed = {found.requirement for found in judgements if not found.passed}
            broken.update(failed & target_session.applicable)
        target_session.close()
    return Singly(replies, dict(sorted(broken.items())))


def _exchange(line: Mapping[str, Any]) -> Exchange:
    raw = line["request"]
    headers = tuple((name, value) for name, value in raw["headers"])
    request = Request(raw["method"], raw["url"], headers, raw["body"].encode(raw["encoding"]))
    return Exchange(request, reply_of(line["reply"], MARKS), None, datetime.fromisoformat(line["started"]))
