"""Verifies a certificate: works out every digest and every number again, and says precisely what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance import __version__, specs
from conformance.reporting import files, layout
from conformance.reporting.certificate import NOT_A_SIGNATURE, contents, digest, page, seal
from conformance.reporting.errors import ReportError
from conformance.reporting.load import load_verdict
from conformance.reporting.schemas import validate
from conformance.verdict import specs_digest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Verification:
    """What became of verifying one certificate: it holds where there are no problems. Notes are worth knowing."""

    path: Path
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    seal: str

    @property
    def holds(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        if self.holds:
            first = [f"{self.path} holds: every sealed file is as it was.", f"seal {self.seal}"]
        else:
            first = [f"{self.path} does not hold.", *(f"  {problem}" for problem in self.problems)]
        return "\n".join([*first, *self.notes, NOT_A_SIGNATURE])


def verify(path: Path) -> Verification:
    """Verify a `certificate.json`, or the one in a folder.

    Raises `ReportError` where there is none, or what is there is none; all else comes back as problems.
    """
    path = path / layout.CERTIFICATE if path.is_dir() else path
    document = files.read_json(path)
    validate(document, "certificate", str(path))
    return Verification(path, tuple(_problems(path, document)), tuple(_notes(document)), document["seal"])


def _problems(path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    computed = seal(document)
    if computed != document["seal"]:
        yield f"{path.name}: its content has the seal {computed}, but {document['seal']} stands there."
    for name, sealed in document["files"].items():
        yield from _problems_of_file(path.parent / name, name, sealed)
    yield from _problems_of_contents(path, document)


def _problems_of_file(path: Path, name: str, sealed: str) -> Iterator[str]:
    try:
        found = digest(files.read_bytes(path))
    except ReportError as error:
        yield f"{name}: {error.what}"
        return
    if found != sealed:
        yield f"{name}: its digest is {found}, sealed was {sealed}."


def _problems_of_contents(path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    """Where the certificate, or its page, says other things than the verdict does."""
    try:
        verdict = load_verdict(path.parent / layout.VERDICT)
    except ReportError as error:
        yield f"{layout.VERDICT}: {error.why}".replace("\n", " ")
        return
    expected = contents(verdict)
    known, sealed = dict(_flat(expected)), dict(_flat({key: document[key] for key in expected}))
    for name in dict.fromkeys([*known, *sealed]):
        if known.get(name) != sealed.get(name):
            yield f"{name}: the certificate says {sealed.get(name)!r}, {layout.VERDICT} says {known.get(name)!r}."
    shown = path.with_name(layout.CERTIFICATE_PAGE)
    if _same_version(document) and shown.is_file() and files.read_bytes(shown) != page(document, verdict).encode():
        yield f"{shown.name}: it is not the page of this certificate."


def _notes(document: Mapping[str, Any]) -> Iterator[str]:
    suite = document["suite"]
    dialect = document["target"]["dialect"]
    if dialect not in specs.dialects() or specs_digest(dialect) != suite["specs_digest"]:
        yield f"It rests on other specs than those of this suite: those of version {suite['version']}."
    if not _same_version(document):
        yield f"{layout.CERTIFICATE_PAGE} was not compared: version {suite['version']} of the suite made it."


def _same_version(document: Mapping[str, Any]) -> bool:
    """Another version may have laid out its pages otherwise."""
    return bool(document["suite"]["version"] == __version__)


def _flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every single value of a nested mapping, by the path that leads to it."""
    if not isinstance(value, dict):
        yield name, value
        return
    for key, child in value.items():
        yield from _flat(child, f"{name}.{key}" if name else str(key))
