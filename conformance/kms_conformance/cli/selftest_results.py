"""The results of `selftest` on the terminal: figures of written, blind and generated faults, a table of own ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from kms_conformance.apps.selftest.blind.first_look import first_look, rate_of
from kms_conformance.apps.selftest.blind.sets import BLIND_SETS
from kms_conformance.apps.selftest.generated.draw import composed
from kms_conformance.apps.selftest.power import Power, percent
from kms_conformance.apps.selftest.trial import Trial
from kms_conformance.core.text import counted
from kms_conformance.report.text.screen import Screen

# How many failed requirements a row of the table names.
_MOST_NAMED = 4


def show_power(power: Power, screen: Screen) -> None:
    """The figures of the written faults, variants and null targets, and the promises that do not hold."""
    for dialect in power.dialects:
        every, critical = power.faults(dialect), power.faults(dialect, "critical")
        screen.write_line(
            f"{dialect}: {every.killed} of {every.faults} faults detected, {every.right} with the expected requirement "
            f"named; {critical.killed} of {critical.faults} critical faults, "
            f"{percent(critical.at_smoke, critical.faults):.0f} % of them at smoke"
        )
        pairs = power.faults(dialect, kind="pair")
        if pairs.faults:
            screen.write_line(f"{dialect}: {pairs.killed} of {pairs.faults} faults of lagging emulators detected")
    variants, nulls = power.of("variant"), power.of("null")
    screen.write_line(f"variants: {sum(bool(t.problem) for t in variants)} of {len(variants)} runs not conformant")
    screen.write_line(
        f"not a KMS: {sum(bool(t.problem) for t in nulls)} of {len(nulls)} runs with an unexpected verdict"
    )
    if power.of("generated"):
        show_generated(power, screen)
    broken = power.broken_promises()
    for promise in broken:
        screen.write_line(f"does not hold: {promise}")
    if not broken:
        screen.write_line("All promised figures hold.")


def show_generated(power: Power, screen: Screen) -> None:
    """The shares of the generated faults that are detected, and what was left out of the composition, by reason."""
    for dialect in power.dialects:
        score = power.faults(dialect, kind="generated")
        if not score.faults:
            continue
        found = composed(dialect)
        screen.write_line(
            f"{dialect}: {score.killed} of {score.faults} generated faults detected, {score.at_smoke} of them at "
            f"smoke; {len(found.rows)} are composed"
        )
        for reason, count in found.reasons().items():
            screen.write_line(f"  {count} combinations left out: {reason}")


def show_unpromised(chosen: str, power: Power, screen: Screen) -> None:
    """The figures of the blind or of the generated faults, for which no minimum is promised."""
    if chosen == "blind":
        show_blind(power.trials, screen)
    else:
        show_generated(power, screen)


def show_blind(trials: Sequence[Trial], screen: Screen) -> None:
    """The rates of the blind sets beside their first ones."""
    for dialect, of in product(sorted({trial.subject.dialect for trial in trials}), BLIND_SETS):
        here = [trial for trial in trials if trial.subject.dialect == dialect and of.has(trial.subject.name)]
        faults = rate_of(trial.killed for trial in here if trial.subject.kind == "fault")
        variants = rate_of(not trial.problem for trial in here if trial.subject.kind == "variant")
        for now, then, told in (
            (faults, first_look("faults", of.name).rate(dialect), "faults written blind detected"),
            (variants, first_look("variants", of.name).rate(dialect), "variants written blind left alone"),
        ):
            if now[1]:
                line = f"{dialect}: {now[0]} of {now[1]} {told}; at first look {then[0]} of {then[1]}"
                screen.write_line(f"{line} ({of.name} set, {of.date})")


def show_own(trials: Sequence[Trial], screen: Screen) -> None:
    """A table of the faults and variants of a user's file, one row a run, and how many had the expected result."""
    head = ("name", "dialect", "tier", "result", "failed requirements")
    ordered = sorted(trials, key=lambda trial: (trial.subject.kind, trial.subject.name, trial.subject.dialect))
    rows = [head, *(_row(trial) for trial in ordered)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    for row in rows:
        cells = (*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1])
        screen.write_line("  ".join(cells).rstrip())
    fine = sum(not trial.problem for trial in trials)
    screen.write_line(f"{fine} of {counted(len(trials), 'run')} with the expected result")


def _row(trial: Trial) -> tuple[str, ...]:
    more = len(trial.accused) - _MOST_NAMED
    named = ", ".join(trial.accused[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return trial.subject.name, trial.subject.dialect, trial.tier, _result(trial), named or "none"


def _result(trial: Trial) -> str:
    if trial.exit_code < 0:
        return "could not be tried"
    if trial.subject.kind == "variant":
        return "accused" if trial.problem else "left alone"
    if not trial.problem:
        return "detected"
    return "wrong requirement" if trial.accused else "survived"
