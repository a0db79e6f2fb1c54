"""Normalises requests for comparison: random names become numbers; times and signatures are removed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from tools.same_requests.recorder import Exchange

# Times near the present, raw or percent-encoded. Generated dates of other centuries are kept.
_TIMES = (
    r"\b20[23]\d-\d\d-\d\d(?:T| |%20|\+)\d\d(?::|%3A)\d\d(?::|%3A)\d\d(?:\.\d+)?Z?",
    r"\b20[23]\d[01]\d[0-3]\d(?:T\d{6}Z)?\b",
    r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} 20[23]\d \d\d:\d\d:\d\d GMT",
    r"\b1[6-9]\d{8}(?:\.\d+|\d{3})?\b",
)
# In the query (`Signature=`) or in Authorization: 20 bytes in base64, or 32 bytes in hexadecimal digits.
_SIGNATURES = (r"(?<=[?&,; ]Signature=)[^&,\s]+", r"(?<=^Signature=)[^&\s]+")
_NAMES = (
    # Near misses of ids have another case, one digit more or less, or an encoded character before them.
    r"(?:\b|(?<=%[0-9A-F]{2}))(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{11,13})\b",
    # Random endings of aliases and tags have 12 digits; run ids have 8 after a marker, policies 6.
    # A decimal number of more digits is a generated window.
    r"(?<![0-9A-Za-z])(?!\d{13,}(?![0-9A-Za-z]))(?i:[0-9a-f]{12,})(?![0-9A-Za-z])",
    r"(?<=kms-conformance[-/ :_])(?:[0-9a-f]{8}|[0-9a-f]{6})\b",
    # A near miss of an alias, without dashes.
    r"(?<=kmsconformance)[0-9a-f]{12}",
    r"\b(?=\d*[A-Z])[A-Z0-9]{16,}\b",
    # Ciphertexts and tokens: base64 of at least 24 bytes with small letters, capital letters and digits.
    r"(?<![\w+/])(?=[\w+/%-]*[a-z])(?=[\w+/%-]*[A-Z])(?=[\w+/%-]*[0-9])[\w+/%-]{32,}=*",
)
_KINDS = {"time": _TIMES, "signature": _SIGNATURES, "name": _NAMES}
_VOLATILE = re.compile("|".join(f"(?P<{kind}>{'|'.join(each)})" for kind, each in _KINDS.items()), re.MULTILINE)
# The clock moves by the time until a date, which depends on the real time of the request.
_ADVANCE = re.compile(r'(?<="advance_seconds": )\d+\.\d+')
_PORT = re.compile(r"127\.0\.0\.1(:|%3A)\d+")
# The body itself is compared. Its length varies with the digits of times in it. The trace context is random, answers
# do not depend on it, and earlier versions sent none.
_LEFT_OUT = ("content-length:", "traceparent:", "tracestate:")


class Normaliser:
    """Normalises the requests of one run; equal random names have equal numbers, in the order of first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def text(self, exchange: Exchange) -> str:
        """The request line, the headers in their order, the body, and the status of the reply."""
        head, _, body = exchange.request.decode("utf-8", "backslashreplace").partition("\r\n\r\n")
        lines = [line for line in head.split("\r\n") if not line.lower().startswith(_LEFT_OUT)]
        written = "\n".join((*lines, "", body))
        written = _VOLATILE.sub(self._replaced, _PORT.sub("127.0.0.1:<port>", _ADVANCE.sub(_ten_seconds, written)))
        return f"{written}\n-> {exchange.status}"

    def _replaced(self, found: re.Match[str]) -> str:
        if found["name"] is None:
            return f"<{found.lastgroup}>"
        number = self._numbers.setdefault(found[0], len(self._numbers) + 1)
        return f"<name {number}, {len(unquote(found[0]))} characters>"


def _ten_seconds(found: re.Match[str]) -> str:
    return f"{round(float(found[0]), -1):.0f}"


def normalised(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """The exchanges of one run as texts that are equal in two runs with the same seed."""
    normaliser = Normaliser()
    return tuple(normaliser.text(exchange) for exchange in exchanges)


def digest(texts: Sequence[str]) -> str:
    """SHA-256 of a normalised sequence, as hexadecimal digits."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def first_difference(before: Sequence[str], after: Sequence[str]) -> int | None:
    """The index of the first request that differs or is missing in one sequence; None if both are equal."""
    for index, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return index
    return None if len(before) == len(after) else min(len(before), len(after))
