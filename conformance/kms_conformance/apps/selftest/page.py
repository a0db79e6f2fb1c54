"""The power report as a Markdown page of the documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kms_conformance.apps.selftest.generated.draw import composed
from kms_conformance.apps.selftest.power import Power, Score, percent
from kms_conformance.apps.selftest.trial import COMPOUND, LAGGING, PAIR_LAG, Trial


def page(power: Power) -> str:
    """The report in Markdown; equal reports give equal pages."""
    return "\n".join(_lines(power)) + "\n"


def _lines(power: Power) -> Iterator[str]:
    origin = power.origin
    yield "# Measured power"
    yield ""
    yield "The share of deliberate faults that the suite detects, and its false alarms. This command writes the page:"
    yield ""
    yield f"    {origin.command}"
    yield ""
    scope = "all trials" if origin.complete else "a sample"
    several = "commits (failed and missing trials of one commit repeated at the next)"
    label = several if "," in origin.commit else "commit"
    commit = f", {label} `{origin.commit}`" if origin.commit else ""
    yield f"Made on {origin.date}, version {origin.version}{commit}, {scope}, seed {origin.seed}."
    yield ""
    yield "A fault is a deliberate deviation of the built-in emulator. A fault is *detected* if any requirement fails,"
    yield "and *detected as expected* if at most five requirements fail, one of them expected for this fault."
    yield ""
    yield from _faults(power)
    yield from _pairs(power)
    yield from _generated(power)
    yield from _finding(power)
    yield from _others(power)
    yield from _wrong(power)


def _faults(power: Power) -> Iterator[str]:
    yield "## Faults"
    yield ""
    yield from _table(
        ("dialect", "severity", "faults", "detected", "as expected", "detected at smoke"),
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
        ("class", "faults", "detected", "as expected", "detected at smoke"),
        ((group, *_cells(power.faults(group=group))) for group in power.groups),
    )


def _pairs(power: Power) -> Iterator[str]:
    if not power.of("pair"):
        return
    yield "## Faults of lagging emulators"
    yield ""
    yield "A pair is a fault, drawn by the seed, of an emulator whose reads or uses of keys also follow a change only"
    yield f"after {PAIR_LAG:g} s. It is *detected as expected* if a requirement that is expected for this fault"
    yield "fails, and at most five others."
    yield ""
    yield from _table(
        ("dialect", "pairs", "detected", "as expected", "detected at smoke"),
        ((dialect, *_cells(power.faults(dialect, kind="pair"))) for dialect in power.dialects),
    )
    yield "By lag model, over all dialects:"
    yield ""
    yield from _table(
        ("model", "pairs", "detected", "as expected", "detected at smoke"),
        ((model, *_cells(power.faults(group=model, kind="pair"))) for model in power.models),
    )


def _generated(power: Power) -> Iterator[str]:
    trials = power.of("generated")
    if not trials:
        return
    yield "## Generated faults"
    yield ""
    yield "A generated fault is composed from the facts of a profile and drawn by the seed; nobody wrote it. It names"
    yield "no requirement: it is detected if any fails. One that is not detected at smoke is tried at standard."
    yield "A fault *in a situation* shows only then, such as from the third time on, or on the last day of a waiting"
    yield "period."
    yield ""
    yield from _table(
        ("dialect", "composed", "tried", "detected at smoke", "detected"),
        (
            (dialect, str(len(composed(dialect).rows)), *_generated_cells(power.faults(dialect, kind="generated")))
            for dialect in power.dialects
            if power.faults(dialect, kind="generated").faults
        ),
    )
    yield "By operator, over all dialects:"
    yield ""
    yield from _table(
        ("operator", "tried", "detected at smoke", "detected"),
        (
            (group, *_generated_cells(power.faults(group=group, kind="generated")))
            for group in sorted({trial.subject.group for trial in trials})
        ),
    )
    yield "Combinations that are no fault, or the same fault as another one, are left out by a computed reason:"
    yield ""
    yield from _table(
        ("dialect", "reason", "left out"),
        ((d, reason, str(n)) for d in power.dialects for reason, n in composed(d).reasons().items()),
    )


def _generated_cells(score: Score) -> tuple[str, ...]:
    return str(score.faults), _share(score.at_smoke, score.faults), _share(score.killed, score.faults)


def _cells(score: Score) -> tuple[str, ...]:
    return (str(score.faults), *(_share(n, score.faults) for n in (score.killed, score.right, score.at_smoke)))


def _share(count: int, whole: int) -> str:
    return f"{count} ({percent(count, whole):.1f} %)" if count != whole else f"{count} (100 %)"


def _finding(power: Power) -> Iterator[str]:
    families = power.families()
    if not families:
        return
    seconds, requests = power.first_report()
    yield "## Time to detection"
    yield ""
    yield f"Half of the faults are detected within {seconds:.2f} s of checking and {requests:.0f} requests of a run."
    yield "The check families by the number of faults that each was the first to detect:"
    yield ""
    yield from _table(("family", "first to detect"), ((name, str(count)) for name, count in families.items()))


def _others(power: Power) -> Iterator[str]:
    variants, nulls = power.of("variant"), power.of("null")
    yield "## Conforming variants and endpoints that are no KMS"
    yield ""
    single = [trial for trial in variants if trial.subject.group not in {COMPOUND, LAGGING}]
    lagging = [trial for trial in variants if trial.subject.group == LAGGING]
    together = Counter((trial.subject.dialect, trial.tier) for trial in variants if trial.subject.group == COMPOUND)
    yield f"- {_names(single)} single conforming variants, in {len(single)} runs:"
    yield f"  {_summary(single)}."
    yield f"- {_names(lagging)} variants that lag for less than the settle time of their profile,"
    yield f"  in {len(lagging)} runs: {_summary(lagging)}."
    for (dialect, tier), count in sorted(together.items()):
        drawn = [t for t in variants if (t.subject.dialect, t.tier, t.subject.group) == (dialect, tier, COMPOUND)]
        yield f"- {dialect}, {tier}: {count} seeded runs, each with a random combination of conforming variants:"
        yield f"  {_summary(drawn)}."
    wrong = sum(bool(trial.problem) for trial in nulls)
    slowest = max((trial.seconds for trial in nulls), default=0.0)
    yield f"- {len(nulls)} runs against endpoints that are no KMS: {wrong} with a passed MUST or another problem;"
    yield f"  the longest took {slowest:.1f} s."
    yield ""


def _names(trials: Iterable[Trial]) -> int:
    return len({trial.subject.name for trial in trials})


def _summary(trials: Iterable[Trial]) -> str:
    counted = list(trials)
    failed, wrong = sum(trial.killed for trial in counted), sum(bool(trial.problem) for trial in counted)
    return f"{failed} with a failed requirement, {wrong} not conformant"


def _wrong(power: Power) -> Iterator[str]:
    yield "## Trials with an unexpected result"
    yield ""
    if not power.wrong:
        yield "None: every trial had the expected result."
        return
    for trial in power.wrong:
        yield f"- {trial.title}: {trial.problem}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
