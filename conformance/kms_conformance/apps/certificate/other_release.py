"""What this release can say of a file that other code sealed: what both have in common, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance import __version__
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.recording.release import digest
from kms_conformance.report import layout
from kms_conformance.verdict.decide import specs_digest

if TYPE_CHECKING:
    from kms_conformance.apps.certificate.contents import Sealed
    from kms_conformance.apps.certificate.rejudge import Rejudged

_MOST_NAMED = 5


@dataclass(frozen=True)
class Shared:
    """What could be judged, and what could not, a sentence each."""

    judged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def other_code(environment: dict[str, Any]) -> tuple[str, ...]:
    """In what the code that sealed a file is not this one; empty if it is."""
    return tuple(_differences(environment))


def is_same_release(environment: dict[str, Any]) -> bool:
    """Whether it calls itself by this version and has these specs: then only its code may be another."""
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
        yield f"It was sealed by other code{commit} that calls itself kms-conformance {__version__} as well."
    if dialect not in specs.dialects():
        yield f"This release does not know the dialect {dialect}."
    elif suite["specs_digest"] != specs_digest(dialect):
        yield f"It rests on other specs of the dialect {dialect} than this release has: {suite['specs_digest']}."


def shared(sealed: Sealed, again: Rejudged | str, found: list[str]) -> Shared:
    """What could be judged although other code sealed it; `found` is where the suite here comes to something else."""
    judged = ["Its members are those that were sealed: all digests agree."]
    missing = ["Whether its verdict follows by its own release: by this one it does."]
    if found:
        missing = [f"Whether its verdict follows from all its exchanges: {_lower(found[0])}"]
    judged += _replies(sealed)
    if isinstance(again, str):
        missing = [f"Whether its verdict follows from its exchanges: {_lower(again)}"]
    else:
        judged += _checks(sealed, again)
    return Shared(tuple(judged), tuple(missing))


def _replies(sealed: Sealed) -> Iterator[str]:
    from kms_conformance.apps.certificate.single_replies import judge_singly  # noqa: PLC0415 - it loads the whole suite

    if sealed.environment["target"]["dialect"] not in specs.dialects():
        return
    try:
        found = judge_singly(sealed.tape, sealed.environment["target"])
    except (LookupError, TypeError, ValueError, OSError, UserMistake):
        return
    said = {failure.requirement for check in sealed.report.checks for failure in check.failures}
    known = [name for name in found.broken if name in said]
    new = [name for name in found.broken if name not in said]
    outcome = "all keep to the documents as this release reads them"
    if new:
        outcome = f"some break {_named(new)}, which the file does not say"
    elif known:
        outcome = f"what they break, the file says as well ({_named(known)})"
    yield f"{found.replies} replies, each by itself: {outcome}."


def _checks(sealed: Sealed, again: Rejudged) -> Iterator[str]:
    """How far the suite here asks what was asked: the checks until there were judged again."""
    claimed = {check.check: check for check in sealed.report.checks}
    ended = [result for result in again.results if result.outcome != "inconclusive" and result.check in claimed]
    if not ended:
        return
    alike = [
        result
        for result in ended
        if {failure.requirement for failure in result.failures}
        == {failure.requirement for failure in claimed[result.check].failures}
    ]
    others = [result.check for result in ended if result not in alike]
    outcome = (
        f"with other failures in {_named(others)}" if others else "with the failures that it tells of, and no others"
    )
    place = f"up to exchange {again.exchanges} of {len(sealed.tape.lines)}"
    yield f"{len(ended)} of {len(claimed)} checks, {place}: {outcome}."


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _lower(sentence: str) -> str:
    return sentence if sentence.startswith(layout.EXCHANGES) else sentence[:1].lower() + sentence[1:]
