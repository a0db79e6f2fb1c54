"""Reads and validates a waivers file. An error names the line, the problem, and the correction."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.core.spelling import suggestion
from kms_conformance.target import TargetError
from kms_conformance.verdict.waivers.model import Waiver

#: The reason of an entry that `waivers write` has drafted. A file with it is not used.
UNDECIDED = "TODO"

_Kind = jsonschema_rs.ValidationErrorKind
_FORM = (
    "Write one entry per waiver: `- {requirement: cancel.date-cleared, reason: why, owner: who, expires: 2027-03-31}`, "
    "below the line `waivers:`."
)
_UNDECIDED = re.compile(rf"\s*{UNDECIDED}\b", re.IGNORECASE)
_Path = tuple[str | int, ...]


def load_waivers(path: str | None) -> tuple[Waiver, ...]:
    """Read a waivers file; without a path there are no waivers. Raises `TargetError`."""
    if path is None:
        return ()
    title = f"The waivers file {path} cannot be read."
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise TargetError(title, f"{error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise TargetError(title, "The file is not UTF-8 text.", "Name a YAML file, saved as UTF-8.") from error
    return parse_waivers(text, path)


def parse_waivers(text: str, origin: str, *, undecided: bool = False) -> tuple[Waiver, ...]:
    """Parse the text of a waivers file; `origin` is its name in errors. Raises `TargetError` for the first problem.

    `undecided`: whether reasons may still be `TODO`, as in a file that is written and not used.
    """
    try:
        document = specs.parse_yaml(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise TargetError(f"The waivers file {origin} is not valid YAML.", _one_line(error), _FORM) from error
    for problem in _problems(document, undecided=undecided):
        where, why, hint = problem
        raise TargetError(f"The waivers file {origin} cannot be used.", f"Line {_line(node, where)}: {why}", hint)
    return tuple(
        Waiver.from_json(raw, _line(node, ("waivers", number))) for number, raw in enumerate(document["waivers"])
    )


def _problems(document: object, *, undecided: bool) -> Iterator[tuple[_Path, str, str]]:
    """The problems of a file, each as (path to the value, reason, hint)."""
    for error in _validator().iter_errors(document):
        yield _schema_problem(error)
    if not isinstance(document, dict):
        return
    entries: list[dict[str, Any]] = document["waivers"]
    for number, entry in enumerate(entries):
        yield from ((("waivers", number, name), why, hint) for name, why, hint in _problems_of(entry))
    said = Counter(map(_scope, entries))
    for number, entry in enumerate(entries):
        if said[_scope(entry)] > 1:
            yield (("waivers", number), f"`{entry['requirement']}` is waived twice.", "Remove one of the two entries.")
        if _UNDECIDED.match(entry["reason"]) and not undecided:
            why = (
                f"Nobody has decided yet why `{entry['requirement']}` is accepted: its reason begins with {UNDECIDED}."
            )
            yield ("waivers", number, "reason"), why, "Write the reason, or remove the entry and mend the target."


def _problems_of(entry: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    try:
        date.fromisoformat(entry["expires"])
    except ValueError:
        yield "expires", f"`{entry['expires']}` is not a date.", "Write the date as YYYY-MM-DD."
    dialect = entry.get("dialect")
    if dialect is not None and dialect not in specs.dialects():
        yield "dialect", f"There is no dialect `{dialect}`.", suggestion(dialect, specs.dialects())
        return
    known = _ids(dialect)
    waiver = Waiver(entry["requirement"], "", "", date.max)
    if not any(waiver.covers(name) for name in known):
        where = f" of {dialect}" if dialect else ""
        meant = suggestion(waiver.requirement, known)
        hint = meant if meant.startswith("Did") else "`kms-conformance requirements` lists them."
        yield "requirement", f"No requirement{where} is called `{waiver.requirement}`.", hint


def _scope(entry: Mapping[str, Any]) -> str:
    """The scope of a waiver, as text: two entries with one scope are duplicates."""
    return json.dumps([entry["requirement"], *(entry.get(name) for name in ("targets", "dialect", "failures"))])


def _schema_problem(error: jsonschema_rs.ValidationError) -> tuple[_Path, str, str]:
    path = tuple(error.instance_path)
    if len(path) < 2:
        return path, "A list of waivers is expected here.", _FORM
    properties = _schema()["$defs"]["waiver"]["properties"]
    match error.kind:
        case _Kind.AdditionalProperties(unexpected):
            name = str(next(iter(unexpected)))
            return (*path, name), f"`{name}` is not a field of a waiver.", suggestion(name, properties)
        case _Kind.Required(missing):
            example = f"For example: `{missing}: {properties[missing]['examples'][0]}`."
            return path, f"`{missing}` is missing.", example
    if len(path) == 2:
        return path, "A waiver is expected here.", _FORM
    name = str(path[2])
    hint = f"For example: `{name}: {json.dumps(properties[name]['examples'][0])}`."
    return path, f"`{name}` must be {properties[name]['description']}.", hint


def _line(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """The line, counted from 1, on which the value at a path begins; for a missing value, the line of its parent."""
    line = 1 if node is None else node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pairs = ((key, value) for key, value in node.value if getattr(key, "value", None) == step)
            key, node = next(pairs, (None, None))
            mark = key or node
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            mark = node = node.value[step]
        else:
            break
        if mark is None:
            break
        line = mark.start_mark.line + 1
    return line


def _ids(dialect: str | None) -> tuple[str, ...]:
    names = (dialect,) if dialect else specs.dialects()
    return tuple(dict.fromkeys(requirement.id for name in names for requirement in Catalogue.load(name)))


@cache
def _schema() -> dict[str, Any]:
    path = specs.SPECS / "schemas" / "waivers.schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_schema())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
