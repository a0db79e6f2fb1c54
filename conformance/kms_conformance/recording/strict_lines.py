"""Strict reader for the lines of untrusted recordings: decompressed, parsed and validated one by one, within limits."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

#: Most lines and most decompressed bytes of a recording. The longest known run, a nightly run at the pace of a cloud,
#: has some 30,000 exchanges of 3 kB.
_MOST_LINES = 200_000
_MOST_BYTES = 256 << 20
#: Most bytes of a line. The largest reply has 1 MiB, and each byte of it may be written as `\u0000`. A request is at
#: most as large.
_MOST_OF_A_LINE = 16 << 20
#: Most values in a line. They are counted by brackets and commas, so those in the text of a body count, too. A body has
#: at most a million characters.
_MOST_VALUES = 3_000_000
_BLOCK = 1 << 16
_GZIP = 31  # window bits, as zlib.decompressobj takes them
#: Every whole number in a line must be smaller. In microseconds, this is some 300 years.
_FARTHEST = 10**16
_MOST_READINGS = 100_000
_DEEPEST = 64
_ENCODINGS = ("utf-8", "latin-1")


class RecordingError(Exception):
    """A recording cannot be read: it is cut short, or was changed by a program that does not know its format."""


def strict_lines(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Decompress and parse a recording line by line: exchanges, drawn values, and the end.

    Raises `RecordingError`.
    """
    for number, line in enumerate(_texts(data), 1):
        if number > _MOST_LINES:
            raise RecordingError("it is larger than any recording of a run")
        if sum(line.count(sign) for sign in (b"[", b"{", b",")) > _MOST_VALUES:
            raise RecordingError(f"its line {number} has more values than any exchange")
        try:
            found = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"its line {number} cannot be read ({type(error).__name__})") from error
        if not _is_line(found):
            raise RecordingError(f"its line {number} is not an exchange")
        yield found


def _texts(data: bytes) -> Iterator[bytes]:
    """The lines as bytes. At most one line and one block are in memory at a time."""
    stream, left, total = zlib.decompressobj(_GZIP), data, 0
    open_line = bytearray()
    try:
        while not stream.eof:
            block = stream.decompress(left, _BLOCK)
            left = stream.unconsumed_tail
            if not block and not left and not stream.eof:
                raise RecordingError("it is cut short")
            total += len(block)
            first, *rest = block.split(b"\n")
            open_line += first
            if total > _MOST_BYTES or len(open_line) > _MOST_OF_A_LINE:
                raise RecordingError("it is larger than any recording of a run")
            for begun in rest:
                yield bytes(open_line)
                open_line = bytearray(begun)
    except zlib.error as error:
        raise RecordingError("it cannot be unpacked") from error
    if stream.unused_data:
        raise RecordingError("there are further bytes after its end")
    if open_line:
        yield bytes(open_line)


def _no_constant(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{name} is no JSON number")


def _is_line(found: object) -> bool:
    if not isinstance(found, dict):
        return False
    if "drawn" in found and "end" not in found:
        return found.keys() == {"drawn", "value"} and _are_texts(found["drawn"]) and _is_flat(found["value"])
    if not (_are_readings(found.get("now")) and _are_readings(found.get("monotonic"))):
        return False
    if "end" in found:
        counts = (found["end"], found.get("drawn", 0))
        return found.keys() - {"drawn"} == {"end", "now", "monotonic"} and all(map(_is_whole, counts))
    return (
        found.keys() == {"number", "operation", "started", "now", "monotonic", "request", "reply", "failure"}
        and (found["number"] is None or _is_whole(found["number"]))
        and _are_texts(found["operation"], found["started"])
        and _is_request(found["request"])
        and (found["reply"] is None or _is_reply(found["reply"]))
        and (found["failure"] is None or _is_failure(found["failure"]))
    )


def _is_flat(value: object) -> bool:
    """Whether a value has fewer than `_DEEPEST` levels of nesting, which no generated value reaches."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return not level


def _is_request(found: object) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() == {"method", "url", "headers", "body", "encoding"}
        and _are_texts(found["method"], found["url"])
        and _are_headers(found["headers"])
        and _is_body(found)
    )


def _is_reply(found: object) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() - {"stand_ins"} == {"status", "reason", "headers", "body", "encoding", "seconds"}
        and _is_whole(found["status"])
        and _are_texts(found["reason"])
        and _are_headers(found["headers"])
        and _is_body(found)
        and _is_number(found["seconds"])
        and (found.get("stand_ins") is None or _is_list_of_texts(found["stand_ins"]))
    )


def _is_failure(found: object) -> bool:
    return isinstance(found, dict) and found.keys() == {"kind", "text"} and _are_texts(*found.values())


def _is_body(found: Mapping[str, Any]) -> bool:
    body, encoding = found["body"], found["encoding"]
    if not isinstance(body, str) or encoding not in _ENCODINGS:
        return False
    try:
        body.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _are_headers(found: object) -> bool:
    return isinstance(found, list) and all(_is_list_of_texts(pair) and len(pair) == 2 for pair in found)


def _is_list_of_texts(found: object) -> bool:
    return isinstance(found, list) and _are_texts(*found)


def _are_texts(*found: object) -> bool:
    """Whether all are texts that can be encoded again."""
    return all(isinstance(text, str) and (text.isascii() or _has_no_surrogates(text)) for text in found)


def _has_no_surrogates(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _are_readings(found: object) -> bool:
    return isinstance(found, list) and len(found) <= _MOST_READINGS and all(map(_is_whole, found))


def _is_whole(found: object) -> bool:
    return type(found) is int and abs(found) < _FARTHEST


def _is_number(found: object) -> bool:
    return isinstance(found, (int, float)) and not isinstance(found, bool) and abs(found) < _FARTHEST
