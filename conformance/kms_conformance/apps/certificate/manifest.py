"""Manifest and page of a sealed file, computed from its other members; verification computes them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kms_conformance.report import layout
from kms_conformance.report.html.render import render_template
from kms_conformance.report.text.words import sentence
from kms_conformance.verdict.decide import is_sound
from kms_conformance.verdict.model import LEVELS, VERDICTS

if TYPE_CHECKING:
    from kms_conformance.verdict.model import Verdict

FORMAT = 2
SEALED = (layout.VERDICT, layout.RESULTS, layout.ENVIRONMENT, layout.LEDGER, layout.EXCHANGES)
NO_SIGNATURE = (
    "It is not signed. Its digests show that its parts belong together, but not who sealed them: "
    "anybody who can change the file can seal it again."
)

OWN_PROFILE = (
    "It was judged by the user's own profile, which verdict.json shows. "
    "Answers that only this profile accepts are its author's claim."
)


def manifest(
    verdict: Verdict, environment: Mapping[str, Any], exchanges: int, members: Mapping[str, bytes], issued: str
) -> dict[str, Any]:
    """The manifest, as `specs/schemas/manifest.schema.json` describes it."""
    raw = verdict.to_json()
    return {
        "format": FORMAT,
        "kind": "certificate" if is_sound(verdict, environment["partial"]) else "evidence",
        "partial": list(environment["partial"]),
        "issued": issued,
        "result": raw["result"],
        "target": raw["target"],
        "suite": raw["suite"],
        "run": {
            name: raw[name] for name in ("tier", "seed", "started", "duration_seconds", "requests", "keys_created")
        },
        "counts": {level: dict(counts) for level, counts in verdict.counts().items()},
        "waived": {entry.id: entry.reason for entry in verdict.with_verdict("waived")},
        "exchanges": exchanges,
        "files": {name: digest(members[name]) for name in SEALED},
    }


def page(document: Mapping[str, Any], verdict: Verdict, signer: str) -> str:
    """The HTML page; the same manifest gives the same page. `signer` is the id of the signing key, "" if unsigned."""
    return render_template(
        "certificate.html.j2",
        styles=("base.css", "certificate.css"),
        certificate=document,
        sentence=sentence(verdict),
        applicable=tuple(name for name in VERDICTS if any(document["counts"][level][name] for level in LEVELS)),
        title=title(document),
        signer=signer,
        notice=NO_SIGNATURE,
    )


def title(document: Mapping[str, Any]) -> str:
    """The title of a sealed file: certificate, partial result, evidence or partial evidence."""
    if document["kind"] == "evidence":
        return "Partial evidence, not a certificate" if document["partial"] else "Evidence, not a certificate"
    return "Partial result, not a certificate" if document["partial"] else "Certificate of conformance"


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, as written in manifests: `sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
