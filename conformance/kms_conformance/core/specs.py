"""Where the specs lie, and how a spec file is read: the only thing that the suite and the emulator share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# libyaml reads our specs eight times as fast; it is absent only where PyYAML had neither a wheel nor a compiler.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
# A date stays the text that was written.
_TEXTS = ("str", "timestamp")
_PLAIN = {"null": type(None), "bool": bool, "int": int, "float": float}


def _directory() -> Path:
    installed = Path(__file__).parents[1] / "_specs"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "specs"


SPECS = _directory()


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML holds anything; callers validate by schema
    """Parse one YAML document strictly: a repeated key is an error, and so is a tag that JSON has no type for.

    Raises `yaml.YAMLError`, with line and column, for anything malformed.
    """
    root = yaml.compose(text, Loader=_LOADER)
    return None if root is None else _Values().of(root)


_MOST_VALUES = 1_000_000


class _Values:
    """The values of a document's nodes; a node that is referred to several times is one value."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}
        self._begun: set[int] = set()
        self._sizes: dict[int, int] = {}

    def of(self, node: yaml.Node) -> Any:  # noqa: ANN401 - see parse_yaml
        if id(node) not in self._known:
            if id(node) in self._begun:
                raise _wrong("a value that contains itself", node)
            self._begun.add(id(node))
            self._known[id(node)] = self._made(node)
            self._sizes[id(node)] = self._size(node)
        return self._known[id(node)]

    def _size(self, node: yaml.Node) -> int:
        """How many values a reader meets who does not know which of them are one: 30 lines can hold 9 to the 30th."""
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        items = node.value if isinstance(node, yaml.SequenceNode) else (value for _, value in pairs)
        size = 1 + sum(self._sizes.get(id(item), 1) for item in items)
        if size > _MOST_VALUES:
            raise _wrong("more values than any file of ours has", node)
        return size

    def _made(self, node: yaml.Node) -> Any:  # noqa: ANN401 - see parse_yaml
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.of(item) for item in node.value]
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        raise _wrong(f"the tag {node.tag!r}", node)

    def _mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        own = [(key, value) for key, value in node.value if key.tag != f"{_TAG}merge"]
        for key, value in (*self._merged(node), *((self.of(key), self.of(value)) for key, value in own)):
            if isinstance(key, (dict, list)):
                raise _wrong("a key that is no plain value", node)
            if key in found:
                raise _wrong(f"the key {key!r} stands twice", node)
            found[key] = value
        return found

    def _merged(self, node: yaml.MappingNode) -> Iterator[tuple[Any, Any]]:
        """What `<<` brings into a mapping."""
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if not isinstance(source, yaml.MappingNode):
                        raise _wrong("only a mapping can be merged", source)
                    yield from self.of(source).items()


def _scalar(node: yaml.ScalarNode) -> Any:  # noqa: ANN401 - see parse_yaml
    name = node.tag.removeprefix(_TAG)
    if name in _TEXTS:
        return node.value
    if name not in _PLAIN:
        raise _wrong(f"the tag {node.tag!r}", node)
    found = _read(node.value)
    if type(found) is not _PLAIN[name]:
        raise _wrong(f"no value of the tag {node.tag!r}", node)
    return found


@cache
def _read(written: str) -> Any:  # noqa: ANN401 - a number, a boolean or nothing
    """How YAML spells numbers and booleans is left to the library."""
    return yaml.safe_load(written)


def _wrong(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


@cache
def load(relative: str) -> Any:  # noqa: ANN401 - see parse_yaml
    """The parsed spec file at `relative` (such as `huawei/profiles.yaml`). Shared: callers must not change it."""
    return parse_yaml((SPECS / relative).read_bytes().decode())


def dialects() -> tuple[str, ...]:
    """The names of all dialects: the folders that have profiles."""
    return tuple(sorted(path.parent.name for path in SPECS.glob("*/profiles.yaml")))


def profile_names(dialect: str) -> tuple[str, ...]:
    """The names of a dialect's profiles, the default first."""
    return tuple(load(f"{dialect}/profiles.yaml")["profiles"])


def facts(dialect: str, profile: str = "documents") -> dict[str, Any]:
    """A profile's facts with those of its ancestors merged in: mappings merge, lists and scalars replace."""
    entry = load(f"{dialect}/profiles.yaml")["profiles"][profile]
    parent = facts(dialect, entry["extends"]) if "extends" in entry else {}
    return _merged(parent, entry["facts"])


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        known = base.get(key)
        result[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result
