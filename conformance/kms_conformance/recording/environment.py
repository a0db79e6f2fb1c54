"""The environment of a run on one target: versions, settings and target, by `specs/schemas/environment.schema.json`."""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from kms_conformance import __version__
from kms_conformance.recording.code_version import code
from kms_conformance.recording.target_snapshot import target_snapshot

if TYPE_CHECKING:
    from kms_conformance.recording.storage import RunFacts
    from kms_conformance.target import Target

FORMAT = 2
# Python, and the packages that generate requests: other versions draw other requests from the same seed.
_DRAWING = ("python", "hypothesis", "schemathesis", "botocore")
# Packages that judge the bodies of replies or hold their schemas: other versions may judge differently.
_JUDGING = ("schemathesis", "jsonschema-rs", "botocore")
_OTHERS = ("pytest", "requests", "urllib3", "pyyaml")


def environment(
    target: Target,
    facts: RunFacts,
    planned: Collection[str],
    *,
    tier: str,
    seed: int,
    nights: Mapping[str, bool],
    filters: Mapping[str, str],
    specs_digest: str,
) -> dict[str, Any]:
    """The content of `environment.json`. `planned` are the checks that the run would have made without `filters`."""
    document = {
        "format": FORMAT,
        "suite": {"version": __version__, "specs_digest": specs_digest},
        "code": code(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in sorted({*_DRAWING[1:], *_JUDGING, *_OTHERS})},
        "tier": tier,
        "seed": seed,
        "nights": dict(nights),
        "filters": dict(filters),
        "target": target_snapshot(target),
        "planned": sorted(planned),
        **asdict(facts),
    }
    return document | {"partial": partial_because(document, planned)}


def partial_because(document: Mapping[str, Any], plan: Collection[str]) -> list[str]:
    """Reasons why a run covers only a part of the requirements; empty if it covers all of them.

    `plan` are all checks of the run's tier.
    """
    left_out = len(set(plan) - set(document["checks"]))
    reasons = {
        "its tier is smoke": document["tier"] == "smoke",
        f"{left_out} of {len(plan)} checks did not run": left_out > 0,
        "it was ended early": document["interrupted"],
        "it only watched what was planted": document["nights"]["watch"],
        "only a part of the suite was named": not {"files", "ignored"}.isdisjoint(document["filters"]),
        "it is one shard of a run": "shard" in document["filters"],
    }
    return [reason for reason, holds in reasons.items() if holds]


def missing_to_draw(document: Mapping[str, Any]) -> list[str]:
    """Packages that generate requests and whose version here differs from that in the run."""
    return _others(document, _DRAWING)


def missing_to_judge(document: Mapping[str, Any], *, drawn: bool) -> list[str]:
    """Packages that are needed to judge a recorded run, and whose version here differs from that of the recorded run.

    `drawn` says whether the recording holds the values that generators drew. If it does not, the requests must be
    generated again, and the packages that generate requests are needed too.
    """
    return _others(document, _JUDGING if drawn else tuple(dict.fromkeys((*_DRAWING, *_JUDGING))))


def _others(document: Mapping[str, Any], names: Collection[str]) -> list[str]:
    wanted = document["packages"] | {"python": _minor(document["python"])}
    here = {name: _version(name) for name in names} | {"python": _minor(platform.python_version())}
    return [f"{name} {wanted[name]} (here: {here[name]})" for name in names if wanted[name] != here[name]]


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
