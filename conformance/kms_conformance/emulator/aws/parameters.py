"""Reads body fields of the AWS dialect, resolves key names (id, ARN, alias), and cuts lists into pages.

Malformed fields are refused. Undocumented fields are ignored. A field that is null counts as absent, as in the AWS
JSON protocol.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.aws.credentials import ACCOUNT_ID, REGION
from kms_conformance.emulator.keys import ABSENT, Quoted
from kms_conformance.emulator.messages import encode_json
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service

_HERE = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ELSEWHERE = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/.+")


def key_arn(key: Key) -> str:
    """The ARN of a key."""
    return f"{_HERE}key/{key.id}"


def alias_arn(alias: str) -> str:
    """The ARN of an alias."""
    return _HERE + alias


def bare(name: object) -> object:
    """The key id in a key ARN; any other value unchanged."""
    return name.removeprefix(f"{_HERE}key/") if isinstance(name, str) else name


class Names:
    """Resolves key names to key ids."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def id_of(self, name: str, *, or_alias: bool = False) -> str:
        """The key id for the name of a key: an id, an ARN or, with `or_alias`, an alias.

        Whether a key with this id exists is not checked; an alias must exist. Raises `Refused`.
        """
        local = name.removeprefix(_HERE)
        if local.startswith("alias/"):
            problem = None if or_alias else "alias_as_key"
            if problem is not None:
                problem = self._service.decisions.parameter_problem(problem, "KeyId", name)
            if problem is not None:
                raise Refused(problem)
            return self._service.store.by_alias(local).id
        if _ELSEWHERE.fullmatch(local):
            raise Refused("unknown_key", f"Key '{name}' does not exist")
        local = local.removeprefix("key/") if name != local else local
        if not _ID.fullmatch(local):
            problem = self._service.decisions.parameter_problem("malformed_key", "KeyId", name)
            if problem is not None:
                raise Refused(problem, f"Invalid keyId '{name}'")
        return local


_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+")
_LONGEST_ALIAS = 256
_LONGEST_NAME = 2048
_MOST_TAGS = 50


class AwsParameters:
    """The fields of one body; methods raise `Refused` for missing or malformed values."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        nulls = {name for name, value in values.items() if value is None}
        self._values = {name: values[name] for name in values if name not in nulls} if nulls else values

    def has(self, name: str) -> bool:
        """Whether the field was sent."""
        return name in self._values

    def key_name(self, name: str = "KeyId") -> str:
        """The required name of a key: id, ARN or alias; each operation decides which of these it accepts."""
        value = self._values.get(name, "")
        if not isinstance(value, str):
            raise Refused("wrong_key_type")
        if not value:
            raise Refused("missing_key")
        if len(value) > _LONGEST_NAME:
            raise Refused("malformed_key")
        return value

    def window(self) -> object:
        """The window (waiting period) `PendingWindowInDays` as sent; the store checks it. A string becomes `Quoted`."""
        value = self._values.get("PendingWindowInDays", ABSENT)
        return Quoted(value) if isinstance(value, str) else value

    def alias(self) -> str:
        """The required `AliasName`; names that begin with `alias/aws/` are reserved for the service."""
        value = self.text("AliasName", _LONGEST_ALIAS)
        if not _ALIAS.fullmatch(value) or value.startswith("alias/aws/"):
            raise Refused("invalid_alias")
        return value

    def text(self, name: str, longest: int, default: str | None = None, shortest: int = 0) -> str:
        """A text of `shortest` to `longest` characters; the field is required unless `default` is given."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            raise self._invalid(name)
        return value

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """A text that must be one of `allowed`; the field is required unless `default` is given."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or value not in allowed:
            raise self._invalid(name)
        return value

    def number(self, name: str, allowed: range, default: int) -> int:
        """A whole number that must be in `allowed`; `default` if the field is absent."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            raise self._invalid(name)
        return value

    def data(self, name: str, longest: int) -> bytes:
        """A required Base64 value of 1 to `longest` bytes, decoded."""
        try:
            value = base64.b64decode(self.text(name, longest * 2), validate=True)
        except ValueError:
            raise self._invalid(name) from None
        if not 1 <= len(value) <= longest:
            raise self._invalid(name)
        return value

    def texts(self, name: str, longest: int, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        """A required list of at most `longest` texts; if `allowed` is given, every text must be in it."""
        values = self._values.get(name)
        if not isinstance(values, list) or len(values) > longest:
            raise self._invalid(name)
        if not all(isinstance(value, str) and (allowed is None or value in allowed) for value in values):
            raise self._invalid(name)
        return tuple(values)

    def context(self, name: str = "EncryptionContext") -> bytes:
        """An encryption context as bytes, which are equal for equal contexts."""
        value = self._values.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self._invalid(name)
        return encode_json(sorted(value.items())) if value else b""

    def tags(self, *, required: bool) -> dict[str, str]:
        """`Tags`, a list of objects, as a mapping of names to values."""
        entries = self._values.get("Tags", None if required else [])
        if not isinstance(entries, list) or len(entries) > _MOST_TAGS:
            raise self._invalid("Tags")
        tags: dict[str, str] = {}
        for entry in entries:
            name, value = (entry.get("TagKey"), entry.get("TagValue")) if isinstance(entry, dict) else (None, None)
            if not isinstance(name, str) or not isinstance(value, str) or not 1 <= len(name) <= 128 or len(value) > 256:
                raise self._invalid("Tags")
            if name in tags or name.lower().startswith("aws:"):
                raise Refused("invalid_tag")
            tags[name] = value
        return tags

    @staticmethod
    def _invalid(name: str) -> Refused:
        return Refused("invalid_parameter", f"1 validation error detected: the value at '{name}' is not allowed.")


def page(
    fields: AwsParameters,
    name: str,
    entries: Sequence[Any],
    default: int = 50,
    most: int = 1000,
    sized: Callable[[int], int] = lambda requested: requested,
) -> dict[str, Any]:
    """The requested page of a list: a reply with the entries in the field `name`.

    The page has at most `sized(Limit)` entries. `default` and `most` are the default and the maximum of `Limit`.
    """
    limit = sized(fields.number("Limit", range(1, most + 1), default))
    marker = fields.text("Marker", 1024, "0")
    if not re.fullmatch("[0-9]{1,9}", marker):
        raise Refused("invalid_marker")
    start = int(marker)
    more = len(entries) > start + limit
    fields_of_page = {name: list(entries[start : start + limit]), "Truncated": more}
    return {**fields_of_page, "NextMarker": str(start + limit)} if more else fields_of_page
