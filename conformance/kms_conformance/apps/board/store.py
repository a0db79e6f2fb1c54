"""Keeps what was read of each result as JSON, so that a later build need not read or verify the same again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from kms_conformance.apps.board.card import card_path
from kms_conformance.apps.board.model import JudgedRun, NotShown
from kms_conformance.apps.board.record import run_from_json, run_to_json, standing_from_json, standing_to_json
from kms_conformance.apps.board.sources import Found, ResultPlace
from kms_conformance.core import specs
from kms_conformance.core.disk import make_folder
from kms_conformance.recording.code_version import digest as code_digest
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError
from kms_conformance.verdict.decide import specs_digest


@dataclass(frozen=True)
class RunStore:
    """What was read of results, one file for each result, named by a digest of everything that it depends on.

    `identity`: what else decides what is read, such as the ids of the keys that the user trusts.
    """

    folder: Path
    identity: str

    def key(self, place: ResultPlace) -> str:
        """The digest of a result: its content and name, its cards, this code, and `identity`."""
        found = hashlib.sha256()
        for part in (_code(), self.identity, place.name):
            found.update(part.encode("utf-8", "surrogateescape") + b"\0")
        for path in _parts(place.path):
            with suppress(OSError):
                found.update(path.name.encode("utf-8", "surrogateescape") + b"\0")
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()

    def get(self, key: str) -> tuple[Found, ...] | None:
        """What was read of a result; None if it is not kept or cannot be used."""
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            return tuple(map(_found, json.loads(self._path(key).read_bytes())))
        return None

    def put(self, key: str, found: Sequence[Found]) -> None:
        """Keep what was read of a result. Raises `ReportError` if it cannot be written."""
        text = json.dumps(list(map(_to_json, found)), separators=(",", ":"))
        path = self._path(key)
        try:
            make_folder(path.parent, 0o700)
            # Not synchronised: a file that a crash left incomplete is no JSON, and is read again.
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.write_text(text, encoding="ascii")
            temporary.replace(path)
        except OSError as error:
            raise ReportError(
                f"{path} cannot be written.", f"{error.strerror or error}.", "Name another folder with --cache."
            ) from error

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


@cache
def _code() -> str:
    return " ".join((code_digest(), *map(specs_digest, specs.dialects())))


def _parts(path: Path) -> Iterator[Path]:
    """The files that decide what is read of a result."""
    yield card_path(path)
    if not path.is_dir():
        yield path
        return
    yield path / layout.RESULTS
    for name in (layout.VERDICT, card_path(path).name, "*.zip"):
        yield from sorted(path.glob(name))
        yield from sorted(path.glob(f"*/{name}"))


def _to_json(found: Found) -> dict[str, Any]:
    if isinstance(found, NotShown):
        return {"source": found.source, "claim": found.claim, "not_shown": standing_to_json(found.standing)}
    proofs = {cell.requirement: dict(cell.proof) for cell in found.cells if cell.proof is not None}
    return run_to_json(found) | {"proofs": proofs}


def _found(raw: Mapping[str, Any]) -> Found:
    if "not_shown" in raw:
        return NotShown(raw["source"], standing_from_json(raw["not_shown"]), raw["claim"])
    run: JudgedRun = run_from_json(raw)
    proofs = raw["proofs"]
    return replace(run, cells=tuple(replace(cell, proof=proofs.get(cell.requirement)) for cell in run.cells))
