"""Verifies a sealed file: its form, its digests, its signature, and whether its verdict follows from its exchanges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.agreement import differences, out_of_time, unclaimed_failures
from kms_conformance.apps.certificate.elsewhere import Shared, is_same_release, other_code, shared
from kms_conformance.apps.certificate.form import Sealed, changes, contradictions, environment_of, misspelt, name_note
from kms_conformance.apps.certificate.manifest import NO_SIGNATURE, OWN_PROFILE
from kms_conformance.apps.certificate.pack import MANIFEST, STATEMENT, Unsound, read
from kms_conformance.apps.certificate.statement import is_signed_by
from kms_conformance.catalogue.frozen import versions
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.core.text import shortened
from kms_conformance.recording.environment import missing_to_draw, missing_to_judge
from kms_conformance.recording.player import TapeError
from kms_conformance.recording.release import command
from kms_conformance.recording.storage import Facts
from kms_conformance.report import files, layout
from kms_conformance.report.errors import ReportError
from kms_conformance.target.registry import ways

if TYPE_CHECKING:
    from pathlib import Path

    from securesystemslib.signer import Key

    from kms_conformance.apps.certificate.rejudge import Rejudged

# What a reader of well-formed parts meets where these parts do not belong to a run.
_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

HOLDS, DOES_NOT_HOLD, NOT_HERE = 0, 1, 3
_MOST_SHOWN = 12


@dataclass(frozen=True)
class Verification:
    """What became of verifying one file. It holds where there is neither a `problem` nor an `obstacle`.

    Obstacles are why it could not be judged again on this machine; `shared` is what was judged all the same of a file
    that other code sealed, and `command` verifies it with that code. Notes are worth knowing. `mark` stands before
    every line that is said of what is no certificate.
    """

    path: Path
    problems: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    claim: str = ""
    mark: str = ""
    shared: Shared | None = None
    command: str = ""

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
            lines += self._in_part()
        else:
            lines = [f"{self.path} holds: {self.claim}"]
        return "\n".join(f"{self.mark}{line}" for line in (*lines, *self.notes))

    def _in_part(self) -> Iterator[str]:
        if self.shared is not None:
            yield from ("What could be judged:", *(f"  {line}" for line in self.shared.judged))
            yield from ("What could not:", *(f"  {line}" for line in self.shared.missing))
            yield "With the code that sealed it:"
            yield f"  {self.command}"


def verify(path: Path, *, key: Path | None = None) -> Verification:
    """Verify a file that `certify` made; with `key`, a public key, it must be signed by that.

    Raises `ReportError` where there is no file, or no such key; all else is in what is returned.
    """
    by = None if key is None else keys.public_key(key)
    try:
        members = read(path)
        return verified(path, members, by, key)
    except (Unsound, TapeError, ReportError) as error:
        if isinstance(error, ReportError) and not path.is_file():
            raise
        return Verification(path, (_told(error),))
    except _BROKEN as error:
        return Verification(
            path, (f"What it holds cannot be judged ({type(error).__name__}: {shortened(str(error), 300)}).",)
        )


def verified(
    path: Path,
    members: Mapping[str, bytes],
    by: Key | None = None,
    key: Path | None = None,
    *,
    draw_again: bool = True,
) -> Verification:
    """Verify members, as they lie or will lie in the file `path`; `by` is the key that was read from the file `key`.

    With `draw_again`, generated requests are drawn once more and compared, on a machine that draws as that of the run.
    """
    try:
        return _verified(path, members, by, key, draw_again=draw_again)
    except _BROKEN as error:
        return Verification(
            path, (f"What it holds cannot be judged ({type(error).__name__}: {shortened(str(error), 300)}).",)
        )


def _verified(
    path: Path, members: Mapping[str, bytes], by: Key | None, key: Path | None, *, draw_again: bool
) -> Verification:
    try:
        environment = environment_of(members)
    except (ReportError, ValueError) as error:
        return Verification(path, (_told(error),))
    others = other_code(environment)
    try:
        sealed = Sealed.read(members)
    except (TapeError, ReportError, ValueError) as error:
        if not others:
            return Verification(path, (_told(error),))
        return _unread(path, members, others, _told(error))
    problems = list(changes(members))
    signers = list(sealed.envelope.signatures)
    if by is not None and not is_signed_by(sealed.envelope, by):
        said = f"Keys that did, as it says: {', '.join(signers)}." if signers else "Nobody signed it."
        problems.append(f"{STATEMENT}: the key in {key} did not sign it. {said}")
    notes = [f"It is signed by the key {by.keyid}."] if by is not None and not problems else []
    if by is None:
        notes.append(_unchecked(signers[0]) if signers else NO_SIGNATURE)
    if sealed.verdict.own_profile is not None:
        notes.append(OWN_PROFILE)
    notes += name_note(path, sealed.document)
    said_so_far = Verification(path, tuple(problems), (), tuple(notes), _claim(sealed), _mark(sealed.document))
    if problems:
        return said_so_far
    if others:
        return _by_other_code(said_so_far, sealed, others)
    found, obstacles, further = _judged_again(sealed, draw_again=draw_again)
    return replace(said_so_far, problems=found, obstacles=obstacles, notes=(*notes, *further))


def _unread(path: Path, members: Mapping[str, bytes], others: tuple[str, ...], why: str) -> Verification:
    """What is said of a file of which this release does not know the form: its digests are those of any release."""
    try:
        problems = tuple(changes(members))
    except (ReportError, ValueError, AttributeError, KeyError, TypeError) as error:
        return Verification(path, (_told(error),))
    if problems:
        return Verification(path, problems)
    judged = ("Its members are those that were sealed: all digests agree.",)
    said = Shared(judged, (f"Anything else: this release does not read its form. {why}",))
    document = files.parse_json(members[MANIFEST], MANIFEST)
    mark = _mark(document) if {"kind", "result", "partial"} <= document.keys() else "[of another form] "
    return Verification(path, (), others, mark=mark, shared=said, command=command(environment_of(members), path))


def _judged_again(sealed: Sealed, *, draw_again: bool) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Judge a file that this code sealed: (what does not follow, why that could not be told here, what is to be noted).

    With `draw_again`, generated requests are drawn once more and compared, on a machine that draws as that of the run.
    """
    found = (*contradictions(sealed), *misspelt(sealed))
    obstacles = () if found else tuple(_obstacles(sealed))
    if found or obstacles:
        return found, obstacles, ()
    otherwise = missing_to_draw(sealed.environment)
    again = _played(sealed, draw_again=draw_again and not otherwise)
    found = (again,) if isinstance(again, str) else tuple(_disagreements(sealed, again))
    needed = missing_to_judge(sealed.environment, drawn=sealed.tape.drawn is not None)
    if found and needed:
        return (), (f"It needs {', '.join(needed)}. With what is here: {found[0]}",), ()
    taken = f"Its generated requests were taken as they were recorded; {', '.join(otherwise)} would draw them again."
    return found, (), (taken,) if draw_again and otherwise and not found else ()


