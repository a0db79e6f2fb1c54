"""Answers to judge, as an endpoint might have given them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.answer import Answer
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import Dialect
from kms_conformance.wire.messages import Reply, Request

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JSON = "application/json"
BASE = "http://127.0.0.1:1"


def dialect_of(name: str) -> Dialect:
    return adapter(Profile.load(name), BASE, "project")


@cache
def api_of(name: str) -> Api:
    return Api.load(Profile.load(name))


def answered(
    dialect: Dialect,
    operation: str | None,
    status: int,
    body: object,
    *,
    content_type: str = JSON,
    number: int = 1,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to an operation, read as the client reads it; `body` is JSON unless it is bytes already."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status, "", (("Content-Type", content_type), *(headers or {}).items()), raw, 0.0)
    known = None if operation is None else api_of(dialect.profile.dialect)[operation]
    spec = None if known is None else known.replies.get(status)
    decoded = dialect.decode(reply, spec)
    documented = () if known is None else tuple(known.replies)
    request = Request("POST", f"{BASE}/?Format=JSON", (("Content-Type", JSON),))
    error = dialect.error(decoded.value) if status >= 400 else None
    return Answer(known, request, reply, spec, decoded.value, decoded.problems, error, number, NOW, documented)
