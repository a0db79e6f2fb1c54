"""Vendors' clients, as `specs/<dialect>/clients.yaml` describes their packages, documented errors and known traps."""

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

    A call matches the trap if all of these hold:

    - `raises`: the call ended in an exception of this class or a subclass.
    - `text`: the text of the exception matches this pattern.
    - `operations`: the call is one of these operations; empty for any operation.
    - `reply`: the last reply has these properties; None for any reply.
    - `versions`: the installed version of each of these packages is in the given range; None for any version.

    `tells` describes the fault, and `source` names the place that shows it. With `excuses`, the client is at fault
    whatever the reply was: no reply can cause the exception, or the documents do not require the request to be served.
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
        """Whether the trap explains a call; `kinds` and `text` describe the exception, `answer` is the last reply."""
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
    """One client.

    - `driver`: the module and the class of the adapter.
    - `distributions`: the packages of the client.
    - `ways`: the ways to sign in that the client supports.
    - `errors`: the exception class for each name of a refusal; "default" names the class for all other refusals.
    - `traps`: the known traps.
    - `environment`: the prefixes of the environment variables that the client reads.
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
    """For each dialect, the ways to sign in that its clients support; with `only`, those of the client of this name."""
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
