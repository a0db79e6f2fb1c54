"""How keys are written in this dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.huawei.credentials import DOMAIN_ID, REGION

if TYPE_CHECKING:
    from datetime import datetime

    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.rules import Rules


def millis(moment: datetime | None) -> str:
    """Milliseconds since 1970 as text, empty for no time: the form of the vendor's examples."""
    return "" if moment is None else str(int(moment.timestamp()) * 1000)


def state(key: Key, rules: Rules) -> dict[str, str]:
    """The flat form that schedule and cancel answer with, and the inside of the wrapped one of enable and disable."""
    return {"key_id": key.id, "key_state": rules.wire_states[key.state]}


def details(key: Key, rules: Rules) -> dict[str, Any]:
    """All that describe and list tell of a key."""
    return {
        "key_id": key.id,
        "domain_id": DOMAIN_ID,
        "key_alias": key.aliases[0] if key.aliases else "",
        "realm": REGION,
        "key_spec": key.spec,
        "key_usage": key.usage,
        "key_description": key.description,
        "creation_date": millis(key.created),
        "scheduled_deletion_date": millis(key.deletion),
        "key_state": rules.wire_states[key.state],
        "default_key_flag": "1" if key.default else "0",
        "key_type": "1",
        "expiration_time": "",
        "origin": "external" if key.external else "kms",
    }
