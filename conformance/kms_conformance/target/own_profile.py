"""A profile in a file of the user's own: the file is read, checked against its dialect, and added to the profiles.

A target file names the profile's file under `profile`. The file has the form of an entry in
`specs/<dialect>/profiles.yaml`, and a `name`. The snapshot of a target in a recording contains the profile, so that the
target can be restored without the file.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.core.spelling import suggestion
from kms_conformance.target.errors import Problem, TargetError
from kms_conformance.target.read import mapping, read
from kms_conformance.target.registry import ways

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from kms_conformance.core.specs import OwnProfile

_SUFFIXES = (".yaml", ".yml")
_SCHEMA = "schemas/profiles.schema.json"
#: Refusals with which every operation can be answered, whatever the state of the key.
_ANYWHERE = ("unknown_key", "malformed_key")
_Kind = jsonschema_rs.ValidationErrorKind


def is_file(profile: str) -> bool:
    """Whether the key `profile` of a target file names a file, and not a profile of the specs."""
    return profile.endswith(_SUFFIXES)


def profile_in(path: Path, dialect: str) -> OwnProfile | tuple[Problem, ...]:
    """The profile in a file for a known dialect, or all problems with the file."""
    try:
        content = _as_json(mapping(read(path, "the target file"), str(path)))
    except TargetError as error:
        return (_problem(error.why[:1].lower() + error.why[1:-1], error.hint),)
    except (ValueError, RecursionError):
        return (_problem("it holds a value that JSON does not have", "Remove it."),)
    profile = specs.OwnProfile(dialect, content)
    return tuple(_problems(profile)) or profile


def add_content(dialect: str, content: Mapping[str, Any]) -> str:
    """Add a profile from the content in a target's snapshot; returns its reference.

    Raises `ValueError` for a profile with problems.
    """
    profile = specs.OwnProfile(dialect, _as_json(content))
    problem = next(_problems(profile), None)
    if problem is not None:
        raise ValueError(f"own_profile: {problem.why}")
    return specs.add_profile(profile)


def _as_json(content: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The content as JSON has it. A whole number with a point, such as 7.0, is an integer there, as in the schema."""
    return json.loads(json.dumps(content, allow_nan=False), parse_float=_number)


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _problem(why: str, hint: str) -> Problem:
    return Problem(f"`profile` names a file that cannot be used: {why}.", hint, "profile")


def _problems(profile: OwnProfile) -> Iterator[Problem]:
    """All problems with the form of the file; if there are none, the problems with its values and names."""
    try:
        errors = list(_validator().iter_errors(profile.content))
    except ValueError:
        # The validator gives up on values that are nested more than some 250 levels deep.
        yield _problem("it is nested too deeply", "See docs/add-a-cloud.md for an example.")
        return
    for error in errors:
        yield from _problems_of_form(error)
    if errors:
        return
    extends, known = profile.content.get("extends", "documents"), specs.profile_names(profile.dialect)
    if extends not in known:
        yield _problem(f"`extends` is no profile of the dialect {profile.dialect}", suggestion(extends, known))
        return
    yield from _problems_of_window(profile.facts["window"])
    yield from _unknown("facts.auth_ways", profile.facts.get("auth_ways", ()), _ways(profile.dialect))
    catalogue = Catalogue.load(profile.dialect)
    spared = {operation for requirement in catalogue for operation in requirement.condition.operations}
    beside = {
        operation.name for operation in Api.of(profile.dialect, "documents").operations.values() if operation.beside
    }
    unknown = list(_unknown("facts.lacks", profile.facts.get("lacks", ()), sorted(spared | beside)))
    yield from unknown or _problems_of_lifecycle(profile)


def _problems_of_window(window: Mapping[str, int]) -> Iterator[Problem]:
    if not window["minimum"] <= window.get("default", window["minimum"]) <= window["maximum"]:
        bounds = "`facts.window` must have `minimum` <= `default` <= `maximum`"
        yield _problem(bounds, "The profile that it extends gives those that are not in the file.")


def _problems_of_lifecycle(profile: OwnProfile) -> Iterator[Problem]:
    facts = profile.facts
    api = Api.load(Profile(profile.dialect, profile.reference, profile.content["title"], facts))
    parent = specs.facts(profile.dialect, profile.content.get("extends", "documents"))
    named = {refusal for by_state in facts["lifecycle"].values() for refusal in by_state.values()}
    yield from _unknown("facts.refusals", facts["refusals"], [*parent["refusals"], *sorted(named)])
    yield from _unknown("facts.lifecycle", facts["lifecycle"], [*api.operations, *facts.get("lacks", ())])
    met: dict[str, list[str]] = {}
    for operation, by_state in facts["lifecycle"].items():
        where = f"facts.lifecycle.{operation}"
        yield from _unknown(where, by_state, list(facts["states"]))
        yield from _unknown(where, by_state.values(), list(facts["refusals"]))
        for refusal in {*by_state.values(), *_ANYWHERE} & set(facts["refusals"]):
            met.setdefault(refusal, []).extend([operation] if operation in api else [])
    for refusal in sorted(met):
        yield from _undocumented(refusal, facts["refusals"][refusal], met[refusal], api)


def _undocumented(name: str, refusal: Mapping[str, Any], met_by: Sequence[str], api: Api) -> Iterator[Problem]:
    """One problem for each accepted status that an operation does not document.

    The rule on the status of every reply would report this status as a failure.
    """
    for status in sorted({answer["status"] for answer in refusal["answers"]}):
        operation = next((api[each] for each in met_by if status not in api[each].replies), None)
        if operation is not None:
            why = f"`facts.refusals.{name}` has the status {status}, which {operation.id} does not document"
            yield _problem(why, f"It documents {', '.join(map(str, sorted(operation.replies)))}.")


def _unknown(where: str, given: Sequence[str] | Mapping[str, Any], known: Sequence[str]) -> Iterator[Problem]:
    for name in given:
        if name not in known:
            yield _problem(f"`{where}` names {_shown(name)}, which the dialect does not have", suggestion(name, known))


def _ways(dialect: str) -> list[str]:
    return [kind.way for kind in ways() if dialect in kind.dialects]


def _problems_of_form(error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    path = [str(step) for step in error.instance_path]
    where = ".".join(map(_shown, path))
    within = f"{where}." if where else ""
    known = _keys_at(path)
    match error.kind:
        case _Kind.AdditionalProperties(unexpected):
            for key in unexpected:
                yield _problem(f"`{within}{_shown(str(key))}` is not known there", suggestion(str(key), known))
        case _Kind.Required(missing):
            yield _problem(f"`{within}{missing}` is missing there", f"Add {missing}; see docs/add-a-cloud.md.")
        case _:
            yield _problem(f"`{where or 'it'}`: {error.message}", "See docs/add-a-cloud.md for an example.")


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": "#/$defs/own", "$defs": specs.load(_SCHEMA)["$defs"]}
    # Errors about target files must show no values.
    return jsonschema_rs.Draft202012Validator(schema, mask="the value")


def _keys_at(path: Sequence[str]) -> tuple[str, ...]:
    """The keys that the schema has at a place of the file."""
    definitions = specs.load(_SCHEMA)["$defs"]
    node = definitions["own"]
    for step in path:
        node = node.get("properties", {}).get(step) or node.get("additionalProperties") or node.get("items") or {}
        if "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]]
    return tuple(node.get("properties", ()))


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:40]
