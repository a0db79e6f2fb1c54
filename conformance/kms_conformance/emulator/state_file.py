"""The keys of an emulator as a YAML file: written by hand to begin with known keys, or saved and loaded again."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from kms_conformance.core import specs
from kms_conformance.emulator.clock import iso
from kms_conformance.emulator.keys import Grant, Key, KeyDraft, State, key_of

if TYPE_CHECKING:
    from pathlib import Path

# What a file says in place of a date, in days before or after the time at which it is loaded.
_RELATIVE = {"created_days_ago": ("created", -1), "deletion_in_days": ("deletion", 1)}
_NAMES = frozenset({*(field.name for field in fields(Key)), *_RELATIVE})
_TIMES = ("created", "deletion")
_DEFAULTS = {field.name: field.default for field in fields(Key)}


class StateFileError(ValueError):
    """A state file that cannot be used; the text says what is wrong, where, and what to write instead."""


def load(path: Path, model: KeyDraft, now: datetime) -> tuple[Key, ...]:
    """The keys in a state file. A key needs no field: what it does not say is as in a new key of `model`.

    Dates are ISO 8601 in UTC, or days relative to `now` (`created_days_ago`, `deletion_in_days`). Raises
    `StateFileError`, and `OSError` if the file cannot be read.
    """
    try:
        content = specs.parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StateFileError(f"{path} is no YAML: {error}") from error
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list) or set(content) != {"keys"}:
        raise StateFileError(f"{path} must have one key, `keys`, with a list: see docs/emulator.md.")
    found = tuple(_key(raw, model, now, f"{path}, keys[{number}]") for number, raw in enumerate(keys))
    if len({key.id for key in found}) < len(found):
        raise StateFileError(f"{path} has two keys with one id.")
    return found


def dump(keys: Iterable[Key]) -> str:
    """A state file with these keys, their material included."""
    return yaml.safe_dump({"keys": [dict(_written(key)) for key in keys]}, sort_keys=False, allow_unicode=True)


def _written(key: Key) -> Iterator[tuple[str, Any]]:
    for name in (field.name for field in fields(Key)):
        value = getattr(key, name)
        if name in _DEFAULTS and value == _DEFAULTS[name]:
            continue
        match value:
            case datetime():
                yield name, iso(value)
            case bytes():
                yield name, base64.b64encode(value).decode()
            case State():
                yield name, value.value
            case tuple() if name == "tags":
                yield name, dict(value)
            case tuple() if name == "grants":
                yield (
                    name,
                    [
                        vars(grant) | {"operations": [*grant.operations], "created": iso(grant.created)}
                        for grant in value
                    ],
                )
            case tuple():
                yield name, list(value)
            case _:
                yield name, value


def _key(raw: object, model: KeyDraft, now: datetime, where: str) -> Key:
    if not isinstance(raw, dict):
        raise StateFileError(f"{where} must be a mapping.")
    for name in raw:
        if name not in _NAMES:
            near = difflib.get_close_matches(str(name), _NAMES, n=1)
            raise StateFileError(
                f"{where} has the unknown field {name!r}." + (f" Did you mean {near[0]}?" if near else "")
            )
    key = key_of(replace(model, alias=None, description=""), State.ENABLED, now)
    try:
        key = replace(key, **dict(_values(raw, now)))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise StateFileError(f"{where} has a value that cannot be used: {error}") from error
    if (key.state is State.PENDING_DELETION) != (key.deletion is not None):
        raise StateFileError(
            f"{where} must have `deletion` or `deletion_in_days` if its state is pending_deletion, and only then."
        )
    if key.deletion is not None and key.window_days is None:
        key = replace(key, window_days=max(1, (key.deletion - key.created).days))
    return key


def _values(raw: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Any]]:
    for name, value in raw.items():
        if name in _RELATIVE:
            field, sign = _RELATIVE[name]
            yield field, (now + sign * timedelta(days=float(value))).replace(microsecond=0)
        elif name in _TIMES:
            yield name, _time(value)
        elif name == "state":
            yield name, State(value)
        elif name == "material":
            yield name, base64.b64decode(value, validate=True)
        elif name == "tags":
            yield name, tuple((str(tag), str(text)) for tag, text in value.items())
        elif name == "grants":
            yield name, tuple(_grant(grant) for grant in value)
        elif name == "aliases":
            yield name, tuple(map(str, value))
        else:
            yield name, value


def _grant(raw: Mapping[str, Any]) -> Grant:
    return Grant(**(dict(raw) | {"operations": tuple(raw["operations"]), "created": _time(raw["created"])}))


def _time(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
