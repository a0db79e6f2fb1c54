"""Frozen requirement sets: the requirements of an earlier release and their levels, for use by later releases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema_rs
import yaml

from kms_conformance.catalogue.requirements import Catalogue, Level, Requirement
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake

FORMAT = 1


class FrozenError(UserMistake):
    """A frozen set cannot be used. The text has a line each for what happened, why, and what to do next."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(f"{what}\n{why}\n{hint}")


@dataclass(frozen=True)
class Frozen:
    """The requirements of one dialect in one release: level and digest by id.

    A digest covers the statement, condition and states of a requirement. If the digest differs today, one of them has
    changed since the release. The code of the checks is not frozen.
    """

    dialect: str
    version: str
    levels: Mapping[str, Level]
    digests: Mapping[str, str]

    @classmethod
    def of(cls, catalogue: Catalogue, version: str) -> Frozen:
        """The frozen set of the current catalogue."""
        levels = {requirement.id: requirement.level for requirement in catalogue}
        digests = {requirement.id: digest(requirement) for requirement in catalogue}
        return cls(catalogue.dialect, version, MappingProxyType(levels), MappingProxyType(digests))

    def removed(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The ids of frozen requirements that the catalogue no longer has. These cannot be judged."""
        return tuple(name for name in self.levels if name not in catalogue)

    def changed(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The ids of requirements in the catalogue that have changed since the release."""
        return tuple(name for name, was in self.digests.items() if name in catalogue and digest(catalogue[name]) != was)

    def to_yaml(self) -> str:
        """The text of a file that `load_frozen` reads."""
        head = {"format": FORMAT, "dialect": self.dialect, "version": self.version}
        lines = [f"  {name}: {{level: {level}, digest: {self.digests[name]}}}" for name, level in self.levels.items()]
        return f"{yaml.safe_dump(head, sort_keys=False)}requirements:\n" + "\n".join(lines) + "\n"


def digest(requirement: Requirement) -> str:
    """16 hexadecimal digits of the SHA-256 of statement, condition and states; the level is not included."""
    condition = requirement.condition
    demanded = [
        requirement.statement,
        list(condition.auth),
        condition.fact,
        condition.given,
        sorted(requirement.reached),
    ]
    return hashlib.sha256(json.dumps(demanded).encode()).hexdigest()[:16]


def load_frozen(name: str, dialect: str) -> Frozen:
    """Read a frozen set; `name` is a release, such as `0.1.0`, or the path of a file. Raises `FrozenError`."""
    path = specs.locate(dialect).specs / "frozen" / f"{name}.yaml"
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        known = ", ".join(versions(dialect)) or "none"
        raise FrozenError(
            f"There is no frozen set of requirements {name!a} for {dialect}.",
            f"{name!a} is neither a release ({known}) nor a file.",
            "To freeze the requirements of this version: kms-conformance requirements --freeze FILE --dialect NAME.",
        )
    found = _read(path)
    if found.dialect != dialect:
        raise FrozenError(
            f"The frozen requirements in {path} cannot be used here.",
            f"They are requirements of {found.dialect}, and the dialect of a target is {dialect}.",
            "Run that target separately, or name a release instead of a file.",
        )
    return found


def versions(dialect: str) -> tuple[str, ...]:
    """The releases that have a frozen set for this dialect, sorted as text."""
    return tuple(sorted(path.stem for path in (specs.locate(dialect).specs / "frozen").glob("*.yaml")))


def _read(path: Path) -> Frozen:
    hint = "Create it again: kms-conformance requirements --freeze FILE --dialect NAME."
    what = f"The frozen requirements in {path} cannot be used."
    try:
        raw: Any = specs.parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise FrozenError(what, " ".join(str(error).split()), hint) from error
    problem = next(iter(_validator().iter_errors(raw)), None)
    if problem is not None:
        raise FrozenError(what, f"{'/'.join(map(str, problem.instance_path)) or 'The file'}: {problem.message}", hint)
    entries = raw["requirements"]
    levels = MappingProxyType({name: entry["level"] for name, entry in entries.items()})
    digests = MappingProxyType({name: entry["digest"] for name, entry in entries.items()})
    return Frozen(raw["dialect"], raw["version"], levels, digests)


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    path = specs.SPECS / "schemas" / "frozen.schema.json"
    return jsonschema_rs.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
