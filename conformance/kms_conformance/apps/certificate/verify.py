"""Verification of a sealed file: form, digests, signature, and whether its verdict follows from its exchanges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.contents import (
    SealedContents,
    changed_members,
    contradictions,
    environment_of,
    name_note,
    noncanonical_members,
)
from kms_conformance.apps.certificate.differences import differences, time_mismatch, unclaimed_failures
from kms_conformance.apps.certificate.manifest import NO_SIGNATURE, OWN_PROFILE
from kms_conformance.apps.certificate.other_release import (
    PartialVerification,
    is_same_release,
    other_code,
    verify_in_part,
)
from kms_conformance.apps.certificate.pack import MANIFEST, STATEMENT, InvalidArchive, read
from kms_conformance.apps.certificate.statement import is_signed_by
from kms_conformance.catalogue.frozen import versions
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.core.text import shortened
from kms_conformance.recording.code_version import command
from kms_conformance.recording.environment import missing_to_draw, missing_to_judge
from kms_conformance.recording.player import RecordingError
from kms_conformance.recording.storage import RunFacts
from kms_conformance.report import files, layout
from kms_conformance.report.files import ReportError
from kms_conformance.target.registry import ways

if TYPE_CHECKING:
    from pathlib import Path

    from securesystemslib.signer import Key

    from kms_conformance.apps.certificate.rejudge import RejudgedRun

# Exceptions that are raised if each member is valid by its schema, but the members together do not describe a run.
_BROKEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# How a note begins that names a signature which was not checked.
CLAIMED = "It claims a signature of the key"
HOLDS, DOES_NOT_HOLD, NOT_HERE = 0, 1, 3
_MOST_SHOWN = 12


@dataclass(frozen=True)
class Verification:
    """Result of verifying one file; the file verifies if there are neither `problems` nor `obstacles`.

    - `problems`: proofs that the file was changed or is wrong, a sentence each.
    - `obstacles`: the reasons why this machine could not judge the file again.
    - `notes`: further sentences for the user, for example on the signature.
    - `claim`: the sentence to print if the file verifies.
    - `mark`: the text before every printed line if the file is not a certificate; else "".
    - `shared`: if other code sealed the file, the parts that this code could and could not judge.
    - `command`: if other code sealed the file, the command that verifies the file with that code.
    """

    path: Path
    problems: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    claim: str = ""
    mark: str = ""
    shared: PartialVerification | None = None
    command: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code: 0 if the file verifies, 1 if it does not verify, 3 if this machine cannot judge it again."""
        return DOES_NOT_HOLD if self.problems else NOT_HERE if self.obstacles else HOLDS

    def __str__(self) -> str:
        if self.problems:
            more = len(self.problems) - _MOST_SHOWN
            shown = [*self.problems[:_MOST_SHOWN], *([f"and {more} more."] if more > 0 else [])]
            lines = [f"{self.path} does not verify.", *(f"  {problem}" for problem in shown)]
        elif self.obstacles:
            lines = [f"{self.path} cannot be judged again here.", *(f"  {obstacle}" for obstacle in self.obstacles)]
            lines += self._in_part()
        else:
            lines = [f"{self.path} verifies: {self.claim}"]
        return "\n".join(f"{self.mark}{line}" for line in (*lines, *self.notes))

    def _in_part(self) -> Iterator[str]:
        if self.shared is not None:
            yield from ("Judged:", *(f"  {line}" for line in self.shared.judged))
            yield from ("Not judged:", *(f"  {line}" for line in self.shared.missing))
            yield "To verify the file with the code that sealed it:"
            yield f"  {self.command}"


def verify_file(path: Path, *, key: Path | None = None) -> Verification:
    """Verify a file that `certify` wrote; `key` names the file of a public key, whose signature is then required.

    Raises `ReportError` if the file or the key cannot be read; all other problems are in the result.
    """
    by = None if key is None else keys.public_key(key)
    try:
        members = read(path)
        return verify_members(path, members, by, key)
    except (InvalidArchive, RecordingError, ReportError) as error:
        if isinstance(error, ReportError) and not path.is_file():
            raise
        return Verification(path, (_sentence(error),))
    except _BROKEN as error:
        return Verification(
            path, (f"Its contents cannot be judged ({type(error).__name__}: {shortened(str(error), 300)}).",)
        )