def _by_other_code(said: Verification, sealed: Sealed, others: tuple[str, ...]) -> Verification:
    """Judge a file that other code sealed: where this code does not come to the same, it says how far it does."""
    environment = sealed.environment
    obstacles = tuple(_obstacles(sealed))
    again: Rejudged | str = obstacles[0] if obstacles else _played(sealed, draw_again=False)
    found = [again] if isinstance(again, str) else [*contradictions(sealed), *_disagreements(sealed, again)]
    # That its specs are others has been said.
    found = [problem for problem in found if not problem.startswith("suite: ")]
    if not found and is_same_release(environment):
        return replace(said, notes=(*said.notes, f"{' '.join(others)} This code comes to the same."))
    in_part = shared(sealed, again, found)
    return replace(said, obstacles=others, shared=in_part, command=command(environment, said.path))


def _played(sealed: Sealed, *, draw_again: bool) -> Rejudged | str:
    """What the suite says to the tape, or why it can say nothing."""
    from kms_conformance.apps.certificate.rejudge import rejudge  # noqa: PLC0415 - it loads the whole suite
    from kms_conformance.run.settings import Settings  # noqa: PLC0415 - as above

    environment = sealed.environment
    ledger = sealed.members[layout.LEDGER].decode("utf-8", "replace")
    facts = Facts.from_json({name: environment[name] for name in Facts.__dataclass_fields__})
    settings = Settings((), None, environment["tier"], environment["seed"], **environment["nights"])
    try:
        return rejudge(sealed.tape, ledger, facts, environment["target"], settings, draw_again=draw_again)
    except (*_BROKEN, OSError, UserMistake) as error:
        return f"What it holds cannot be judged ({type(error).__name__}: {shortened(str(error), 300)})."


