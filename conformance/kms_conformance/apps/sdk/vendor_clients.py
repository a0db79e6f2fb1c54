"""What is known of the vendors' clients beforehand: which errors they document, and which traps they are."""

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
    """A known fault of a client that shows on conforming replies.

    It is met where a call ends in an exception of the class `raises`, or one derived from it, whose text holds `text`,
    on a reply as `reply` describes it, at one of `operations` (none: any), with a release that `versions` names (none:
    any). One that `excuses` the target is the client's whatever the reply: no reply can bring the symptom about, or the
    request was not one that the documents demand to be served.
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

    def is_met(self, operation: str, kinds: tuple[str, ...], text: str, answer: Answer | None) -> bool:
        """Whether a call that ended so has run into this trap."""
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
    """One client: the packages that it comes in, the ways in which it signs in, its documented errors, its traps.

    `errors` gives the class of the exception by the name of a refusal, and for `default` that of every other one.
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
        """The class of the exception that is due on a refusal."""
        return self.errors.get(refusal, self.errors["default"])

    @property
    def versions(self) -> dict[str, str]:
        """What is installed, by distribution."""
        return {name: metadata.version(name) for name in self.distributions}


def clients(dialect: str) -> tuple[VendorClient, ...]:
    """The clients of a dialect, as `specs/<dialect>/clients.yaml` has them."""
    if not (specs.home(dialect).specs / "clients.yaml").is_file():
        return ()
    return tuple(_client(name, raw) for name, raw in specs.load(f"{dialect}/clients.yaml")["clients"].items())


def ways_of_clients(only: str | None) -> dict[str, frozenset[str]]:
    """The ways in which the clients, or the one named `only`, sign in, by dialect."""
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
