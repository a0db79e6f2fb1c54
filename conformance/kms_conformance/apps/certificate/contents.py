"""What is found in a sealed file without judging anything again: whether its parts belong together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate.manifest import digest, manifest, page
from kms_conformance.apps.certificate.pack import MANIFEST, PAGE, STATEMENT
from kms_conformance.apps.certificate.statement import opened, statement
from kms_conformance.core.text import shortened
from kms_conformance.recording.player import Tape
from kms_conformance.report import files, layout
from kms_conformance.report.consistency import problems_of_report
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.verdict.model import Verdict

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope


@dataclass(frozen=True)
class Sealed:
    """The members of a file, read and found valid one by one."""

    members: Mapping[str, bytes]
    document: dict[str, Any]
    environment: dict[str, Any]
    report: TargetReport
    tape: Tape
    envelope: Envelope

    @classmethod
    def read(cls, members: Mapping[str, bytes]) -> Sealed:
        """Raises `ReportError`, `TapeError` or `ValueError` for a member that is not of its form."""
        document = files.parse_json(members[MANIFEST], MANIFEST)
        validate(document, "manifest", MANIFEST)
        environment = environment_of(members)
        raw = files.parse_json(members[layout.RESULTS], layout.RESULTS)
        validate(raw, "results", layout.RESULTS)
        report = Report.from_json(raw)
        envelope = opened(members[STATEMENT])
        return cls(members, document, environment, report.targets[0], Tape.read(members[layout.EXCHANGES]), envelope)

    @property
    def verdict(self) -> Verdict:
        return self.report.verdict


def environment_of(members: Mapping[str, bytes]) -> dict[str, Any]:
    """The circumstances of the run. Raises `ReportError`."""
    found: dict[str, Any] = files.parse_json(members[layout.ENVIRONMENT], layout.ENVIRONMENT)
    validate(found, "environment", layout.ENVIRONMENT)
    return found


def changes(members: Mapping[str, bytes]) -> Iterator[str]:
    """Members that are not those that were sealed, by their digests and by the statement: true of any release.

    Raises `ReportError` or `ValueError` for a manifest or an envelope that is none.
    """
    claims = files.parse_json(members[MANIFEST], MANIFEST)["files"]
    for name, claimed in claims.items():
        if digest(members.get(name, b"")) != claimed:
            yield f"{name}: its digest is {digest(members.get(name, b''))}, sealed was {claimed}."
    payload = opened(members[STATEMENT]).payload
    try:
        subjects = json.loads(payload)["subject"]
        said = {subject["name"]: f"sha256:{subject['digest']['sha256']}" for subject in subjects}
    except (KeyError, TypeError, ValueError, RecursionError):
        said = {}
    if said != {name: digest(data) for name, data in members.items() if name != STATEMENT}:
        yield f"{STATEMENT}: it speaks of other contents than these."


def misspelt(sealed: Sealed) -> Iterator[str]:
    """Members that are not written as this code writes them: other code may, where the same code may not."""
    members, document, verdict = sealed.members, sealed.document, sealed.verdict
    if members[layout.VERDICT] != files.to_text(verdict.to_json()).encode():
        yield f"{layout.VERDICT}: it is not the verdict that {layout.RESULTS} holds."
    if members[layout.RESULTS] != files.to_text(Report((sealed.report,)).to_json()).encode():
        yield f"{layout.RESULTS}: it holds something else than the results of one target."
    signer = next(iter(sealed.envelope.signatures), "")
    if members[PAGE] != page(document, verdict, signer).encode():
        yield f"{PAGE}: it is not the page of this manifest."
    if sealed.envelope.payload != statement(members, document, verdict):
        yield f"{STATEMENT}: it speaks of other contents than these."


def contradictions(sealed: Sealed) -> Iterator[str]:
    """Members that contradict each other, however they are written."""
    members, document, verdict = sealed.members, sealed.document, sealed.verdict
    targets = files.parse_json(members[layout.RESULTS], layout.RESULTS)["targets"]
    if len(targets) != 1:
        yield f"{layout.RESULTS}: it holds something else than the results of one target."
    if files.parse_json(members[layout.VERDICT], layout.VERDICT) != targets[0]["verdict"]:
        yield f"{layout.VERDICT}: it is not the verdict that {layout.RESULTS} holds."
    yield from (f"{layout.RESULTS}: {problem}" for problem in problems_of_report(Report((sealed.report,))))
    said, follows = (
        json.loads(text)["predicate"] for text in (sealed.envelope.payload, statement(members, document, verdict))
    )
    for name in ("result", "passedTests", "warnedTests", "failedTests"):
        if said.get(name) != follows[name]:
            yield f"{STATEMENT}: its {name} is not what the verdict says."
    if sealed.environment["target"]["dialect"] != verdict.dialect:
        yield f"{layout.ENVIRONMENT}: its dialect is not that of the verdict."
    expected = manifest(verdict, sealed.environment, len(sealed.tape.lines), members, document["issued"])
    yield from _of_manifest(document, expected)
    said = {"suite": document["suite"], "tier": document["run"]["tier"], "seed": document["run"]["seed"]}
    for name, value in said.items():
        if sealed.environment[name] != value:
            yield f"{layout.ENVIRONMENT}: its {name} is not that of the verdict."


def name_note(path: Path, document: Mapping[str, Any]) -> list[str]:
    """A note on a file that is called another kind than it is: copies are renamed, and nothing rests on a name."""
    name = document["target"]["name"]
    own = layout.sealed_name(name, partial=bool(document["partial"]), evidence=document["kind"] == "evidence")
    kind = own.removeprefix(name)
    if not layout.is_sealed(path.name) or path.name.endswith(kind):
        return []
    return [f"The file is called {path.name}; what it holds was sealed as {own}."]


def _of_manifest(document: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    known, said = dict(_flat(expected)), dict(_flat(document))
    for name in dict.fromkeys([*known, *said]):
        if known.get(name) != said.get(name) and not name.startswith("files."):
            found, follows = _shown(said.get(name)), _shown(known.get(name))
            yield f"{MANIFEST}: {name} is {found}; by the other members it is {follows}."


def _shown(value: object) -> str:
    return shortened(repr(value), 300)


def _flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every single value of a nested mapping, by the path that leads to it."""
    if not isinstance(value, dict) or not value:
        yield name, value
        return
    for key, child in value.items():
        yield from _flat(child, f"{name}.{key}" if name else str(key))