def verify_members(
    path: Path,
    members: Mapping[str, bytes],
    by: Key | None = None,
    key: Path | None = None,
    *,
    draw_again: bool = True,
) -> Verification:
    """Verify the members of a file (`path` need not exist yet); `by` is the public key read from the file `key`.

    With `draw_again`, generated requests are drawn again and compared with the recorded ones, if this machine has the
    same libraries as the run.
    """
    try:
        return _verified(path, members, by, key, draw_again=draw_again)
    except _BROKEN as error:
        return Verification(
            path, (f"Its contents cannot be judged ({type(error).__name__}: {shortened(str(error), 300)}).",)
        )


def _verified(
    path: Path, members: Mapping[str, bytes], by: Key | None, key: Path | None, *, draw_again: bool
) -> Verification:
    try:
        environment = environment_of(members)
    except (ReportError, ValueError) as error:
        return Verification(path, (_sentence(error),))
    others = other_code(environment)
    try:
        sealed = SealedContents.read(members)
    except (RecordingError, ReportError, ValueError) as error:
        if not others:
            return Verification(path, (_sentence(error),))
        return _unread(path, members, others, _sentence(error))
    problems = list(changed_members(members))
    signers = list(sealed.envelope.signatures)
    if by is not None and not is_signed_by(sealed.envelope, by):
        claimed = f"Claimed signers: {', '.join(signers)}." if signers else "It has no signature."
        problems.append(f"{STATEMENT}: the key in {key} did not sign it. {claimed}")
    notes = [f"It is signed with the key {by.keyid}."] if by is not None and not problems else []
    if by is None:
        notes.append(_unchecked(signers[0]) if signers else NO_SIGNATURE)
    if sealed.verdict.own_profile is not None:
        notes.append(OWN_PROFILE)
    notes += name_note(path, sealed.document)
    so_far = Verification(path, tuple(problems), (), tuple(notes), _claim(sealed), _mark(sealed.document))
    if problems:
        return so_far
    if others:
        return _by_other_code(so_far, sealed, others)
    found, obstacles, further = _judged_again(sealed, draw_again=draw_again)
    return replace(so_far, problems=found, obstacles=obstacles, notes=(*notes, *further))


def _unread(path: Path, members: Mapping[str, bytes], others: tuple[str, ...], why: str) -> Verification:
    """Verify only the digests of a file that this release cannot read; their form is the same in all releases."""
    try:
        problems = tuple(changed_members(members))
    except (ReportError, ValueError, AttributeError, KeyError, TypeError) as error:
        return Verification(path, (_sentence(error),))
    if problems:
        return Verification(path, problems)
    judged = ("Its members are unchanged: all digests match.",)
    shared = PartialVerification(judged, (f"All else: this release cannot read its form. {why}",))
    document = files.parse_json(members[MANIFEST], MANIFEST)
    mark = _mark(document) if {"kind", "result", "partial"} <= document.keys() else "[of another form] "
    return Verification(path, (), others, mark=mark, shared=shared, command=command(environment_of(members), path))


