"""Reads the parameters of an action, each with its documented form; what has another is refused.

Parameters that no page knows are ignored. An empty value of a required parameter counts as missing.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import strict_json
from kms_conformance.emulator.keys import ABSENT
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+")
_LONGEST_ALIAS = 255
_LONGEST_KEY_NAME = 2048
_MOST_TAGS = 20
_LONGEST_TAG = 128


class Fields:
    """One action's parameters."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def key_name(self, name: str = "KeyId") -> str:
        """What names a key; which names an action takes is its own matter."""
        value = self._values.get(name, "")
        if not value:
            raise Refused("missing_key")
        if len(value) > _LONGEST_KEY_NAME:
            raise Refused("malformed_key")
        return value

    def window(self) -> object:
        """`PendingWindowInDays` as it was sent, which the store judges."""
        return self._values.get("PendingWindowInDays", ABSENT)

    def alias(self) -> str:
        """The required `AliasName`; names below `alias/acs` are the service's own."""
        value = self.required("AliasName")
        if not _ALIAS.fullmatch(value) or len(value) > _LONGEST_ALIAS or value.startswith("alias/acs"):
            raise self._invalid("AliasName")
        return value

    def required(self, name: str) -> str:
        """A parameter that must be there and not be empty."""
        value = self._values.get(name, "")
        if not value:
            raise Refused("missing_parameter", f"The parameter {name} is missing.")
        return value

    def text(self, name: str, longest: int, default: str | None = None) -> str:
        """A text of so many characters at most; it must be there, if only empty, when there is no default."""
        value = self._values.get(name, default)
        if value is None:
            raise Refused("missing_parameter", f"The parameter {name} is missing.")
        if len(value) > longest:
            raise self._invalid(name)
        return value

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """A parameter with a closed set of values."""
        value = self._values.get(name, default)
        if value not in allowed:
            raise self._invalid(name)
        return value

    def number(self, name: str, allowed: range, default: int) -> int:
        """A whole number."""
        value = self._values.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) not in allowed:
            raise self._invalid(name)
        return int(value)

    def flag(self, name: str) -> bool:
        """A required truth value."""
        value = self.required(name).lower()
        if value not in {"true", "false"}:
            raise self._invalid(name)
        return value == "true"

    def decoded(self, name: str) -> bytes:
        """A required value in Base64."""
        try:
            return base64.b64decode(self.required(name), validate=True)
        except ValueError:
            raise self._invalid(name) from None

    def context(self) -> bytes:
        """`EncryptionContext`, in a form that is equal for equal contexts."""
        value = self._json("EncryptionContext", "{}")
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self._invalid("EncryptionContext")
        return strict_json.encode(sorted(value.items())) if value else b""

    def tags(self, default: str | None = None) -> dict[str, str]:
        """`Tags`: names and values from a list of objects; required when there is no default."""
        entries = self._json("Tags", default)
        if not isinstance(entries, list) or len(entries) > _MOST_TAGS or not (entries or default):
            raise self._invalid("Tags")
        tags: dict[str, str] = {}
        for entry in entries:
            name, value = (entry.get("TagKey"), entry.get("TagValue", "")) if isinstance(entry, dict) else (None, None)
            if not isinstance(name, str) or not isinstance(value, str) or not name or name in tags:
                raise self._invalid("Tags")
            if max(len(name), len(value)) > _LONGEST_TAG or name.startswith(("aliyun", "acs:")):
                raise self._invalid("Tags")
            tags[name] = value
        return tags

    def filters(self, known: Collection[str]) -> dict[str, frozenset[str]]:
        """`Filters`: for each property the values that are wanted."""
        entries = self._json("Filters", "[]")
        if not isinstance(entries, list) or len(entries) > 10:
            raise self._invalid("Filters")
        wanted: dict[str, frozenset[str]] = {}
        for entry in entries:
            name, values = (entry.get("Key"), entry.get("Values")) if isinstance(entry, dict) else (None, None)
            if not isinstance(name, str) or name not in known or not isinstance(values, list):
                raise self._invalid("Filters")
            if not all(isinstance(value, str) for value in values):
                raise self._invalid("Filters")
            wanted[name] = wanted.get(name, frozenset()) | frozenset(values)
        return wanted

    def has(self, name: str) -> bool:
        """Whether the parameter was sent."""
        return name in self._values

    def _json(self, name: str, default: str | None) -> Any:  # noqa: ANN401 - parsed JSON
        text = self.required(name) if default is None else self._values.get(name) or default
        try:
            return strict_json.parse(text.encode())
        except ValueError:
            raise self._invalid(name) from None

    @staticmethod
    def _invalid(name: str) -> Refused:
        return Refused("invalid_parameter", f"The value of the parameter {name} is not allowed.")
