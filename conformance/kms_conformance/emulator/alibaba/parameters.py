"""Reads the parameters of an action from query and form, and refuses malformed ones.

Names and values stay bytes until the signature is checked, because it covers the bytes. Undocumented parameters are
ignored. A required parameter with an empty value counts as missing.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from kms_conformance.emulator.keys import ABSENT
from kms_conformance.emulator.messages import encode_json, parse_json
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kms_conformance.emulator.messages import Inbound

Pairs = tuple[tuple[bytes, bytes], ...]
_FORM = "application/x-www-form-urlencoded"
# Limit on the parameters of one request; no action has nearly as many.
_MOST_PARAMETERS = 1000


def of_query(inbound: Inbound) -> Pairs:
    """The decoded names and values of the query; a plus sign is a space."""
    return _decoded(inbound.query.encode("latin-1", "replace"))


def of_form(inbound: Inbound) -> Pairs:
    """The decoded names and values of a form body; empty for a body of another media type."""
    kind = (inbound.header("content-type") or "").partition(";")[0].strip().lower()
    return _decoded(inbound.body) if kind == _FORM else ()


def encoded(pairs: Iterable[tuple[bytes, bytes]]) -> str:
    """The canonical query of both signature versions: sorted and percent-encoded, with %20 for a space."""
    return "&".join(f"{percent(name)}={percent(value)}" for name, value in sorted(pairs))


def percent(text: bytes | str) -> str:
    """Percent-encode all but the unreserved characters (RFC 3986), as both signature versions require."""
    return quote(text, safe="-_.~")


def merged(pairs: Pairs) -> dict[str, str]:
    """Names and values as text; raises `Refused` for invalid UTF-8, a zero byte, duplicate or too many names."""
    if len(pairs) > _MOST_PARAMETERS:
        raise Refused("invalid_parameter", "There are too many parameters.")
    result: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        try:
            name, value = raw_name.decode(), raw_value.decode()
        except UnicodeDecodeError:
            raise Refused("invalid_parameter", "A parameter is not UTF-8.") from None
        if name in result:
            # No page says which of two values of one parameter counts.
            raise Refused("invalid_parameter", "A parameter stands twice.")
        if "\0" in value:
            raise Refused("invalid_parameter", "A parameter holds a zero byte.")
        result[name] = value
    return result


def first_values(pairs: Pairs) -> dict[str, str]:
    """Names and values as text, for use before `merged` checks them; a duplicate name has its first value."""
    result: dict[str, str] = {}
    for name, value in pairs[:_MOST_PARAMETERS]:
        result.setdefault(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
    return result


def _decoded(text: bytes) -> Pairs:
    parts = (part.partition(b"=") for part in text.replace(b"+", b" ").split(b"&") if part)
    return tuple((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts)


_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+")
_LONGEST_ALIAS = 255
_LONGEST_KEY_NAME = 2048
_MOST_TAGS = 20
_LONGEST_TAG = 128


class AlibabaParameters:
    """The parameters of one action; methods raise `Refused` for missing or malformed values."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def key_name(self, name: str = "KeyId") -> str:
        """The required name of a key: id, alias or ARN; each action decides which of these it accepts."""
        value = self._values.get(name, "")
        if not value:
            raise Refused("missing_key")
        if len(value) > _LONGEST_KEY_NAME:
            raise Refused("malformed_key")
        return value

    def window(self) -> object:
        """The window (waiting period) `PendingWindowInDays` as sent; the store checks it."""
        return self._values.get("PendingWindowInDays", ABSENT)

    def alias(self) -> str:
        """The required `AliasName`; names that begin with `alias/acs` are reserved for the service."""
        value = self.required("AliasName")
        if not _ALIAS.fullmatch(value) or len(value) > _LONGEST_ALIAS or value.startswith("alias/acs"):
            raise self._invalid("AliasName")
        return value

    def required(self, name: str) -> str:
        """A required parameter with a value that is not empty."""
        value = self._values.get(name, "")
        if not value:
            raise Refused("missing_parameter", f"The parameter {name} is missing.")
        return value

    def text(self, name: str, longest: int, default: str | None = None) -> str:
        """A text of at most `longest` characters, possibly empty; required unless `default` is given."""
        value = self._values.get(name, default)
        if value is None:
            raise Refused("missing_parameter", f"The parameter {name} is missing.")
        if len(value) > longest:
            raise self._invalid(name)
        return value

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """A text that must be one of `allowed`; `default` if the parameter is absent."""
        value = self._values.get(name, default)
        if value not in allowed:
            raise self._invalid(name)
        return value

    def number(self, name: str, allowed: range, default: int) -> int:
        """A whole number that must be in `allowed`; `default` if the parameter is absent."""
        value = self._values.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) not in allowed:
            raise self._invalid(name)
        return int(value)

    def flag(self, name: str) -> bool:
        """A required parameter with the value true or false, in upper or lower case."""
        value = self.required(name).lower()
        if value not in {"true", "false"}:
            raise self._invalid(name)
        return value == "true"

    def decoded(self, name: str) -> bytes:
        """A required Base64 value, decoded."""
        try:
            return base64.b64decode(self.required(name), validate=True)
        except ValueError:
            raise self._invalid(name) from None

    def context(self) -> bytes:
        """`EncryptionContext` as bytes, which are equal for equal contexts."""
        value = self._json("EncryptionContext", "{}")
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self._invalid("EncryptionContext")
        return encode_json(sorted(value.items())) if value else b""

    def tags(self, default: str | None = None) -> dict[str, str]:
        """`Tags`, a JSON list of objects, as a mapping of names to values; required unless `default` is given."""
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

    def tag_names(self) -> frozenset[str]:
        """`TagKeys`, a required JSON list of names."""
        names = self._json("TagKeys", None)
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise self._invalid("TagKeys")
        return frozenset(names)

    def filters(self, known: Collection[str]) -> dict[str, frozenset[str]]:
        """`Filters` as a mapping: the accepted values for each property that a request filters by."""
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
            return parse_json(text.encode())
        except ValueError:
            raise self._invalid(name) from None

    @staticmethod
    def _invalid(name: str) -> Refused:
        return Refused("invalid_parameter", f"The value of the parameter {name} is not allowed.")
