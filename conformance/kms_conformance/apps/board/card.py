"""Reads target cards: YAML files beside a result in which its author names product, release, vendor and contact."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from kms_conformance.apps.board.model import TargetCard
from kms_conformance.core import specs
from kms_conformance.core.text import one_line, printable, shortened
from kms_conformance.report import layout

CARD = "card.yaml"
_Kind = jsonschema_rs.ValidationErrorKind
_MOST_BYTES = 64 * 1024
# Such as `moto-5.2.5` or `my-kms-2.0rc1`.
_RELEASE_IN_NAME = re.compile(r"(?P<product>.*[^-_.])[-_](?P<version>v?\d+(?:[.][0-9A-Za-z.+]+)+)")
_SEALED = re.compile(r"\.(?:certificate|partial|evidence|partial-evidence)?\.?zip$")


@dataclass(frozen=True)
class ReadCard:
    """A card as it was read: the card, or the problems for which it is not used, a sentence each."""

    path: Path
    card: TargetCard | None
    problems: tuple[str, ...] = ()


def card_path(evidence: Path) -> Path:
    """Where the card of a result lies: `DIR/card.yaml`, or `NAME.card.yaml` beside `NAME.certificate.zip`."""
    if evidence.is_dir():
        return evidence / CARD
    own = evidence.with_name(f"{_SEALED.sub('', evidence.name)}.{CARD}")
    # `certify` writes the file into the reports folder, which may have a card already.
    of_folder = evidence.with_name(CARD)
    return own if own.exists() or not evidence.with_name(layout.VERDICT).is_file() else of_folder


def read_card(path: Path) -> ReadCard | None:
    """Read a card; None if there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        return ReadCard(path, None, (f"It cannot be read: {error.strerror or error}.",))
    if len(data) > _MOST_BYTES:
        return ReadCard(path, None, ("It is larger than any card.",))
    try:
        document = specs.parse_yaml(data.decode("utf-8"))
        problems = tuple(_problems(document))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return ReadCard(path, None, (f"It is not valid YAML: {shortened(one_line(str(error)), 200)}.",))
    if problems:
        return ReadCard(path, None, problems)
    texts = {name: printable(value).strip() for name, value in document.items()}
    return ReadCard(path, TargetCard(**texts, given=True))


def card_of_name(target: str, day: str) -> TargetCard:
    """The card of a result without one.

    A name such as `moto-5.2.5` gives product and release; of any other name, the release is the day of the run.
    """
    found = _RELEASE_IN_NAME.fullmatch(target)
    if found is None:
        return TargetCard(target, day)
    return TargetCard(found["product"], found["version"])


def example() -> str:
    """A card to begin with, as YAML."""
    examples = {name: entry["examples"][0] for name, entry in _schema()["properties"].items()}
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in examples.items())


def _problems(document: object) -> Iterator[str]:
    for error in _validator().iter_errors(document):
        path = [str(step) for step in error.instance_path]
        match error.kind:
            case _Kind.AdditionalProperties(unexpected):
                yield from (f"`{one_line(str(name))}` is not a field of a card." for name in unexpected)
            case _Kind.Required(missing):
                yield f"`{missing}` is missing: {_described(missing)}."
            case _ if not path:
                yield "It is no card: fields such as `product: Example KMS` are expected."
            case _Kind.Type() if path[0] in _schema()["properties"]:
                yield f"`{path[0]}` must be a text in quotes: {_described(path[0])}."
            case _:
                yield f"`{path[0]}` must be {_described(path[0])}."


def _described(name: str) -> str:
    entry = _schema()["properties"][name]
    return f"{entry['description']} (for example {json.dumps(entry['examples'][0])})"


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_schema())


@cache
def _schema() -> dict[str, Any]:
    path = specs.SPECS / "schemas" / "card.schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def is_evidence(path: Path) -> bool:
    """Whether a file found in a folder is a sealed file, by its name."""
    return layout.is_sealed(path.name)
