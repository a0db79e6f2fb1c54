"""Verification of files that other code sealed: the parts that this release can judge, and the parts it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance import __version__
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.recording.code_version import digest
from kms_conformance.report import layout
from kms_conformance.verdict.decide import specs_digest

if TYPE_CHECKING:
    from kms_conformance.apps.certificate.contents import SealedContents
    from kms_conformance.apps.certificate.rejudge import RejudgedRun

_MOST_NAMED = 5


@dataclass(frozen=True)
class PartialVerification:
    """The parts of a file that this code could judge, and the parts that it could not judge, a sentence each."""

    judged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def other_code(environment: dict[str, Any]) -> tuple[str, ...]:
    """The differences between the sealing code and this code, a sentence each; empty if they are the same."""
    return tuple(_differences(environment))


def is_same_release(environment: dict[str, Any]) -> bool:
    """Whether the sealing code had the version and the specs of this release; its source code may still differ."""
    suite, dialect = environment["suite"], environment["target"]["dialect"]
    known = dialect in specs.dialects() and suite["specs_digest"] == specs_digest(dialect)
    return known and bool(suite["version"] == __version__)


def _differences(environment: dict[str, Any]) -> Iterator[str]:
    suite, dialect = environment["suite"], environment["target"]["dialect"]
    code = environment.get("code", {})
    if suite["version"] != __version__:
        yield f"It was sealed by kms-conformance {suite['version']}; this is {__version__}."
    elif code.get("digest") != digest():
        commit = f" (commit {code['commit']})" if code.get("commit") else ""
        yield f"It was sealed by other code{commit} with the same version, kms-conformance {__version__}."
    if dialect not in specs.dialects():
        yield f"This release does not know the dialect {dialect}."
    elif suite["specs_digest"] != specs_digest(dialect):
        yield f"It was sealed with other specs of the dialect {dialect} than those here: {suite['specs_digest']}."


def verify_in_part(sealed: SealedContents, again: RejudgedRun | str, found: list[str]) -> PartialVerification:
    """The parts of a file from other code that this code can judge.

    - `again`: the run as this code judged it, or the reason why it could not.
    - `found`: the differences between the claimed results and those of this code.
    """
    judged = ["Its members are unchanged: all digests match."]
    missing = ["Whether its verdict follows by its own release: by this one it does."]
    if found:
        missing = [f"Whether its verdict follows from all its exchanges: {_lower(found[0])}"]
    judged += _replies(sealed)
    if isinstance(again, str):
        missing = [f"Whether its verdict follows from its exchanges: {_lower(again)}"]
    else:
        judged += _checks(sealed, again)
    return PartialVerification(tuple(judged), tuple(missing))


def _replies(sealed: SealedContents) -> Iterator[str]:
    from kms_conformance.apps.certificate.single_replies import judge_replies  # noqa: PLC0415 - it loads the whole suite

    if sealed.environment["target"]["dialect"] not in specs.dialects():
        return
    try:
        found = judge_replies(sealed.recording, sealed.environment["target"])
    except (LookupError, TypeError, ValueError, OSError, UserMistake):
        return
    claimed = {failure.requirement for check in sealed.report.checks for failure in check.failures}
    known = [name for name in found.broken if name in claimed]
    new = [name for name in found.broken if name not in claimed]
    outcome = "all conform to the documents as this release reads them"
    if new:
        outcome = f"some break {_named(new)}, which the file does not claim"
    elif known:
        outcome = f"they break only requirements that the file also claims as broken ({_named(known)})"
    yield f"{found.replies} replies, each judged alone: {outcome}."


def _checks(sealed: SealedContents, again: RejudgedRun) -> Iterator[str]:
    """A sentence on the checks that were judged again before the requests deviated from the recording."""
    claimed = {check.check: check for check in sealed.report.checks}
    ended = [result for result in again.results if result.outcome != "inconclusive" and result.check in claimed]
    if not ended:
        return
    equal_unless_redacted = [
        result
        for result in ended
        if {failure.requirement for failure in result.failures}
        == {failure.requirement for failure in claimed[result.check].failures}
    ]
    others = [result.check for result in ended if result not in equal_unless_redacted]
    outcome = f"with other failures in {_named(others)}" if others else "with exactly the failures that the file claims"
    place = f"up to exchange {again.exchanges} of {len(sealed.recording.exchanges)}"
    yield f"{len(ended)} of {len(claimed)} checks, {place}: {outcome}."


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _lower(sentence: str) -> str:
    return sentence if sentence.startswith(layout.EXCHANGES) else sentence[:1].lower() + sentence[1:]
