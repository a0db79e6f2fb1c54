"""Forgeries of sealed files by somebody who knows the format, but not the key."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kms_conformance.apps.certificate.manifest import manifest, page
from kms_conformance.apps.certificate.pack import MANIFEST, PAGE, STATEMENT, pack, unpack
from kms_conformance.apps.certificate.statement import seal_statement, statement
from kms_conformance.recording.player import Recording
from kms_conformance.report import files, layout
from kms_conformance.report.model import Report

Json = dict[str, Any]
ISSUED = "2026-02-01T08:00:00Z"


class Forgery:
    """Members of a sealed file that can be changed; derived members and digests are computed again."""

    def __init__(self, data: bytes) -> None:
        members = unpack(data)
        self.results: Json = json.loads(members[layout.RESULTS])
        self.environment: Json = json.loads(members[layout.ENVIRONMENT])
        self.ledger: str = members[layout.LEDGER].decode()
        lines = [json.loads(line) for line in gzip.decompress(members[layout.EXCHANGES]).splitlines()]
        self.lines: list[Json] = [line for line in lines[:-1] if "drawn" not in line]
        self.drawn: list[Json] = [line for line in lines[:-1] if "drawn" in line]
        self.end: Json = lines[-1]

    @property
    def verdict(self) -> Json:
        found: Json = self.results["targets"][0]["verdict"]
        return found

    @property
    def checks(self) -> list[Json]:
        found: list[Json] = self.results["targets"][0]["checks"]
        return found

    def requirement(self, name: str) -> Json:
        return next(entry for entry in self.verdict["requirements"] if entry["id"] == name)

    def forgive(self) -> None:
        """Remove every failure from all members, so that its requirement seems not judged."""
        for check in self.checks:
            for failure in check["failures"]:
                self.requirement(failure["requirement"])["judged"] -= 1
            if check["failures"]:
                check.update(failures=[], exchanges=[], outcome="passed")
        for entry in self.verdict["requirements"]:
            if entry["verdict"] == "failed":
                entry.update(verdict="not_tested", reason="no exchange of this run allowed a judgement")
        musts = {entry["verdict"] for entry in self.verdict["requirements"] if entry["level"] == "MUST"}
        self.verdict["result"] = "conformant" if musts <= {"passed", "not_applicable"} else "inconclusive"

    def exchange(self, requirement: str) -> Json:
        """The exchange that the first check of a requirement cites; earlier exchanges may have prepared a key."""
        numbers = next(check["evidence"][requirement] for check in self.checks if requirement in check["evidence"])
        cited = [line for line in self.lines if line["number"] in numbers]
        return [line for line in cited if line["operation"] == cited[0]["operation"]][-1]

    def saved(self, folder: Path) -> Path:
        """Write the file under its proper name."""
        data = self.packed()
        said = json.loads(unpack(data)[MANIFEST])
        evidence = said["kind"] == "evidence"
        path = folder / layout.sealed_name(said["target"]["name"], partial=bool(said["partial"]), evidence=evidence)
        path.write_bytes(data)
        return path

    def packed(self) -> bytes:
        """The archive, with all digests correct."""
        members = {
            layout.VERDICT: files.to_text(self.verdict).encode(),
            layout.RESULTS: files.to_text(self.results).encode(),
            layout.ENVIRONMENT: files.to_text(self.environment).encode(),
            layout.LEDGER: self.ledger.encode(),
            layout.EXCHANGES: taped(
                [*self.lines, *self.drawn], self.end | {"end": len(self.lines), "drawn": len(self.drawn)}
            ),
        }
        verdict = Report.from_json(self.results).targets[0].verdict
        exchanges = len(Recording.read(members[layout.EXCHANGES]).exchanges)
        document = manifest(verdict, self.environment, exchanges, members, ISSUED)
        members[MANIFEST] = files.to_text(document).encode()
        members[PAGE] = page(document, verdict, "").encode()
        members[STATEMENT] = seal_statement(statement(members, document, verdict), None)
        return pack(members)


def taped(lines: list[Json], end: Json) -> bytes:
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in (*lines, end))
    data = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, data, mtime=0) as file:
        file.write(text.encode())
    return data.getvalue()


def edited(data: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """A file with changed members, without new digests."""
    members = dict(unpack(data))
    change(members)
    return pack(members)


def with_byte_changed(data: bytes, name: str) -> bytes:
    """A file with one changed byte in a member."""

    def change(members: dict[str, bytes]) -> None:
        middle = len(members[name]) // 2
        old = members[name]
        members[name] = old[:middle] + bytes([old[middle] ^ 1]) + old[middle + 1 :]

    return edited(data, change)


def body(exchange: Mapping[str, Any]) -> Json:
    """The JSON in a recorded reply."""
    found: Json = json.loads(exchange["reply"]["body"])
    return found


def answer(exchange: Json, value: Mapping[str, Any]) -> None:
    """Put other JSON into a recorded reply."""
    exchange["reply"]["body"] = json.dumps(value)
