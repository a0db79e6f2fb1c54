"""What a sealed file says of itself, worked out from its other members: nothing in it is believed."""

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
    "It is not signed. Its digests show that its parts belong together, not who sealed them: "
    "whoever can change the file can seal it again."
)

OWN_PROFILE = (
    "It was judged by a profile of the user's own, which it holds: what that accepts beyond the documents is its "
    "author's claim. verdict.json shows it."
)


def manifest(
    verdict: Verdict, environment: Mapping[str, Any], exchanges: int, members: Mapping[str, bytes], issued: str
) -> dict[str, Any]:
    """The document as `specs/schemas/manifest.schema.json` describes it."""
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
    """The page for people; the same manifest gives the same page. `signer` is a key's id, "" where nobody signed."""
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
    """What a sealed file is, in a few words that cannot be mistaken."""
    if document["kind"] == "evidence":
        return "Partial evidence, no certificate" if document["partial"] else "Evidence, no certificate"
    return "Partial result, no certificate" if document["partial"] else "Certificate of conformance"


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, as it stands in manifests."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
