"""Vendors' clients as `specs/<dialect>/clients.yaml` describes them: packages, documented errors, known traps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from kms_conformance.client.answer import Answer
from kms_conformance.core import specs


@dataclass(frozen=True)
class Trap:
    """Known fault of a client that appears with conforming replies.

    A call matches if it ends in an exception of the class `raises` or a subclass, whose text matches the pattern
    `text`, on a reply that `reply` describes, at one of `operations` (empty: any), with a release in `versions` (None:
    any). A trap that `excuses` is the client's fault with any reply: no reply can cause the symptom, or the documents
    do not require the request to be served.
    """

    id: str
    tells: str
    source: str
    raises: str
    text: str = ""
    operations: frozenset[str] = frozenset()
    reply: Mapping[str, Any] | None = None
    versions: Mapping[str, str] | None = None
    excuses: bool = False

    def matches(self, operation: str, kinds: tuple[str, ...], text: str, answer: Answer | None) -> bool:
        """Whether a call that ended in this exception, on this answer, matches the trap."""
        return (
            self.raises in kinds
            and re.search(self.text, text) is not None
            and (not self.operations or operation in self.operations)
            and self._fits(answer)
            and self._concerns_installed()
        )

    def _fits(self, answer: Answer | None) -> bool:
        if self.reply is None:
            return True
        if answer is None:
            return False
        wanted = self.reply
        return (
            answer.status in wanted.get("status", [answer.status])
            and re.fullmatch(wanted.get("code", ".*"), answer.code or "", re.DOTALL) is not None
            and answer.reply.media_type == wanted.get("media_type", answer.reply.media_type)
            and re.fullmatch(wanted.get("content_type", ".*"), answer.reply.header("Content-Type") or "") is not None
            and ("header" not in wanted or answer.reply.header(wanted["header"]) is not None)
        )

    def _concerns_installed(self) -> bool:
        versions = self.versions or {}
        return all(Version(metadata.version(name)) in SpecifierSet(spec) for name, spec in versions.items())


@dataclass(frozen=True)
class VendorClient:
    """One client: its packages, ways to sign in, documented errors, traps and environment variables (prefixes).

    `errors` maps names of refusals to exception classes; `default` is the class of all other refusals.
    """

    name: str
    title: str
    driver: str
    distributions: tuple[str, ...]
    ways: frozenset[str]
    errors: Mapping[str, str]
    traps: tuple[Trap, ...]
    environment: tuple[str, ...] = ()

    def error_of(self, refusal: str) -> str:
        """The exception class that the client documents for a refusal."""
        return self.errors.get(refusal, self.errors["default"])

    @property
    def versions(self) -> dict[str, str]:
        """The installed version of each distribution."""
        return {name: metadata.version(name) for name in self.distributions}


def clients(dialect: str) -> tuple[VendorClient, ...]:
    """The clients of a dialect; empty if it has no `clients.yaml`."""
    if not (specs.locate(dialect).specs / "clients.yaml").is_file():
        return ()
    return tuple(_client(name, raw) for name, raw in specs.load(f"{dialect}/clients.yaml")["clients"].items())


def ways_of_clients(only: str | None) -> dict[str, frozenset[str]]:
    """The ways to sign in that the clients (or the one named `only`) use, by dialect."""
    return {
        dialect: frozenset[str]().union(*(client.ways for client in clients(dialect) if only in (None, client.name)))
        for dialect in specs.dialects()
    }


def _client(name: str, raw: Mapping[str, Any]) -> VendorClient:
    return VendorClient(
        name=name,
        title=raw["title"],
        driver=raw["driver"],
        distributions=tuple(raw["distributions"]),
        ways=frozenset(raw["ways"]),
        errors=raw["errors"],
        traps=tuple(_trap(trap) for trap in raw.get("traps", ())),
        environment=tuple(raw.get("environment", ())),
    )


def _trap(raw: Mapping[str, Any]) -> Trap:
    return Trap(**{**raw, "operations": frozenset(raw.get("operations", ()))})
