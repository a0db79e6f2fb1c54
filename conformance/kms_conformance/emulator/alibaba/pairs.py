"""Reads parameters from query and form, without losing a byte: signatures are over what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kms_conformance.emulator.replies import Inbound

Pairs = tuple[tuple[bytes, bytes], ...]
_FORM = "application/x-www-form-urlencoded"
# Far more than any action has.
_MOST_PARAMETERS = 1000


def of_query(inbound: Inbound) -> Pairs:
    """The query's names and values, decoded; a plus is a space."""
    return _decoded(inbound.query.encode("latin-1", "replace"))


def of_form(inbound: Inbound) -> Pairs:
    """The body's names and values where it is a form; a body of another type holds none."""
    kind = (inbound.header("content-type") or "").partition(";")[0].strip().lower()
    return _decoded(inbound.body) if kind == _FORM else ()


def encoded(pairs: Iterable[tuple[bytes, bytes]]) -> str:
    """The canonical query of both signatures: sorted, unreserved characters bare, a space as %20."""
    return "&".join(f"{percent(name)}={percent(value)}" for name, value in sorted(pairs))


def percent(text: bytes | str) -> str:
    """Percent-encoding as both signatures want it."""
    return quote(text, safe="-_.~")


def merged(pairs: Pairs) -> dict[str, str]:
    """Names and values as text; raises `Refused` for bad UTF-8, a zero byte or a name that stands twice."""
    if len(pairs) > _MOST_PARAMETERS:
        raise Refused("invalid_parameter", "There are too many parameters.")
    result: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        try:
            name, value = raw_name.decode(), raw_value.decode()
        except UnicodeDecodeError:
            raise Refused("invalid_parameter", "A parameter is not UTF-8.") from None
        if name in result:
            # No page says which one counts; whichever we took, somebody would have meant the other.
            raise Refused("invalid_parameter", "A parameter stands twice.")
        if "\0" in value:
            raise Refused("invalid_parameter", "A parameter holds a zero byte.")
        result[name] = value
    return result


def first_values(pairs: Pairs) -> dict[str, str]:
    """Names and first values as text, whatever they are: for what is read before parameters are judged."""
    result: dict[str, str] = {}
    for name, value in pairs[:_MOST_PARAMETERS]:
        result.setdefault(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
    return result


def _decoded(text: bytes) -> Pairs:
    parts = (part.partition(b"=") for part in text.replace(b"+", b" ").split(b"&") if part)
    return tuple((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts)
