"""Words and sentences for results, shared by page, terminal, statement and certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any

from kms_conformance.core.text import counted
from kms_conformance.verdict.decide import is_waiting
from kms_conformance.verdict.model import RequirementResult, RequirementVerdict, Result, Verdict

# The number of observations that the sentence names; verdict.json has all.
_MOST_OBSERVED = 3

VERDICT_WORDS: Mapping[RequirementResult, str] = {
    "failed": "failed",
    "inconclusive": "inconclusive",
    "not_tested": "not tested",
    "waived": "waived",
    "passed": "passed",
    "not_applicable": "not applicable",
}

# The signs that stand for results in plain text.
RESULT_SIGNS: Mapping[Result, str] = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?"}


def open_reason(entry: RequirementVerdict) -> str:
    """Why a requirement could not be judged. If no reason is stored, its check ended early after another failure."""
    return entry.reason.strip() or "Not judged: the check ended early, after another requirement failed."


def sentence(verdict: Verdict) -> str:
    """An explanation of the result, in one or more sentences."""
    counts = verdict.counts()
    must, should = counts["MUST"], counts["SHOULD"]
    applicable = sum(must.values()) - must["not_applicable"]
    failed, waived = must["failed"], must["waived"]
    unclear = must["inconclusive"] + must["not_tested"]
    parts = []
    if failed:
        parts.append(f"{_of(failed, applicable)} {'does' if failed == 1 else 'do'} not hold.")
    if unclear and unclear == applicable:
        parts.append("No MUST requirement could be judged.")
    elif unclear:
        begin = "No MUST requirement failed, but " if not failed else ""
        parts.append(f"{begin}{_of(unclear, applicable)} could not be judged.")
    if not failed and not unclear and verdict.result == "conformant":
        held = "hold" if not waived else f"hold, except for {counted(waived, 'failure')} accepted by a waiver"
        parts.append(f"All {applicable} MUST requirements that apply {held}.")
    if should["failed"]:
        parts.append(f"{counted(should['failed'], 'SHOULD requirement')} failed; this does not change the result.")
    if is_waiting(verdict):
        until = verdict.waiting_until
        parts.append(
            f"Nothing failed. The open requirements wait for the deletion date of a planted key, {until}."
            if until
            else "Nothing failed. The planted key is as expected; this run checked nothing else."
        )
    parts += _unearned(verdict)
    parts += [_frozen(verdict)] if verdict.frozen else []
    parts += [_own(verdict.own_profile)] if verdict.own_profile is not None else []
    parts += [_observed(verdict)] if verdict.observations else []
    return " ".join(parts)


def _own(profile: Mapping[str, Any]) -> str:
    return (
        f"It was judged by the user's own profile {profile['name']}. "
        "Answers that only this profile accepts are its author's claim."
    )


def _unearned(verdict: Verdict) -> Iterator[str]:
    """Reasons other than requirements for which a run is not conformant."""
    if verdict.unfinished:
        checks = counted(len(verdict.unfinished), "planned check")
        yield f"{checks} did not run to the end; a conformant run needs {_them(verdict.unfinished)}."
    if verdict.filters:
        options = ", ".join(f"{name}: {value}" for name, value in verdict.filters.items())
        yield f"Options left checks out ({options})."
    if verdict.keys_left:
        keys = counted(len(verdict.keys_left), "key")
        yield f"{keys} of this suite not confirmed as scheduled for deletion: {', '.join(verdict.keys_left)}."


def _them(things: Sized) -> str:
    return "it" if len(things) == 1 else "them"


def not_run_because(verdict: Verdict) -> Mapping[str, tuple[str, ...]]:
    """The checks that did not run to their end, by reason."""
    found: dict[str, tuple[str, ...]] = {}
    for each in verdict.unfinished:
        found[each.why] = (*found.get(each.why, ()), each.check)
    return found


def _observed(verdict: Verdict) -> str:
    """A sentence about observations that do not change the result, the most frequent first."""
    seen = sorted(verdict.observations.items(), key=lambda found: (-found[1], found[0]))
    shown = "; ".join(f"{what} ({count})" for what, count in seen[:_MOST_OBSERVED])
    more = len(seen) - _MOST_OBSERVED
    return f"Observed, without effect on the result: {shown}{f'; and {more} more' if more > 0 else ''}."


def _frozen(verdict: Verdict) -> str:
    """Sentences about the release whose requirements decided the result, and its differences to this version."""
    assert verdict.frozen is not None
    newer = [entry for entry in verdict.requirements if not entry.decides]
    failing = sum(entry.verdict == "failed" for entry in newer)
    parts = [f"Decided by the requirements of release {verdict.frozen['version']}, as judged by this version."]
    if newer:
        fail = f" ({failing} failed)" if failing else ""
        parts.append(f"{counted(len(newer), 'newer requirement')}{fail} did not count.")
    for name, one, several in (
        ("removed", "no longer exists", "no longer exist"),
        ("changed", "has changed since", "have changed since"),
    ):
        found = verdict.frozen[name]
        if found:
            change = one if len(found) == 1 else several
            parts.append(f"{counted(len(found), 'requirement')} of that release {change}: {', '.join(found)}.")
    return " ".join(parts)


def _of(number: int, total: int) -> str:
    return f"{number} of {total} MUST requirements that apply"
