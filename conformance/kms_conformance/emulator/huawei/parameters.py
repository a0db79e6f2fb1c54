"""Reads body fields of the Huawei dialect, and refuses malformed ones.

Undocumented fields are ignored. A field that is null counts as a value of the wrong type, not as absent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.huawei.credentials import DOMAIN_ID, REGION
from kms_conformance.emulator.keys import ABSENT
from kms_conformance.emulator.messages import encode_json
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kms_conformance.emulator.decisions import Decisions

_KEY_ID = re.compile(r"[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}")
_ALIAS = re.compile(r"[a-zA-Z0-9:/_-]{1,255}")
_BY_ALIAS = re.compile(rf"(alias/|kms:{REGION}:{DOMAIN_ID}:alias:)(?P<name>.+)")
_LONGEST_CONTEXT = 8192
_SEQUENCE = 36


class HuaweiParameters:
    """The fields of one body; methods raise `Refused` for missing or malformed values."""

    def __init__(self, values: Mapping[str, Any], decisions: Decisions) -> None:
        self._values = values
        self._decisions = decisions

    def key_id(self) -> str:
        """The required `key_id`."""
        value = self._values.get("key_id", ABSENT)
        if value is ABSENT:
            raise Refused("missing_key")
        if not isinstance(value, str):
            raise Refused("wrong_key_type")
        return self._formed("key_id", value, _KEY_ID, "malformed_key")

    def alias_of_key(self) -> str | None:
        """The alias in a `key_id` of the form `alias/NAME` or `kms:REALM:DOMAIN:alias:NAME`; None for other forms."""
        value = self._values.get("key_id")
        found = _BY_ALIAS.fullmatch(value) if isinstance(value, str) else None
        return None if found is None else found["name"]

    def alias(self) -> str:
        """The required `key_alias`; names that end in `/default` are reserved for default keys."""
        value = self._formed("key_alias", self._values.get("key_alias"), _ALIAS, "invalid_alias")
        if value.endswith("/default"):
            raise Refused("invalid_alias")
        return value

    def sequence(self) -> None:
        """Check the optional `sequence`; its value is not stored."""
        value = self._values.get("sequence", ABSENT)
        if value is ABSENT or (isinstance(value, str) and len(value) == _SEQUENCE):
            return
        problem = self._decisions.parameter_problem("bad_sequence", "sequence", value)
        if problem is not None:
            raise Refused(problem)

    def window(self) -> object:
        """The window (waiting period) `pending_days` as sent; the store checks it."""
        return self._values.get("pending_days", ABSENT)

    def text(self, name: str, pattern: str, *, default: str | None = None) -> str:
        """A text that must match `pattern`; the field is required unless `default` is given."""
        value = self._values.get(name, ABSENT)
        if value is ABSENT and default is not None:
            return default
        if not isinstance(value, str) or "\0" in value or not re.fullmatch(pattern, value, re.DOTALL):
            raise Refused("invalid_parameter", f"The value of {name} is missing or not allowed.")
        return value

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """A text that must be one of `allowed`; `default` if the field is absent."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or value not in allowed:
            raise Refused("invalid_parameter", f"The value of {name} is not allowed.")
        return value

    def number(self, name: str, allowed: range, default: int) -> int:
        """A whole number. It is documented as a string; a JSON number is accepted because some clients send one."""
        value = self._values.get(name, str(default))
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}", text) or int(text) not in allowed:
            raise Refused("invalid_parameter", f"The value of {name} is not allowed.")
        return int(text)

    def context(self) -> bytes:
        """`encryption_context` as bytes, which are equal for equal contexts."""
        value = self._values.get("encryption_context", {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise Refused("invalid_parameter", "The value of encryption_context is no object of texts.")
        context = encode_json(sorted(value.items())) if value else b""
        if len(context) > _LONGEST_CONTEXT:
            raise Refused("invalid_parameter", "The value of encryption_context is too long.")
        return context

    def has(self, name: str) -> bool:
        """Whether the field was sent."""
        return name in self._values

    def _formed(self, name: str, value: object, form: re.Pattern[str], refusal: str) -> str:
        if not isinstance(value, str):
            raise Refused(refusal)
        problem = None if form.fullmatch(value) else self._decisions.parameter_problem(refusal, name, value)
        if problem is not None:
            raise Refused(problem)
        return value
