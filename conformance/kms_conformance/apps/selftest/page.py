"""The power report as a page of the documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kms_conformance.apps.selftest.power import Power, Score, percent
from kms_conformance.apps.selftest.trial import COMPOUND, Trial


def page(power: Power) -> str:
    """The report in Markdown; the same report gives the same page."""
    return "\n".join(_lines(power)) + "\n"


def _lines(power: Power) -> Iterator[str]:
    origin = power.origin
    yield "# Measured power"
    yield ""
    yield "What the suite catches, and whom it accuses, measured on itself. This page is written by a command:"
    yield ""
    yield f"    {origin.command}"
    yield ""
    scope = "everything" if origin.complete else "a sample"
    several = (
        "what went wrong or was missing at one tried again at the next: commits" if "," in origin.commit else "commit"
    )
    commit = f", {several} `{origin.commit}`" if origin.commit else ""
    yield f"Made on {origin.date}, version {origin.version}{commit}, {scope}, seed {origin.seed}."
    yield ""
    yield "A fault is a deliberate deviation of the built-in emulator. It is *killed* when the suite reports it, and"
    yield "for the *right reason* if at most five requirements are accused, one of them named by the fault's row."
    yield ""
    yield from _faults(power)
    yield from _finding(power)
    yield from _others(power)
    yield from _wrong(power)


def _faults(power: Power) -> Iterator[str]:
    yield "## Faults"
    yield ""
    yield from _table(
        ("dialect", "severity", "faults", "killed", "right reason", "killed at smoke"),
        (
            (dialect, severity or "all", *_cells(power.faults(dialect, severity)))
            for dialect in power.dialects
            for severity in ("critical", "major", "minor", "")
            if power.faults(dialect, severity).faults
        ),
    )
    yield "By class, over all dialects:"
    yield ""
    yield from _table(
        ("class", "faults", "killed", "right reason", "killed at smoke"),
        ((group, *_cells(power.faults(group=group))) for group in power.groups),
    )


def _cells(score: Score) -> tuple[str, ...]:
    return (str(score.faults), *(_share(n, score.faults) for n in (score.killed, score.right, score.at_smoke)))


def _share(count: int, whole: int) -> str:
    return f"{count} ({percent(count, whole):.1f} %)" if count != whole else f"{count} (100 %)"


def _finding(power: Power) -> Iterator[str]:
    families = power.families()
    if not families:
        return
    seconds, requests = power.first_report()
    yield "## Speed of finding"
    yield ""
    yield f"Half of the faults are reported within {seconds:.2f} s of checking and {requests:.0f} requests of a run."
    yield "The families of checks by the number of faults that each was the first to report:"
    yield ""
    yield from _table(("family", "first to report"), ((name, str(count)) for name, count in families.items()))


def _others(power: Power) -> Iterator[str]:
    variants, nulls = power.of("variant"), power.of("null")
    yield "## Right endpoints, and no endpoints"
    yield ""
    alone = {trial.subject.name for trial in variants if trial.subject.group != COMPOUND}
    together = Counter((trial.subject.dialect, trial.tier) for trial in variants if trial.subject.group == COMPOUND)
    yield f"- {len(alone)} conforming variants alone, in {sum(t.subject.group != COMPOUND for t in variants)} runs:"
    yield f"  {_accused(t for t in variants if t.subject.group != COMPOUND)}."
    for (dialect, tier), count in sorted(together.items()):
        drawn = [t for t in variants if (t.subject.dialect, t.tier, t.subject.group) == (dialect, tier, COMPOUND)]
        yield f"- {dialect}, {tier}: {count} seeded runs, each at an endpoint that conforms in several ways at once:"
        yield f"  {_accused(drawn)}."
    wrong = sum(bool(trial.problem) for trial in nulls)
    slowest = max((trial.seconds for trial in nulls), default=0.0)
    yield f"- {len(nulls)} runs at endpoints that are no KMS: {wrong} in which a MUST passed, or that did not end well;"
    yield f"  the longest took {slowest:.1f} s."
    yield ""


def _accused(trials: Iterable[Trial]) -> str:
    counted = list(trials)
    return f"{sum(trial.killed for trial in counted)} accused, {sum(bool(t.problem) for t in counted)} not conformant"


def _wrong(power: Power) -> Iterator[str]:
    yield "## What does not hold"
    yield ""
    if not power.wrong:
        yield "Nothing: every trial went as it should."
        return
    for trial in power.wrong:
        yield f"- {trial.title}: {trial.problem}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
