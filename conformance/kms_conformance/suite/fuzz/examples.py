"""Kept examples: generated requests that failed in a run with another seed than the default, asked first by later runs.

An example has no target: no address, no credentials, no key id, and none of the values that depend on a target's keys.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from kms_conformance.core import specs
from kms_conformance.core.text import shortened
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.target import TargetError

# With more files in its folder, an operation gets no further example.
_MOST_OF_AN_OPERATION = 20
_MOST_BYTES = 64 * 1024
_NAME = "{dialect}-{operation}-{digest}.json"
_DIGEST = "[0-9a-f]{12}"


@dataclass(frozen=True)
class KeptExample:
    """A generated request that failed, and what it takes to send it again in the same situation.

    - `state`: the state of the key of ours that the request named; None if it named none.
    - `own_values`: whether it had values that depend on our keys, such as a ciphertext.
    - `requirements`: the requirements that failed.
    - `found`: `seed`, `suite` (a version) and `date` of the run that found it.
    """

    dialect: str
    operation: str
    draft: Draft
    state: str | None
    own_values: bool
    requirements: tuple[str, ...]
    found: Mapping[str, object]

    @property
    def name(self) -> str:
        """The file name. The same request in the same situation has the same name, whoever finds it."""
        asked = [*map(repr, self.draft.content), self.state, self.own_values]
        digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]
        return _NAME.format(dialect=self.dialect, operation=self.operation, digest=digest)

    def to_json(self) -> dict[str, Any]:
        """The content of the file (`specs/schemas/example.schema.json`)."""
        return {
            "format": 1,
            "dialect": self.dialect,
            "operation": self.operation,
            "request": self.draft.to_json(),
            "state": self.state,
            "own_values": self.own_values,
            "requirements": list(self.requirements),
            "found": dict(self.found),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> KeptExample:
        """The inverse of `to_json`. Raises `KeyError`, `TypeError` or `ValueError` for any other JSON."""
        draft, rest = Draft.from_json(raw["request"]), ("dialect", "operation", "state", "own_values", "found")
        return cls(draft=draft, requirements=tuple(raw["requirements"]), **{name: raw[name] for name in rest})


@dataclass(frozen=True)
class ExampleFolder:
    """The folder of kept examples; None: there are none. `keeps`: whether the run adds what it finds."""

    folder: Path | None = None
    keeps: bool = False

    def of(self, dialect: str, operation: str) -> tuple[KeptExample, ...]:
        """The examples of an operation, sorted by file name. Raises `TargetError` for a file that cannot be used."""
        return tuple(map(_read, self._paths(re.escape(dialect), re.escape(operation))))

    def check(self) -> None:
        """Raise `TargetError` if the folder is a file, or if one of the examples cannot be used."""
        if self.folder is not None and self.folder.exists() and not self.folder.is_dir():
            why = "Examples are kept in a folder, and this is a file."
            raise TargetError(f"The examples folder {self.folder} cannot be used.", why, "Name a folder.")
        for path in self._paths("[a-z0-9_]+", "[a-z0-9_]+"):
            _read(path)

    def keep(self, example: KeptExample) -> None:
        """Write an example, unless the run keeps none, the folder has it, or the operation has too many of them.

        A file is complete from the moment at which it has its name. An example that cannot be written is lost.
        """
        content = json.dumps(example.to_json(), indent=2) + "\n"
        full = len(self._paths(re.escape(example.dialect), re.escape(example.operation))) >= _MOST_OF_AN_OPERATION
        if self.folder is None or not self.keeps or full or len(content) > _MOST_BYTES:
            return
        path = self.folder / example.name
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
                    file.write(content)
                Path(file.name).replace(path)

    def _paths(self, dialect: str, operation: str) -> Sequence[Path]:
        """The files with the name of an example; other files are not ours. The arguments are patterns."""
        name = re.compile(_NAME.format(dialect=dialect, operation=operation, digest=_DIGEST))
        with suppress(OSError):
            return sorted(path for path in (self.folder or Path()).iterdir() if name.fullmatch(path.name))
        return ()


#: No example is asked, and none is kept.
NO_EXAMPLES = ExampleFolder()


def _read(path: Path) -> KeptExample:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        document = json.loads(raw)
        problem = next(iter(_validator().iter_errors(document)), None)
        if problem is None and len(raw) <= _MOST_BYTES:
            return KeptExample.from_json(document)
        why = "It is too long." if problem is None else f"It is not valid by example.schema.json: {problem.message}"
    except (OSError, ValueError, RecursionError) as error:
        why = f"It cannot be read: {error}"
    raise TargetError(
        f"The example {path} cannot be used.",
        shortened(" ".join(why.split())),
        "Delete it, or restore it from version control. No request was sent.",
    )


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    path = specs.SPECS / "schemas" / "example.schema.json"
    # `mask` keeps values out of messages.
    return jsonschema_rs.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")), mask="a value")
