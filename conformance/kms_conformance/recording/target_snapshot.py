"""Snapshots of a target without its secrets, and targets restored from snapshots to play recordings.

A snapshot has the marks of the redactor in place of secrets. A restored target has made-up secrets, which the redactor
replaces by the same marks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from kms_conformance.core import specs
from kms_conformance.target import Target
from kms_conformance.target.model import Limits
from kms_conformance.target.own_profile import add_content
from kms_conformance.target.registry import way_named
from kms_conformance.wire.secrets.redactor import Redactor

_MARK = re.compile(r"\[redacted:([A-Z0-9_]+)\]")


def target_snapshot(target: Target) -> dict[str, Any]:
    """All properties of a target that a run depends on, without its secrets."""
    redactor = Redactor.of(target)

    def shown(value: object) -> object:
        return redactor.text(value) if isinstance(value, str) else value

    hidden = target.auth.credentials()
    # Credentials are always hidden; other values from the environment are hidden unless they are ordinary words.
    auth = {
        name: f"[redacted:{_label(target, value)}]" if value is not None and name in hidden else shown(value)
        for name, value in ((field.name, getattr(target.auth, field.name)) for field in fields(target.auth))
    }
    own = specs.own_profile(target.profile)
    return {
        "name": target.name,
        "dialect": target.dialect,
        "profile": target.profile,
        **({} if own is None else {"own_profile": own.content}),
        "base_url": shown(target.base_url),
        "auth": {"way": target.auth.way, **auth},
        "limits": asdict(target.limits),
        "time_control": shown(target.time_control),
        **({} if target.instance_id is None else {"instance_id": shown(target.instance_id)}),
        **({"disposable": True} if target.disposable else {}),
        **({"correlation": True} if target.correlation else {}),
    }


def target_from_snapshot(description: Mapping[str, Any]) -> Target:
    """The target of a snapshot, with made-up secrets, for the playback of its recording.

    Raises `KeyError`, `TypeError` or `ValueError` for a malformed snapshot.
    """
    own, profile = description.get("own_profile"), description["profile"]
    if specs.is_own(profile) if own is None else add_content(description["dialect"], own) != profile:
        raise ValueError("the target's profile does not match its own_profile")
    made_up: dict[str, str] = {}

    def filled(value: object) -> object:
        return _MARK.sub(lambda found: _made_up_secret(found[1], made_up), value) if isinstance(value, str) else value

    auth = {name: filled(value) for name, value in description["auth"].items() if name != "way"}
    base_url, time_control = filled(description["base_url"]), filled(description["time_control"])
    instance_id = filled(description.get("instance_id"))
    return Target(
        name=description["name"],
        dialect=description["dialect"],
        base_url=str(base_url),
        auth=way_named(description["auth"]["way"])(**auth),
        profile=description["profile"],
        limits=Limits(**description["limits"]),
        time_control=None if time_control is None else str(time_control),
        instance_id=None if instance_id is None else str(instance_id),
        disposable=description.get("disposable", False),
        # Runs of versions without this key sent no such headers.
        correlation=description.get("correlation", False),
        secrets=frozenset(made_up),
        labels=made_up,
    )


def _label(target: Target, secret: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", target.labels.get(secret, "SECRET").upper())


def _made_up_secret(label: str, made: dict[str, str]) -> str:
    text = f"standin{hashlib.sha256(label.encode()).hexdigest()[:25]}"
    made[text] = label
    return text
