"""Changes to files of our own forms, drawn from a seed: to their values, to how these are written, to bytes."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from copy import deepcopy
from typing import Any

ORDERS = "\x1b]0;owned\x07\x1b[2J\r::error::owned\x9b31m\u202e"
Place = tuple[Any, Any]
_CHANGES = ["drop", "retype", "retype", "nest", "huge", "orders", "swap", "twice", "rename", "number"]
_HUGE: list[Any] = ["x" * 200_000, ["x"] * 50_000, {str(n): n for n in range(20_000)}, "\u00e4" * 100_000]
_STRANGE: list[Any] = [
    *(None, True, False, 0, -1, 1.5, "", "x", ORDERS, [], {}, [[]], [{}], {"x": None}, "../../../tmp/owned"),
    *("/etc/passwd", "\ud800", "\0", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "http://[::1", "${HOME}"),
    *("{{ 7 * 7 }}", "<script>", "inconclusive", "test_cancel.py::x[y]"),
]
_INSERTED = [b"\0", b"\xff\xfe", ORDERS.encode(), b"[", b'"', b"\n\n"]
_OTHERS = [b"{}", b"[]", b"null", b"\x1f\x8b", b"PK\x05\x06" + bytes(18), b"%YAML 9.9\n---\n", b"\x7fELF"]
#: What becomes of one line of a YAML file.
_LINES = {
    "alias": "{line}\nx: &a [*a]",
    "tag": "{name}: !!python/object/apply:os.system ['touch owned']",
    "deep": "{line}" + "[" * 5_000,
    "deep mapping": "{line} " + "{{a: " * 5_000,
    "variable": "{name}: ${{HOME}}",
    "variable that is not set": "{name}: ${{NOT_SET}}",
    "variable of a strange name": "{name}: ${{A B " + ORDERS + "}}",
    "long": "{name}: " + "x" * 100_000,
}


class Drawn:
    """One case: `said` is what was changed, in words."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = random.Random(f"{seed} {number}")  # noqa: S311 - repeatable
        self.said: list[str] = []

    def one_of(self, several: list[Any]) -> Any:
        return self.random.choice(several)

    # --- values -------------------------------------------------------------------------------------------------------

    def changed(self, document: Any) -> Any:
        """A document with one to three of its values changed."""
        found = _copy(document)
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            places = list(_places(found))
            if not places:
                return self._strange()
            self._change(*self.one_of(places), places)
        return found

    def _change(self, node: Any, key: Any, places: list[Place]) -> None:
        change = self.one_of(
            ["drop", "retype", "retype", "nest", "huge", "orders", "swap", "twice", "rename", "number"]
        )
        self.said.append(f"{change} {key!r}")
        if change == "drop":
            del node[key]
        elif change == "retype":
            node[key] = self._strange()
        elif change == "nest":
            node[key] = _nested(node[key], self.one_of([2, 70, 300]))
        elif change == "huge":
            node[key] = _copy(self.one_of(_HUGE))
        elif change == "orders":
            node[key] = f"{node[key]}{ORDERS}" if isinstance(node[key], str) else ORDERS
        elif change == "swap":
            other, name = self.one_of(places)
            node[key] = _copy(other[name])
        elif change == "twice" and isinstance(node[key], list) and node[key]:
            node[key].append(_copy(self.one_of(node[key])))
        elif change == "rename" and isinstance(node, dict):
            node[f"{key}{self.one_of(['', 's', ORDERS, '/../../x'])}"] = node.pop(key)
        else:
            node[key] = self.one_of([-1, 0, 10**9, 10**400, 1e308, -(2**63), 1.5, float("nan"), float("-inf")])

    def _strange(self) -> Any:
        return _copy(self.one_of(_STRANGE))

    # --- writing and bytes --------------------------------------------------------------------------------------------

    def written(self, document: Any) -> bytes:
        """The document as JSON, now and then with a key that stands twice, or deeper than any reader goes."""
        text = json.dumps(document)
        change = self.one_of(["plain"] * 8 + ["key twice", "deep"])
        if change == "key twice" and text.startswith("{") and len(text) > 2:
            self.said.append(change)
            first = next(iter(document))
            text = f"{{{json.dumps(first)}: null, {text[1:]}"
        elif change == "deep":
            self.said.append(change)
            at = self.random.randrange(len(text) + 1)
            text = f"{text[:at]}{'[' * 100_000}{text[at:]}"
        return text.encode("utf-8", "surrogatepass")

    def damaged(self, data: bytes) -> bytes:
        """Bytes with something done to them that knows nothing of their form."""
        change = self.one_of(["cut", "flip", "flip", "insert", "repeat", "empty", "mark", "wide", "zeros", "other"])
        self.said.append(change)
        at = self.random.randrange(len(data) + 1)
        if change == "flip":
            result = bytearray(data)
            for _ in range(self.random.choice([1, 1, 8]) if data else 0):
                result[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            return bytes(result)
        makers: dict[str, Callable[[], bytes]] = {
            "cut": lambda: data[:at],
            "insert": lambda: data[:at] + self.one_of(_INSERTED) + data[at:],
            "repeat": lambda: data[:at] + data[at : at + 1000] * 3 + data[at:],
            "empty": lambda: b"",
            "mark": lambda: b"\xef\xbb\xbf" + data,
            "wide": lambda: data.decode("utf-8", "replace").encode("utf-16"),
            "zeros": lambda: data[:at] + bytes(self.one_of([100, 1 << 20])),
            "other": lambda: self.one_of(_OTHERS),
        }
        return makers[change]()

    def json_file(self, data: bytes) -> bytes:
        """A JSON file, changed in its values or in its bytes."""
        if self.random.random() < 0.3:
            return self.damaged(data)
        return self.written(self.changed(json.loads(data)))

    def lines_file(self, data: bytes) -> bytes:
        """A file of one JSON document a line."""
        lines = data.splitlines()
        if not lines or self.random.random() < 0.2:
            return self.damaged(data)
        at = self.random.randrange(len(lines))
        change = self.one_of(["change", "change", "change", "drop", "twice", "swap", "flood"])
        self.said.append(f"{change} line {at}")
        if change == "change":
            lines[at] = self.written(self.changed(json.loads(lines[at])))
        elif change == "drop":
            del lines[at]
        elif change == "twice":
            lines.insert(at, lines[at])
        elif change == "swap":
            lines[at], lines[0] = lines[0], lines[at]
        else:
            lines[at:at] = [lines[at]] * 2_000
        return b"\n".join(lines) + b"\n"

    def gzip_file(self, data: bytes) -> bytes:
        """The same, packed."""
        if self.random.random() < 0.2:
            return self.damaged(data)
        return gzip.compress(self.lines_file(gzip.decompress(data)), 1)

    def text_file(self, data: bytes) -> bytes:
        """A YAML file, changed in its text or in its bytes."""
        lines = data.decode().splitlines()
        change = self.one_of(["damage", "drop", "twice", "laugh", "merge", "indent", *["value"] * 4, *_LINES])
        self.said.append(change)
        at = self.random.randrange(len(lines))
        name = lines[at].partition(":")[0]
        if change == "damage":
            return self.damaged(data)
        if change in _LINES:
            lines[at] = _LINES[change].format(line=lines[at], name=name)
        elif change == "value":
            lines[at] = f"{name}: {json.dumps(self._strange())}"
        elif change in ("drop", "twice", "indent"):
            lines[at : at + 1] = {"drop": [], "twice": [lines[at]] * 2, "indent": [f"\t {lines[at]}"]}[change]
        else:
            form = "a{0}: &a{0} [{1}]" if change == "laugh" else "a{0}: &a{0} {{<<: [{1}]}}"
            lines += [form.format(n, ", ".join([f"*a{n - 1}"] * 9) if n else "{x: 1}") for n in range(30)]
        return "\n".join(lines).encode("utf-8", "surrogatepass")

    def archive(self, data: bytes, pack: Callable[[dict[str, bytes]], bytes]) -> bytes:
        """A sealed file, changed in its bytes, in its members, or in what lies in them."""
        change = self.one_of(["damage", "member", "member", "member", "drop", "twice", "name", "packed"])
        if change == "damage":
            return self.damaged(data)
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = {name: file.read(name) for name in file.namelist()}
        name = self.one_of(sorted(members))
        self.said.append(f"{change} {name}")
        if change == "member":
            members[name] = self.member(name, members[name])
            return pack(members)
        if change == "drop":
            del members[name]
        result = io.BytesIO()
        with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED if change == "packed" else zipfile.ZIP_STORED) as file:
            for each, content in members.items():
                file.writestr(f"../{ORDERS}" if change == "name" and each == name else each, content)
                if change == "twice" and each == name:
                    file.writestr(zipfile.ZipInfo(f"./{each}"), content)
        return result.getvalue()

    def member(self, name: str, content: bytes) -> bytes:
        """A file of a reports folder, or a member of a sealed one, by its name."""
        if name.endswith(".gz"):
            return self.gzip_file(content)
        if name.endswith(".jsonl"):
            return self.lines_file(content)
        return self.json_file(content) if name.endswith(".json") else self.damaged(content)


def _places(node: Any) -> list[Place]:
    found: list[Place] = []
    todo = [node]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            found += [(each, key) for key in each]
            todo += each.values()
        elif isinstance(each, list):
            # The first few speak for all: a run has thousands of exchanges.
            found += [(each, at) for at in range(min(len(each), 5))]
            todo += each[:40]
    return found


def _copy(value: Any) -> Any:
    """The value again; of what was nested twice, only that it was deep."""
    try:
        return deepcopy(value)
    except RecursionError:
        return _nested(None, 300)


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value
