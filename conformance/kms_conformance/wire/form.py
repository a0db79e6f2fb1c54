"""The form of a request: which fields it has, and of which types. Requests of one form differ in values alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request


def form_of(request: Request) -> str:
    """Method, names of the query, and names and types of the body's fields; of a body without fields, what it is."""
    query = sorted(piece.partition("=")[0] for piece in request.query.split("&") if piece)
    return " ".join((request.method, *query, *_body(request.body)))


def _body(body: bytes) -> list[str]:
    if not body.strip():
        return []
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        # A form has names; what is neither is told apart by its bytes.
        names = sorted(piece.partition(b"=")[0].decode("latin-1") for piece in body.split(b"&") if b"=" in piece)
        return names or [hashlib.sha256(body).hexdigest()[:16]]
    if isinstance(value, dict):
        return ["object", *sorted(f"{name}:{type(held).__name__}" for name, held in value.items())]
    return [type(value).__name__]