def _disagreements(sealed: Sealed, again: Rejudged) -> Iterator[str]:
    if again.problem:
        yield f"{layout.EXCHANGES}: {again.problem}"
        yield from unclaimed_failures(sealed.report, again)
        return
    ledger = sealed.members[layout.LEDGER].decode("utf-8", "replace")
    yield from differences(sealed.report, sealed.environment, again, ledger)
    yield from out_of_time(sealed.verdict, sealed.tape)


def _obstacles(sealed: Sealed) -> Iterator[str]:
    environment, verdict = sealed.environment, sealed.verdict
    dialect = environment["target"]["dialect"]
    if dialect not in specs.dialects() or verdict.dialect != dialect:
        # Nothing is looked for under a name that a file made up.
        yield f"The dialect {dialect} is none that this release knows, or not that of the verdict."
        return
    way = environment["target"]["auth"]["way"]
    if way not in {kind.way for kind in ways()}:
        yield f"The run signed in by {ascii(way)[:40]}, which no way to sign in is called here."
        return
    if verdict.frozen is not None and verdict.frozen["version"] not in versions(dialect):
        yield f"It was decided by the requirements {verdict.frozen['version']!a}, which are none of a release."
    yield from circumstances(environment)


def circumstances(environment: Mapping[str, Any]) -> Iterator[str]:
    """Why a run can be judged again nowhere, a sentence each."""
    if environment["interrupted"]:
        yield "Its run was ended early, amidst a check: what that would have asked is not known."
    if not environment["alone"]:
        yield "Another run worked with the same ledger at the same time: what this one found there is not known."
    if "shard" in environment["filters"]:
        yield "It is one shard of a run: what its keys and checks were depends on the others."
    if len(set(environment["checks"])) != len(environment["checks"]):
        yield "One of its checks was run more than once."


def _claim(sealed: Sealed) -> str:
    document = sealed.document
    asked = f"{document['exchanges']} exchanges, asked and judged again"
    own = sealed.verdict.own_profile
    by = "" if own is None else f" by a profile of the user's own ({sealed.verdict.profile})"
    if document["kind"] == "certificate" and not document["partial"]:
        return f"{document['target']['name']} is conformant{by}. That follows from its {asked}."
    return f"its verdict{by} follows from its {asked}. It is no certificate."


def _mark(document: Mapping[str, Any]) -> str:
    words = [f"evidence, {document['result']}"] if document["kind"] == "evidence" else []
    words += [f"partial: {', '.join(document['partial'])}"] if document["partial"] else []
    return f"[{'; '.join(words)}] " if words else ""


def _unchecked(signer: str) -> str:
    return f"It says that the key {signer} signed it; --key FILE, with that public key, checks it."


def _told(error: Exception) -> str:
    if isinstance(error, ReportError):
        return f"{error.what} {error.why}".replace("\n", " ")
    text = shortened(str(error))
    return f"{text[:1].upper()}{text[1:]}."
