"""A generated request before it is aimed: it belongs to no target, names no key of ours, and carries no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kms_conformance.wire.messages import Headers


@dataclass(frozen=True)
class Draft:
    """One generated request.

    `path` holds the percent-encoded values of those path parameters that are wrong on purpose: the others are the
    target's own. `query` is percent-encoded. `positive` says that the request is valid by the spec, and `origin` how
    it came about.
    """

    method: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    path: Mapping[str, str] = field(default_factory=dict)
    positive: bool = True
    origin: str = ""

    @property
    def content(self) -> tuple[object, ...]:
        """What is sent, to tell two drafts apart."""
        return (self.method, self.query, self.headers, self.body, tuple(self.path.items()))

    def to_json(self) -> dict[str, Any]:
        """All of it in JSON types; a body is one character a byte."""
        return vars(self) | {
            "headers": [list(pair) for pair in self.headers],
            "body": self.body.decode("latin-1"),
            "path": dict(self.path),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Draft:
        """The inverse of `to_json`. Raises `KeyError`, `TypeError` or `ValueError` for what is no draft."""
        headers = tuple((str(name), str(value)) for name, value in raw["headers"])
        return cls(**(dict(raw) | {"headers": headers, "body": raw["body"].encode("latin-1")}))
