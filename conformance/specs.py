"""Where the specs lie, and how a spec file is read: the only thing that the suite and the emulator share."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# libyaml reads our specs eight times as fast; it is absent only where PyYAML had neither a wheel nor a compiler.
try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]  # the same interface


def _directory() -> Path:
    installed = Path(__file__).parent / "_specs"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "specs"


SPECS = _directory()


class _StrictLoader(_SafeLoader):
    """YAML without its two silent traps: a repeated key is an error, and a date stays the text that was written."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if not isinstance(key, Hashable):
            break  # what cannot be a key, the constructor below says in its own words
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        seen.add(key)
    return dict(loader.construct_mapping(node))


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML holds anything; callers validate by schema
    """Parse one YAML document strictly; raises `yaml.YAMLError`, with line and column, for anything malformed."""
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader


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
