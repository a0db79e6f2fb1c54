"""Contents of a sealed file: parsed members, and consistency checks that need no rejudging."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate.manifest import digest, manifest, page
from kms_conformance.apps.certificate.pack import MANIFEST, PAGE, STATEMENT
from kms_conformance.apps.certificate.statement import open_envelope, statement
from kms_conformance.core.text import shortened
from kms_conformance.recording.player import Recording
from kms_conformance.report import files, layout
from kms_conformance.report.consistency import problems_of_report
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.verdict.model import Verdict

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope


@dataclass(frozen=True)
class SealedContents:
    """Members of a sealed file, each parsed and valid by its schema; `document` is the manifest."""

    members: Mapping[str, bytes]
    document: dict[str, Any]
    environment: dict[str, Any]
    report: TargetReport
    recording: Recording
    envelope: Envelope

    @classmethod
    def read(cls, members: Mapping[str, bytes]) -> SealedContents:
        """Parse the members. Raises `ReportError`, `RecordingError` or `ValueError` for an invalid member."""
        document = files.parse_json(members[MANIFEST], MANIFEST)
        validate(document, "manifest", MANIFEST)
        environment = environment_of(members)
        raw = files.parse_json(members[layout.RESULTS], layout.RESULTS)
        validate(raw, "results", layout.RESULTS)
        report = Report.from_json(raw)
        envelope = open_envelope(members[STATEMENT])
        return cls(
            members, document, environment, report.targets[0], Recording.read(members[layout.EXCHANGES]), envelope
        )

    @property
    def verdict(self) -> Verdict:
        return self.report.verdict


def environment_of(members: Mapping[str, bytes]) -> dict[str, Any]:
    """The environment of the run. Raises `ReportError` if it is invalid."""
    found: dict[str, Any] = files.parse_json(members[layout.ENVIRONMENT], layout.ENVIRONMENT)
    validate(found, "environment", layout.ENVIRONMENT)
    return found


def changed_members(members: Mapping[str, bytes]) -> Iterator[str]:
    """Members that were changed after sealing, a sentence each: their digest is not that of manifest or statement.

    The form of the digests is the same in every release. Raises `ReportError` or `ValueError` for an invalid manifest
    or envelope.
    """
    claims = files.parse_json(members[MANIFEST], MANIFEST)["files"]
    for name, claimed in claims.items():
        if digest(members.get(name, b"")) != claimed:
            yield f"{name}: its digest is {digest(members.get(name, b''))}; the sealed digest is {claimed}."
    payload = open_envelope(members[STATEMENT]).payload
    try:
        subjects = json.loads(payload)["subject"]
        stated = {subject["name"]: f"sha256:{subject['digest']['sha256']}" for subject in subjects}
    except (KeyError, TypeError, ValueError, RecursionError):
        stated = {}
    if stated != {name: digest(data) for name, data in members.items() if name != STATEMENT}:
        yield f"{STATEMENT}: its digests are not those of the members."


def noncanonical_members(sealed: SealedContents) -> Iterator[str]:
    """Members that differ in any byte from what this code writes, a sentence each; only for files that it sealed."""
    members, document, verdict = sealed.members, sealed.document, sealed.verdict
    if members[layout.VERDICT] != files.to_text(verdict.to_json()).encode():
        yield f"{layout.VERDICT}: it is not the verdict that {layout.RESULTS} holds."
    if members[layout.RESULTS] != files.to_text(Report((sealed.report,)).to_json()).encode():
        yield f"{layout.RESULTS}: it is not exactly the results of one target."
    signer = next(iter(sealed.envelope.signatures), "")
    if members[PAGE] != page(document, verdict, signer).encode():
        yield f"{PAGE}: it is not the page of this manifest."
    if sealed.envelope.payload != statement(members, document, verdict):
        yield f"{STATEMENT}: it is not the statement about these members."


def contradictions(sealed: SealedContents) -> Iterator[str]:
    """Contradictions between the values in different members, a sentence each; their formatting is ignored."""
    members, document, verdict = sealed.members, sealed.document, sealed.verdict
    targets = files.parse_json(members[layout.RESULTS], layout.RESULTS)["targets"]
    if len(targets) != 1:
        yield f"{layout.RESULTS}: it is not exactly the results of one target."
    if files.parse_json(members[layout.VERDICT], layout.VERDICT) != targets[0]["verdict"]:
        yield f"{layout.VERDICT}: it is not the verdict that {layout.RESULTS} holds."
    yield from (f"{layout.RESULTS}: {problem}" for problem in problems_of_report(Report((sealed.report,))))
    stated, expected_statement = (
        json.loads(text)["predicate"] for text in (sealed.envelope.payload, statement(members, document, verdict))
    )
    for name in ("result", "passedTests", "warnedTests", "failedTests"):
        if stated.get(name) != expected_statement[name]:
            yield f"{STATEMENT}: its {name} is not that of the verdict."
    if sealed.environment["target"]["dialect"] != verdict.dialect:
        yield f"{layout.ENVIRONMENT}: its dialect is not that of the verdict."
    expected = manifest(verdict, sealed.environment, len(sealed.recording.exchanges), members, document["issued"])
    yield from _of_manifest(document, expected)
    in_manifest = {"suite": document["suite"], "tier": document["run"]["tier"], "seed": document["run"]["seed"]}
    for name, value in in_manifest.items():
        if sealed.environment[name] != value:
            yield f"{layout.ENVIRONMENT}: its {name} is not that of the verdict."


def name_note(path: Path, document: Mapping[str, Any]) -> list[str]:
    """A note if the file name has the ending of another kind of sealed file; a renamed file remains valid."""
    name = document["target"]["name"]
    own = layout.sealed_name(name, partial=bool(document["partial"]), evidence=document["kind"] == "evidence")
    kind = own.removeprefix(name)
    if not layout.is_sealed(path.name) or path.name.endswith(kind):
        return []
    return [f"The file is named {path.name}; its contents were sealed as {own}."]


def _of_manifest(document: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    computed, stated = dict(_flat(expected)), dict(_flat(document))
    for name in dict.fromkeys([*computed, *stated]):
        if computed.get(name) != stated.get(name) and not name.startswith("files."):
            found, follows = _shown(stated.get(name)), _shown(computed.get(name))
            yield f"{MANIFEST}: {name} is {found}; by the other members it is {follows}."


def _shown(value: object) -> str:
    return shortened(repr(value), 300)


def _flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf value of a nested mapping, with its dotted path."""
    if not isinstance(value, dict) or not value:
        yield name, value
        return
    for key, child in value.items():
        yield from _flat(child, f"{name}.{key}" if name else str(key))
