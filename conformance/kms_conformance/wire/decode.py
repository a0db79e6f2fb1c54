"""Strict decoding of reply bodies: defects are listed in the result, and no input raises.

JSON follows RFC 8259, XML follows XML 1.0 without document types. Both must be UTF-8 without a byte order mark.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Most levels of nesting. Documented replies have 4.
MAX_DEPTH = 64
#: Most bytes of a body. The largest documented reply, a page of 100 keys, has some 80 kB.
MAX_BYTES = 1 << 20
#: Most values or elements in a body. A page of 1000 keys has 20,000. Without this limit, 1 MiB of `<a/>` would have
#: 260,000 elements, and 1 MiB of `{"a":1}` took half a minute and 700 MB to judge.
MAX_ELEMENTS = 30_000
#: Most digits of a whole number. The largest double is 1.8e308, and clients cannot represent larger numbers.
MAX_DIGITS = 308

_MAX_PROBLEMS = 8
_BOM = "\ufeff"
_SURROGATE = re.compile("[\ud800-\udfff]")
_XML_ENCODING = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["']([^"'>]*)["']""")


@dataclass(frozen=True)
class Decoded:
    """A decoded body and its defects. With `problems`, `value` is the best guess, or None.

    The value of an XML body is `{"root": name, "value": tree}`. A tree is a text, or a mapping from element names to
    trees; elements that repeat become a list of trees. Attributes are left out.
    """

    value: Any
    problems: tuple[str, ...] = ()


class _TooDeep(Exception):  # noqa: N818 - never leaves this module
    pass


class _TooMany(Exception):  # noqa: N818 - never leaves this module
    pass


@dataclass
class _Problems:
    found: dict[str, None] = field(default_factory=dict)

    def add(self, problem: str) -> None:
        if len(self.found) < _MAX_PROBLEMS:
            self.found[problem] = None

    def with_value(self, value: object) -> Decoded:
        return Decoded(value, tuple(self.found))


def decode_json(body: bytes) -> Decoded:
    """Decode one JSON text."""
    problems = _Problems()
    text = _text(body, problems)
    if text is None:
        return problems.with_value(None)
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, problems),
            parse_int=lambda digits: _integer(digits, problems),
            parse_float=lambda digits: _float(digits, problems),
            parse_constant=lambda name: problems.add(f"{name} is no JSON number"),
        )
        _check_size(value)
    except json.JSONDecodeError as error:
        problems.add(f"not JSON: {error.msg}, line {error.lineno} column {error.colno}")
    except (RecursionError, _TooDeep):
        problems.add(f"nested deeper than {MAX_DEPTH} levels")
    except _TooMany:
        problems.add(f"more than {MAX_ELEMENTS} values")
    else:
        # Half of a surrogate pair can pass the UTF-8 check only as an escape sequence.
        return problems.with_value(_whole(value, problems) if "\\" in text else value)
    return problems.with_value(None)


def _text(body: bytes, problems: _Problems) -> str | None:
    if len(body) > MAX_BYTES:
        problems.add(f"longer than {MAX_BYTES} bytes")
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.add(f"not UTF-8 at byte {error.start}")
        return None
    if text.startswith(_BOM):
        problems.add("begins with a byte order mark")
        text = text[1:]
    if not text.strip():
        problems.add("empty")
        return None
    return text


def _object(pairs: list[tuple[str, Any]], problems: _Problems) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                problems.add(f"the key {_shown(name)} stands twice in one object")
            seen.add(name)
    return result


def _integer(digits: str, problems: _Problems) -> int | None:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        problems.add(f"a whole number of {len(digits)} digits")
        return None
    return int(digits)


def _float(digits: str, problems: _Problems) -> float | None:
    value = float(digits)
    if math.isinf(value):
        problems.add(f"the number {_shown(digits)} is beyond every range")
        return None
    return value


def _check_size(value: object) -> None:
    level, depth, count = [value], 0, 0
    while containers := [node for node in level if isinstance(node, (dict, list))]:
        depth += 1
        count += len(level)
        if depth > MAX_DEPTH:
            raise _TooDeep
        level = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
    if count + len(level) > MAX_ELEMENTS:
        raise _TooMany


def _whole(value: Any, problems: _Problems) -> Any:  # noqa: ANN401 - JSON holds anything
    """The value with U+FFFD for each half of a surrogate pair, so that every text can be encoded again."""
    if isinstance(value, str):
        if _SURROGATE.search(value):
            problems.add("half a surrogate pair in a string")
            return _SURROGATE.sub("\ufffd", value)
        return value
    if isinstance(value, dict):
        return {_whole(name, problems): _whole(child, problems) for name, child in value.items()}
    if isinstance(value, list):
        return [_whole(child, problems) for child in value]
    return value


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:40] + "...")


def decode_xml(body: bytes) -> Decoded:
    """Decode one XML document; documents with a document type, internal or external, are refused unread."""
    problems = _Problems()
    text = _text(body, problems)
    if text is None:
        return problems.with_value(None)
    declared = _XML_ENCODING.match(text.lstrip())
    if declared and declared[1].lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        problems.add(f"declares the encoding {_shown(declared[1])}")
    tree = _Tree(problems.add)
    parser = DefusedXMLParser(target=tree, forbid_dtd=True)
    try:
        parser.feed(text)
        value = parser.close()
    except ParseError as error:
        problems.add(f"not XML: {error}")
    except DefusedXmlException:
        problems.add("has a document type")
    except _TooDeep:
        problems.add(f"nested deeper than {MAX_DEPTH} levels or more than {MAX_ELEMENTS} elements")
    else:
        return problems.with_value(value)
    return problems.with_value(None)


@dataclass
class _Node:
    name: str
    children: list[tuple[str, Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def tree(self, report: Callable[[str], None]) -> Any:  # noqa: ANN401 - a text or a mapping
        text = "".join(self.text)
        if not self.children:
            return text
        if text.strip():
            report(f"text between the elements of {_shown(self.name)}")
        grouped: dict[str, list[Any]] = {}
        for name, child in self.children:
            grouped.setdefault(name, []).append(child)
        return {name: found[0] if len(found) == 1 else found for name, found in grouped.items()}


class _Tree:
    """Target of XML parser events: builds plain values, and stops at too many levels or elements."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._open: list[_Node] = [_Node("")]
        self._elements = 0

    def start(self, tag: str, _: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _TooDeep
        self._open.append(_Node(tag))

    def data(self, text: str) -> None:
        self._open[-1].text.append(text)

    def end(self, _: str) -> None:
        node = self._open.pop()
        self._open[-1].children.append((node.name, node.tree(self._report)))

    def close(self) -> dict[str, Any]:
        name, value = self._open[0].children[0]
        return {"root": name, "value": value}
