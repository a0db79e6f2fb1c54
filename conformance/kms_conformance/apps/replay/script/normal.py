"""The normal form of a reply: equal for two replies that differ only in what differs from run to run.

Both sides of a reproducing script use it: the suite when it writes the script, and the script for the replies that it
gets. So this module is copied into the script, and uses the standard library only.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree as ET

# Two dates are equal if their distances from their requests differ by at most this many seconds.
TOLERANCE = 1200
_DATE = "date in "
# Values that are nested more deeply are not compared.
_DEEPEST = 40
_HIDDEN = "[redacted:"
_ABSENT = ["(absent)"]
_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b(?=[0-9a-z+/_-]*\d)[0-9a-z+/_-]{16,}=*"
    r"|\d{8,}",
    re.IGNORECASE,
)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_REQUEST_ID = re.compile(r"request-?_?id|trace-?id", re.IGNORECASE)
# Fields whose texts differ from reply to reply: only their names are compared.
_VARIES = re.compile(rf"message|error_msg|recommend|hostid|{_REQUEST_ID.pattern}", re.IGNORECASE)
_COUNT = re.compile(r"total|count", re.IGNORECASE)


def normal_reply(
    status: int, headers: list[tuple[str, str]], body: bytes, known: dict[str, str], at: float, seen: set[str]
) -> dict[str, Any]:
    """The normal form of a reply.

    `known`: by value, the name that replaces it, such as the id of a key. `at`: the time of the request by the clock of
    the target, in seconds since 1970. `seen`: the request ids of earlier replies; that of this reply is added.
    """
    kind = next(
        (value.partition(";")[0].strip().lower() for name, value in headers if name.lower() == "content-type"), ""
    )
    text = body.decode("utf-8", "replace")
    value = parsed(text, kind)
    ids = {value for name, value in headers if _REQUEST_ID.search(name)} | set(_request_ids(value))
    told = "missing" if not ids else "seen before" if ids & seen else "new"
    seen.update(ids)
    return {"status": status, "type": kind, "request id": told, "body": normal(value, known, at)}


def parsed(text: str, kind: str) -> Any:
    """The body as JSON values; XML becomes nested objects, any other text stays a text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if "xml" in kind:
        try:
            return {"xml": _of_element(ET.fromstring(text))}
        except ET.ParseError:
            pass
    return text


def normal(value: Any, known: dict[str, str], at: float, name: str = "", deep: int = 0) -> Any:
    """The normal form of a JSON value; `name` is that of its field."""
    if deep > _DEEPEST:
        return "(nested deeply)"
    if isinstance(value, dict):
        return {
            key: (
                "..."
                if _VARIES.fullmatch(key) and isinstance(child, str) and child.strip()
                else normal(child, known, at, key, deep + 1)
            )
            for key, child in sorted(value.items())
        }
    if isinstance(value, list):
        # Lists have the keys of others too, which differ from run to run: what names another key is left out.
        items = sorted({json.dumps(normal(child, known, at, name, deep + 1), sort_keys=True) for child in value})
        ours = [item for item in items if "<key_" in item]
        return [json.loads(item) for item in ours or items if ours or "<" in item or "#" not in item]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return f"the number {value}"
    date = _date(value)
    if date is not None:
        form, seconds = date
        # A date that has passed tells no more than that: keys of a run are older than those of a script.
        return {f"{_DATE}{form}": "past" if seconds - at < TOLERANCE else seconds - at}
    if isinstance(value, str):
        for own in sorted(known, key=len, reverse=True):
            value = value.replace(own, f"<{known[own]}>")
        return _ID.sub("#", value)[:500]
    return "#" if _COUNT.search(name) or abs(value) >= 10**8 else value


def differences(then: Any, now: Any, where: str = "") -> list[str]:
    """The places at which two normal forms differ, a line each."""
    if isinstance(then, dict) and isinstance(now, dict):
        names = sorted({*then, *now})
        found = [differences(then.get(name, _ABSENT), now.get(name, _ABSENT), f"{where}.{name}") for name in names]
        return [line for lines in found for line in lines]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        found = [differences(one, other, f"{where}.{at}") for at, (one, other) in enumerate(zip(then, now))]
        return [line for lines in found for line in lines]
    if isinstance(then, str) and _HIDDEN in then:
        # The recording has no secrets. Another type of value is a difference nevertheless.
        return [] if isinstance(now, str) else [f"{where.lstrip('.')}: a secret in the run, {_short(now)} now"]
    if _DATE in where.rpartition(".")[2] and isinstance(then, float) and isinstance(now, float):
        equal = abs(then - now) <= TOLERANCE
    else:
        equal = type(then) is type(now) and then == now
    return [] if equal else [f"{where.lstrip('.')}: {_short(then)} in the run, {_short(now)} now"]


def _short(value: Any) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value)[:200]


def _date(value: Any) -> tuple[str, float] | None:
    """The form of a date, and its seconds since 1970; None for any other value."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            read = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
        zoned = read if read.tzinfo else read.replace(tzinfo=timezone.utc)
        return ("ISO 8601" if read.tzinfo else "ISO 8601 without a zone"), zoned.timestamp()
    if isinstance(value, str) and re.fullmatch(r"1\d{9}(?:\d{3})?", value):
        number = float(value)
        return ("milliseconds as text", number / 1000) if len(value) == 13 else ("seconds as text", number)
    if isinstance(value, (int, float)) and 10**9 <= value < 10**10:
        return "seconds", float(value)
    if isinstance(value, (int, float)) and 10**12 <= value < 10**13:
        return "milliseconds", value / 1000
    return None


def _request_ids(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [child for key, child in value.items() if _REQUEST_ID.fullmatch(key) and isinstance(child, str)]
        return [*own, *(found for child in value.values() for found in _request_ids(child))]
    return []


def _of_element(element: ET.Element) -> Any:
    children = list(element)
    if not children:
        return element.text or ""
    found: dict[str, Any] = {}
    for child in children:
        tag = child.tag.rpartition("}")[2]
        value = _of_element(child)
        found[tag] = (
            [*found[tag], value] if isinstance(found.get(tag), list) else [found[tag], value] if tag in found else value
        )
    return found
