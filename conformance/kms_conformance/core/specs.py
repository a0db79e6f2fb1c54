"""The registry of dialects and the strict YAML reader of spec files, shared by the suite and the emulator.

A dialect consists of a spec folder, an adapter and an emulator. Built-in dialects are found by the names of their
folders. Dialects of other packages are found by entry points of the group `kms_conformance.dialects`
(docs/add-a-cloud.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# libyaml reads the specs eight times as fast. PyYAML lacks libyaml if it was built without a wheel and a compiler.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
# YAML types that are read as text. Dates are among them.
_TEXTS = ("str", "timestamp")
_PLAIN = {"null": type(None), "bool": bool, "int": int, "float": float}


def _directory() -> Path:
    installed = Path(__file__).parents[1] / "_specs"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "specs"


SPECS = _directory()


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML holds anything; callers validate by schema
    """Parse one YAML document strictly: a repeated key or a tag without a JSON type is an error.

    Raises `yaml.YAMLError`, with line and column, for malformed input.
    """
    root = yaml.compose(text, Loader=_LOADER)
    return None if root is None else _Values().of(root)


_MOST_VALUES = 1_000_000


class _Values:
    """Converts YAML nodes to values; all aliases of a node share one value."""

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
        """The number of values in a node, with aliases expanded. 30 lines of aliases can expand to 9^30 values."""
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        items = node.value if isinstance(node, yaml.SequenceNode) else (value for _, value in pairs)
        size = 1 + sum(self._sizes.get(id(item), 1) for item in items)
        if size > _MOST_VALUES:
            raise _wrong("too many values", node)
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
                raise _wrong("a key that is a mapping or a sequence", node)
            if key in found:
                raise _wrong(f"the key {key!r} occurs twice", node)
            found[key] = value
        return found

    def _merged(self, node: yaml.MappingNode) -> Iterator[tuple[Any, Any]]:
        """The pairs that `<<` merges into a mapping."""
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
        raise _wrong(f"a value that does not fit the tag {node.tag!r}", node)
    return found


@cache
def _read(written: str) -> Any:  # noqa: ANN401 - a number, a boolean or None
    """A number, boolean or null as PyYAML reads it."""
    return yaml.safe_load(written)


def _wrong(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


@cache
def load(relative: str) -> Any:  # noqa: ANN401 - see parse_yaml
    """The parsed spec file at `relative` (such as `huawei/profiles.yaml`). Cached: callers must not change it."""
    folder, _, rest = relative.partition("/")
    return parse_yaml((locate(folder).specs / rest).read_bytes().decode())


@dataclass(frozen=True)
class DialectLocation:
    """The spec folder of a dialect, and the module names of its adapter and its emulator.

    The dialect of another package may lack an emulator (None). The adapter's module defines `ADAPTER`, a subclass of
    `Dialect`; the emulator's module defines `API` and `SEED`. Both modules are imported on first use.
    """

    name: str
    specs: Path
    adapter: str
    emulator: str | None


def dialects() -> tuple[str, ...]:
    """The names of all dialects, sorted: built-in spec folders with `profiles.yaml`, and dialects of other packages."""
    return tuple(sorted({path.parent.name for path in SPECS.glob("*/profiles.yaml")} | set(_installed())))


def emulated() -> tuple[str, ...]:
    """The names of the dialects that have an emulator, sorted."""
    return tuple(name for name in dialects() if locate(name).emulator is not None)


def locate(dialect: str) -> DialectLocation:
    """The folder and modules of a dialect. The dialect of another package cannot replace a built-in one."""
    own = SPECS / dialect
    if not own.is_dir() and dialect in _installed():
        return _installed()[dialect]
    return DialectLocation(dialect, own, f"kms_conformance.dialects.{dialect}", f"kms_conformance.emulator.{dialect}")


@cache
def _installed() -> Mapping[str, DialectLocation]:
    """The dialects of other packages, by name; packages without `specs/profiles.yaml` are ignored."""
    from importlib import metadata, util  # noqa: PLC0415 - many commands need no dialect

    found = {}
    for entry in metadata.entry_points(group="kms_conformance.dialects"):
        package = None
        with suppress(ModuleNotFoundError):  # the parent package is missing
            package = util.find_spec(entry.value)
        for place in (package and package.submodule_search_locations) or ():
            if (Path(place) / "specs" / "profiles.yaml").is_file():
                modules = (Path(place) / "emulator.py", Path(place) / "emulator" / "__init__.py")
                emulator = f"{entry.value}.emulator" if any(map(Path.is_file, modules)) else None
                found[entry.name] = DialectLocation(
                    entry.name, Path(place) / "specs", f"{entry.value}.adapter", emulator
                )
    return found


def profile_names(dialect: str) -> tuple[str, ...]:
    """The names of the profiles in a dialect's specs, the default first. The user's own profiles are not included."""
    return tuple(load(f"{dialect}/profiles.yaml")["profiles"])


@dataclass(frozen=True)
class OwnProfile:
    """A profile from a file of the user's own.

    `content` is the JSON form of the file, with the keys `name`, `title`, `facts` and `extends`. `extends` names the
    profile whose facts this one changes; it may be absent, and is then `documents`.
    """

    dialect: str
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The SHA-256 of dialect and content, 64 hexadecimal digits. Comments and layout of the file do not count."""
        text = json.dumps([self.dialect, self.content], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def reference(self) -> str:
        """The name of the profile in targets and reports, such as `file:my-cloud@0123456789abcdef`.

        The part after `@` is the first 16 digits of the digest.
        """
        return f"{_OWN}{self.content['name']}@{self.digest[:16]}"

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the file, merged over those of the profile that it extends."""
        return _merged(facts(self.dialect, self.content.get("extends", "documents")), self.content["facts"])


_OWN = "file:"
_own_profiles: dict[str, OwnProfile] = {}


def is_own(profile: str) -> bool:
    """Whether a profile's name is the reference of a user's own profile."""
    return profile.startswith(_OWN)


def add_profile(profile: OwnProfile) -> str:
    """Make a user's own profile known to this process; returns its reference.

    The reference follows from the content, so that adding a profile again changes nothing. Raises `ValueError` for
    another content with the same reference.
    """
    if _own_profiles.setdefault(profile.reference, profile) != profile:
        raise ValueError(f"two profiles have the reference {profile.reference}")
    return profile.reference


def own_profile(reference: str) -> OwnProfile | None:
    """The user's own profile with this reference; None if none was added."""
    return _own_profiles.get(reference)


def has_profile(dialect: str, profile: str) -> bool:
    """Whether a dialect has a profile of this name, in its specs or added from a file."""
    own = own_profile(profile)
    return profile in profile_names(dialect) if own is None else own.dialect == dialect


def profile_title(dialect: str, profile: str = "documents") -> str:
    """A profile's title. Raises `KeyError` for a name that the dialect does not have."""
    own = own_profile(profile)
    entry = load(f"{dialect}/profiles.yaml")["profiles"][profile] if own is None else own.content
    return str(entry["title"])


def facts(dialect: str, profile: str = "documents") -> dict[str, Any]:
    """A profile's facts merged over those of its ancestors: mappings are merged, lists and scalars replaced.

    Raises `KeyError` for a name that the dialect does not have.
    """
    own = own_profile(profile)
    if own is not None:
        return own.facts
    entry = load(f"{dialect}/profiles.yaml")["profiles"][profile]
    parent = facts(dialect, entry["extends"]) if "extends" in entry else {}
    return _merged(parent, entry["facts"])


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        known = base.get(key)
        result[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result
