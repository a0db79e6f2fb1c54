"""The words for results, the same on the page, on the terminal and on the certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any

from kms_conformance.core.text import counted
from kms_conformance.verdict.decide import is_waiting
from kms_conformance.verdict.model import RequirementResult, RequirementVerdict, Result, Verdict

# A sentence, not a list: the rest stands in verdict.json.
_MOST_OBSERVED = 3

VERDICT_WORDS: Mapping[RequirementResult, str] = {
    "failed": "failed",
    "inconclusive": "inconclusive",
    "not_tested": "not tested",
    "waived": "waived",
    "passed": "passed",
    "not_applicable": "not applicable",
}

# Beside the word, where there is no picture.
RESULT_SIGNS: Mapping[Result, str] = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?"}


def open_reason(entry: RequirementVerdict) -> str:
    """Why a requirement could not be judged; a check that fails leaves what it had not come to without a reason."""
    return entry.reason.strip() or "The check that judges them ended early: something else failed there."


def sentence(verdict: Verdict) -> str:
    """What the result means, in one or two sentences."""
    counts = verdict.counts()
    must, should = counts["MUST"], counts["SHOULD"]
    applicable = sum(must.values()) - must["not_applicable"]
    failed, waived = must["failed"], must["waived"]
    unclear = must["inconclusive"] + must["not_tested"]
    parts = []
    if failed:
        parts.append(f"{_of(failed, applicable)} {'does' if failed == 1 else 'do'} not hold.")
    if unclear and unclear == applicable:
        parts.append("No MUST requirement could be judged, so nothing follows for the target.")
    elif unclear:
        begin = "No MUST requirement failed, but " if not failed else ""
        parts.append(f"{begin}{_of(unclear, applicable)} could not be judged.")
    if not failed and not unclear and verdict.result == "conformant":
        held = "hold" if not waived else f"hold, but for {counted(waived, 'failure')} that a waiver accepts"
        parts.append(f"All {applicable} MUST requirements that apply {held}.")
    if should["failed"]:
        those = "it is" if should["failed"] == 1 else "they are"
        parts.append(f"{counted(should['failed'], 'SHOULD requirement')} failed; {those} shown and do not decide.")
    if is_waiting(verdict):
        until = verdict.waiting_until
        parts.append(
            f"Nothing is wrong: what is open waits for a planted key, until {until}."
            if until
            else "Nothing is wrong with the planted key; this run asked nothing else."
        )
    parts += _unearned(verdict)
    parts += [_frozen(verdict)] if verdict.frozen else []
    parts += [_own(verdict.own_profile)] if verdict.own_profile is not None else []
    parts += [_observed(verdict)] if verdict.observations else []
    return " ".join(parts).replace("it is shown and do not", "it is shown and does not")


def _own(profile: Mapping[str, Any]) -> str:
    return (
        f"It was judged by the user's own profile {profile['name']}. "
        "Answers that only this profile accepts are its author's claim."
    )


def _unearned(verdict: Verdict) -> Iterator[str]:
    """What keeps a run from being conformant, whatever its requirements say."""
    if verdict.unfinished:
        told = counted(len(verdict.unfinished), "check of the plan", "checks of the plan")
        yield f"{told} did not run to the end; without {_them(verdict.unfinished)} no run is conformant."
    if verdict.filters:
        said = ", ".join(f"{name}: {value}" for name, value in verdict.filters.items())
        yield f"pytest was told to confine the run ({said})."
    if verdict.keys_left:
        told = counted(len(verdict.keys_left), "key of ours", "keys of ours")
        yield f"{told} may be left and not be scheduled for deletion: {', '.join(verdict.keys_left)}."


def _them(things: Sized) -> str:
    return "it" if len(things) == 1 else "them"


def not_run_because(verdict: Verdict) -> Mapping[str, tuple[str, ...]]:
    """The checks that did not run to their end, by the reason."""
    found: dict[str, tuple[str, ...]] = {}
    for each in verdict.unfinished:
        found[each.why] = (*found.get(each.why, ()), each.check)
    return found


def _observed(verdict: Verdict) -> str:
    """What was seen and decides nothing, most often seen first."""
    seen = sorted(verdict.observations.items(), key=lambda found: (-found[1], found[0]))
    shown = "; ".join(f"{what} ({count})" for what, count in seen[:_MOST_OBSERVED])
    more = len(seen) - _MOST_OBSERVED
    return f"Seen, and deciding nothing: {shown}{f'; and {more} more' if more > 0 else ''}."


def _frozen(verdict: Verdict) -> str:
    """By which requirements the result was decided, and what that leaves out."""
    assert verdict.frozen is not None
    newer = [entry for entry in verdict.requirements if not entry.decides]
    failing = sum(entry.verdict == "failed" for entry in newer)
    parts = [f"Decided by the requirements of release {verdict.frozen['version']}, judged as this version judges them."]
    if newer:
        fail = f", {failing} of which failed" if failing else ""
        parts.append(f"{counted(len(newer), 'newer requirement')}{fail}, decided nothing.")
    for name, one, several in (
        ("removed", "is no longer there to be judged", "are no longer there to be judged"),
        ("changed", "demands something else today", "demand something else today"),
    ):
        found = verdict.frozen[name]
        if found:
            what = one if len(found) == 1 else several
            parts.append(f"{counted(len(found), 'requirement')} of that release {what}: {', '.join(found)}.")
    return " ".join(parts)


def _of(number: int, total: int) -> str:
    return f"{number} of {total} MUST requirements that apply"
