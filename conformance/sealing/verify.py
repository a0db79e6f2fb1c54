"""Verifies a sealed file: its form, its digests, its signature, and whether its verdict follows from its exchanges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance import __version__, specs
from conformance.catalogue.frozen import versions
from conformance.reporting import files, layout
from conformance.reporting.consistency import problems_of_report
from conformance.reporting.errors import ReportError
from conformance.reporting.model import Report, StoredVerdict, TargetReport
from conformance.reporting.schemas import validate
from conformance.sealing import keys
from conformance.sealing.agreement import differences, out_of_time, unclaimed_failures
from conformance.sealing.manifest import NO_SIGNATURE, digest, manifest, page
from conformance.sealing.pack import MANIFEST, PAGE, STATEMENT, Unsound, read
from conformance.sealing.statement import is_signed_by, opened, statement
from conformance.tape.environment import missing_here
from conformance.tape.play import Tape, TapeError
from conformance.tape.reel import Facts
from conformance.verdict import specs_digest

if TYPE_CHECKING:
    from pathlib import Path

    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Key

# What a reader of well-formed parts meets where these parts do not belong to a run.
_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

HOLDS, DOES_NOT_HOLD, NOT_HERE = 0, 1, 3
_MOST_SHOWN = 12
_MOST_SAID = 300


@dataclass(frozen=True)
class Verification:
    """What became of verifying one file. It holds where there is neither a `problem` nor an `obstacle`.

    Obstacles are why it could not be judged again on this machine; notes are worth knowing. `mark` stands before every
    line that is said of what is no certificate.
    """

    path: Path
    problems: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    claim: str = ""
    mark: str = ""

    @property
    def exit_code(self) -> int:
        """0 it holds, 1 it does not, 3 it cannot be told here."""
        return DOES_NOT_HOLD if self.problems else NOT_HERE if self.obstacles else HOLDS

    def __str__(self) -> str:
        if self.problems:
            more = len(self.problems) - _MOST_SHOWN
            shown = [*self.problems[:_MOST_SHOWN], *([f"and {more} more."] if more > 0 else [])]
            lines = [f"{self.path} does not hold.", *(f"  {problem}" for problem in shown)]
        elif self.obstacles:
            lines = [f"{self.path} cannot be judged again here.", *(f"  {obstacle}" for obstacle in self.obstacles)]
        else:
            lines = [f"{self.path} holds: {self.claim}"]
        return "\n".join(f"{self.mark}{line}" for line in (*lines, *self.notes))


@dataclass
class _Sealed:
    """The members of a file, read and found valid one by one."""

    members: Mapping[str, bytes]
    document: dict[str, Any]
    environment: dict[str, Any]
    report: TargetReport
    tape: Tape
    envelope: Envelope
    problems: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> StoredVerdict:
        return self.report.verdict


def verify(path: Path, *, key: Path | None = None) -> Verification:
    """Verify a file that `certify` made; with `key`, a public key, it must be signed by that.

    Raises `ReportError` where there is no file, or no such key; all else is in what is returned.
    """
    by = None if key is None else keys.public_key(key)
    try:
        return _verified(path, by, key)
    except (Unsound, TapeError, ReportError) as error:
        if isinstance(error, ReportError) and not path.is_file():
            raise
        return Verification(path, (_told(error),))
    except _BROKEN as error:
        return Verification(path, (f"What it holds cannot be judged ({type(error).__name__}: {_short(error)}).",))


def _verified(path: Path, by: Key | None, key: Path | None) -> Verification:
    sealed = _read(path)
    problems = list(_of_form(sealed))
    signers = list(sealed.envelope.signatures)
    if by is not None and not is_signed_by(sealed.envelope, by):
        said = f"Keys that did, as it says: {', '.join(signers)}." if signers else "Nobody signed it."
        problems.append(f"{STATEMENT}: the key in {key} did not sign it. {said}")
    notes = [f"It is signed by the key {by.keyid}."] if by is not None and not problems else []
    if by is None:
        notes.append(_unchecked(signers[0]) if signers else NO_SIGNATURE)
    notes += _of_name(path, sealed.document)
    mark = _mark(sealed.document)
    obstacles: tuple[str, ...] = ()
    if not problems:
        found, obstacles = _judged_again(sealed)
        problems += found
    return Verification(path, tuple(problems), obstacles, tuple(notes), _claim(sealed), mark)


def _read(path: Path) -> _Sealed:
    members = read(path)
    document = files.parse_json(members[MANIFEST], MANIFEST)
    validate(document, "manifest", MANIFEST)
    environment = files.parse_json(members[layout.ENVIRONMENT], layout.ENVIRONMENT)
    validate(environment, "environment", layout.ENVIRONMENT)
    raw = files.parse_json(members[layout.RESULTS], layout.RESULTS)
    validate(raw, "results", layout.RESULTS)
    report = Report.from_json(raw)
    envelope = opened(members[STATEMENT])
    return _Sealed(members, document, environment, report.targets[0], Tape.read(members[layout.EXCHANGES]), envelope)


def _of_form(sealed: _Sealed) -> Iterator[str]:
    """Everything that can be found without judging again."""
    members, document, verdict = sealed.members, sealed.document, sealed.verdict
    for name, claimed in document["files"].items():
        if digest(members[name]) != claimed:
            yield f"{name}: its digest is {digest(members[name])}, sealed was {claimed}."
    if members[layout.VERDICT] != files.to_text(verdict.to_json()).encode():
        yield f"{layout.VERDICT}: it is not the verdict that {layout.RESULTS} holds."
    raw = files.parse_json(members[layout.RESULTS], layout.RESULTS)
    if (
        len(raw["targets"]) != 1
        or members[layout.RESULTS] != files.to_text(Report((sealed.report,)).to_json()).encode()
    ):
        yield f"{layout.RESULTS}: it holds something else than the results of one target."
    yield from (f"{layout.RESULTS}: {problem}" for problem in problems_of_report(Report((sealed.report,))))
    expected = manifest(verdict, sealed.environment, len(sealed.tape.lines), members, document["issued"])
    yield from _of_manifest(document, expected)
    said = {"suite": document["suite"], "tier": document["run"]["tier"], "seed": document["run"]["seed"]}
    for name, value in said.items():
        if sealed.environment[name] != value:
            yield f"{layout.ENVIRONMENT}: its {name} is not that of the verdict."
    signer = next(iter(sealed.envelope.signatures), "")
    if document["suite"]["version"] == __version__ and members[PAGE] != page(document, verdict, signer).encode():
        yield f"{PAGE}: it is not the page of this manifest."
    if sealed.envelope.payload != statement(members, document, verdict):
        yield f"{STATEMENT}: it speaks of other contents than these."


def _of_name(path: Path, document: Mapping[str, Any]) -> list[str]:
    """A note on a file that is called another kind than it is: copies are renamed, and nothing rests on a name."""
    name = document["target"]["name"]
    own = layout.sealed_name(name, partial=bool(document["partial"]), evidence=document["kind"] == "evidence")
    kind = own.removeprefix(name)
    if not layout.is_sealed(path.name) or path.name.endswith(kind):
        return []
    return [f"The file is called {path.name}; what it holds was sealed as {own}."]


def _of_manifest(document: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    known, said = dict(_flat(expected)), dict(_flat(document))
    for name in dict.fromkeys([*known, *said]):
        if known.get(name) != said.get(name) and not name.startswith("files."):
            yield f"{MANIFEST}: {name} is {_said(said.get(name))}; by the other members it is {_said(known.get(name))}."


def _judged_again(sealed: _Sealed) -> tuple[list[str], tuple[str, ...]]:
    """(what does not follow from the exchanges, why that could not be told here)."""
    environment = sealed.environment
    obstacles = tuple(_obstacles(environment, sealed.verdict))
    if obstacles:
        return [], obstacles
    from conformance.sealing.rejudge import rejudge  # noqa: PLC0415 - it loads the whole suite
    from conformance.settings import Settings  # noqa: PLC0415 - as above

    ledger = sealed.members[layout.LEDGER].decode("utf-8", "replace")
    facts = Facts.from_json({name: environment[name] for name in Facts.__dataclass_fields__})
    settings = Settings((), None, environment["tier"], environment["seed"], **environment["nights"])
    again = rejudge(sealed.tape, ledger, facts, environment["target"], settings)
    found = []
    if again.problem:
        found = [f"{layout.EXCHANGES}: {again.problem}", *unclaimed_failures(sealed.report, again)]
    else:
        found = [*differences(sealed.report, environment, again, ledger), *out_of_time(sealed.verdict, sealed.tape)]
    needed = missing_here(environment)
    if found and needed:
        return [], (f"It needs {', '.join(needed)}. With what is here: {found[0]}",)
    return found, ()


def _obstacles(environment: Mapping[str, Any], verdict: StoredVerdict) -> Iterator[str]:
    suite, dialect = environment["suite"], environment["target"]["dialect"]
    if suite["version"] != __version__:
        yield f"It needs kms-conformance {suite['version']}; this is {__version__}."
    elif dialect not in specs.dialects() or suite["specs_digest"] != specs_digest(dialect):
        yield (
            f"It rests on other specs of the dialect {dialect} than this kms-conformance has: {suite['specs_digest']}."
            " If it came from the same release, it is not what it says it is."
        )
    elif verdict.frozen is not None and verdict.frozen["version"] not in versions(dialect):
        yield f"It was decided by the requirements {verdict.frozen['version']!a}, which are none of a release."
    if environment["interrupted"]:
        yield "Its run was ended early, amidst a check: what that would have asked is not known."
    if not environment["alone"]:
        yield "Another run worked with the same ledger at the same time: what this one found there is not known."
    if "shard" in environment["filters"]:
        yield "It is one shard of a run: what its keys and checks were depends on the others."
    if len(set(environment["checks"])) != len(environment["checks"]):
        yield "One of its checks was run more than once."


def _claim(sealed: _Sealed) -> str:
    document = sealed.document
    asked = f"{document['exchanges']} exchanges, asked and judged again"
    if document["kind"] == "certificate" and not document["partial"]:
        return f"{document['target']['name']} is conformant. That follows from its {asked}."
    return f"its verdict follows from its {asked}. It is no certificate."


def _mark(document: Mapping[str, Any]) -> str:
    words = [f"evidence, {document['result']}"] if document["kind"] == "evidence" else []
    words += [f"partial: {', '.join(document['partial'])}"] if document["partial"] else []
    return f"[{'; '.join(words)}] " if words else ""


def _unchecked(signer: str) -> str:
    return f"It says that the key {signer} signed it; --key FILE, with that public key, checks it."


def _told(error: Exception) -> str:
    if isinstance(error, ReportError):
        return f"{error.what} {error.why}".replace("\n", " ")
    text = _short(error)
    return f"{text[:1].upper()}{text[1:]}."


def _said(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"


def _flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every single value of a nested mapping, by the path that leads to it."""
    if not isinstance(value, dict) or not value:
        yield name, value
        return
    for key, child in value.items():
        yield from _flat(child, f"{name}.{key}" if name else str(key))