def _judged_again(
    sealed: SealedContents, *, draw_again: bool
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Judge a file that this code sealed; returns (problems, obstacles, notes).

    With `draw_again`, generated requests are drawn again and compared with the recorded ones, if this machine has the
    same libraries as the run.
    """
    found = (*contradictions(sealed), *noncanonical_members(sealed))
    obstacles = () if found else tuple(_obstacles(sealed))
    if found or obstacles:
        return found, obstacles, ()
    to_draw = missing_to_draw(sealed.environment)
    again = _rejudged(sealed, draw_again=draw_again and not to_draw)
    found = (again,) if isinstance(again, str) else tuple(_disagreements(sealed, again))
    needed = missing_to_judge(sealed.environment, drawn=sealed.recording.drawn is not None)
    if found and needed:
        return (), (f"Judging it again needs {', '.join(needed)}. With the installed versions: {found[0]}",), ()
    taken = f"Its generated requests were not drawn again; this needs {', '.join(to_draw)}."
    return found, (), (taken,) if draw_again and to_draw and not found else ()


def _by_other_code(so_far: Verification, sealed: SealedContents, others: tuple[str, ...]) -> Verification:
    """Judge a file that other code sealed; if this code gets another result, say which parts it could judge."""
    environment = sealed.environment
    obstacles = tuple(_obstacles(sealed))
    again: RejudgedRun | str = obstacles[0] if obstacles else _rejudged(sealed, draw_again=False)
    found = [again] if isinstance(again, str) else [*contradictions(sealed), *_disagreements(sealed, again)]
    # A difference in the field `suite` (version and specs) is left out: `others` already names it.
    found = [problem for problem in found if not problem.startswith("suite: ")]
    if not found and is_same_release(environment):
        return replace(so_far, notes=(*so_far.notes, f"{' '.join(others)} This code gets the same result."))
    in_part = verify_in_part(sealed, again, found)
    return replace(so_far, obstacles=others, shared=in_part, command=command(environment, so_far.path))


def _rejudged(sealed: SealedContents, *, draw_again: bool) -> RejudgedRun | str:
    """The results of the suite on the recording, or the reason why it could not be judged."""
    from kms_conformance.apps.certificate.rejudge import rejudge  # noqa: PLC0415 - it loads the whole suite
    from kms_conformance.run.settings import Settings  # noqa: PLC0415 - as above

    environment = sealed.environment
    ledger = sealed.members[layout.LEDGER].decode("utf-8", "replace")
    facts = RunFacts.from_json({name: environment[name] for name in RunFacts.__dataclass_fields__})
    settings = Settings((), None, environment["tier"], environment["seed"], **environment["nights"])
    try:
        return rejudge(sealed.recording, ledger, facts, environment["target"], settings, draw_again=draw_again)
    except (*_BROKEN, OSError, UserMistake) as error:
        return f"Its contents cannot be judged ({type(error).__name__}: {shortened(str(error), 300)})."


def _disagreements(sealed: SealedContents, again: RejudgedRun) -> Iterator[str]:
    if again.problem:
        yield f"{layout.EXCHANGES}: {again.problem}"
        yield from unclaimed_failures(sealed.report, again)
        return
    ledger = sealed.members[layout.LEDGER].decode("utf-8", "replace")
    yield from differences(sealed.report, sealed.environment, again, ledger)
    yield from time_mismatch(sealed.verdict, sealed.recording)


def _obstacles(sealed: SealedContents) -> Iterator[str]:
    environment, verdict = sealed.environment, sealed.verdict
    dialect = environment["target"]["dialect"]
    if dialect not in specs.dialects() or verdict.dialect != dialect:
        # The dialect is checked first, because it becomes a part of paths and the file may be hostile.
        yield f"The dialect {dialect} is unknown to this release, or not that of the verdict."
        return
    way = environment["target"]["auth"]["way"]
    if way not in {kind.way for kind in ways()}:
        yield f"The run signed in with {ascii(way)[:40]}; this installation has no way to sign in of that name."
        return
    if verdict.frozen is not None and verdict.frozen["version"] not in versions(dialect):
        yield f"It was judged by the requirement set {verdict.frozen['version']!a}, which is not one of a release."
    yield from why_not_repeatable(environment)


def why_not_repeatable(environment: Mapping[str, Any]) -> Iterator[str]:
    """The reasons why a run cannot be judged again on any machine, a sentence each."""
    if environment["interrupted"]:
        yield "Its run was ended early, during a check: the remaining requests of this check are not known."
    if not environment["alone"]:
        yield "Another run used the same ledger at the same time: the entries that this run read are not known."
    if "shard" in environment["filters"]:
        yield "It is one shard of a run: its keys and checks depend on the other shards."
    if len(set(environment["checks"])) != len(environment["checks"]):
        yield "One of its checks ran more than once."


def _claim(sealed: SealedContents) -> str:
    document = sealed.document
    exchanges = f"{document['exchanges']} exchanges, judged again"
    own = sealed.verdict.own_profile
    by = "" if own is None else f" by the user's own profile ({sealed.verdict.profile})"
    if document["kind"] == "certificate" and not document["partial"]:
        return f"{document['target']['name']} is conformant{by}. This follows from its {exchanges}."
    return f"its verdict{by} follows from its {exchanges}. It is not a certificate."


def _mark(document: Mapping[str, Any]) -> str:
    words = [f"evidence, {document['result']}"] if document["kind"] == "evidence" else []
    words += [f"partial: {', '.join(document['partial'])}"] if document["partial"] else []
    return f"[{'; '.join(words)}] " if words else ""


def _unchecked(signer: str) -> str:
    return f"{CLAIMED} {signer}; to check it, name the public key with --key FILE."


def _sentence(error: Exception) -> str:
    if isinstance(error, ReportError):
        return f"{error.what} {error.why}".replace("\n", " ")
    text = shortened(str(error))
    return f"{text[:1].upper()}{text[1:]}."
