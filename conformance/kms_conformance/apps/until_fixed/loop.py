"""The loop of `run --until-fixed`: the whole run, rounds that ask what is red, and the whole run once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kms_conformance.apps.until_fixed.restart import Restarts
from kms_conformance.apps.until_fixed.rounds import RedSet, RoundCounts, names, open_lines, round_lines, where
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.text import counted, say
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report
from kms_conformance.run.first_checks import FirstChecks

# The folder of the last round, in the reports folder of the whole run.
ROUND = "round"
# The exit code after Ctrl-C where no signal handler can be installed.
_CTRL_C = 130
# The exit codes of a run that has a verdict, unless a signal or a mistake of the user decides.
_RESULTS = (0, 1, 3, 4)
_LIMITS = "limits.max_keys and limits.requests_per_second hold for each run."


@dataclass
class Loop:
    """One loop.

    - `directory`: the reports folder of the whole runs; that of the last round lies in it.
    - `first`: the checks that the first run asks first.
    - `run`: makes one run with the checks that come first, into a reports folder; returns its exit code. A round has
      the seed of the run before, so that generated requests come again; a whole run has that of the user, if any.
    - `restarts`: makes what waits for the servers.
    """

    directory: Path
    first: FirstChecks
    run: Callable[[FirstChecks, Path, int | None], int]
    restarts: Callable[[], Restarts]
    total: RoundCounts = field(default_factory=RoundCounts)

    def main(self) -> int:
        """Run until a whole run leaves nothing red; returns the exit code of the last whole run, or that of a signal.

        If the first run is confined to what failed before, the rounds begin with its results.
        """
        # Each run handles signals by itself, and gives back this handler, which ends the loop.
        interrupts = Interrupts(once=False)
        interrupts.watch()
        try:
            return self._loop()
        except KeyboardInterrupt:
            self._say_end()
            return interrupts.exit_code or _CTRL_C
        finally:
            interrupts.restore()

    def _loop(self) -> int:
        code, report = self._ask(self.first, self.directory)
        if report is None:
            return code
        while True:
            if self.first.only:
                # The first run was a round: a whole one follows as soon as it leaves nothing red.
                self.first = FirstChecks()
            elif not RedSet.of(report).requirements:
                return code
            ended = self._rounds(report)
            if ended is not None:
                return ended
            say(f"all green: the whole run follows ({_LIMITS})")
            code, again = self._ask(FirstChecks(), self.directory)
            if again is None:
                return code
            report = again

    def _rounds(self, report: Report) -> int | None:
        """Ask what is red after each restart until it is green; returns an exit code if the loop ends before."""
        red, source, number = RedSet.of(report), self.directory, 0
        while red.requirements:
            if not red.askable:
                say(f"No check can be asked again for {names(red.requirements)}: see {where(self.directory)}")
                return report.exit_code
            # What listens now is remembered before the user is told, so that no restart is missed.
            restarts = self.restarts()
            say(
                f"{red}\n"
                "Repair and restart the server: this is asked again when it is back (Enter: ask now; Ctrl-C: end)."
            )
            restarts.wait()
            number += 1
            asked = FirstChecks.of_report(report, source, only=True, brief=True)
            folder = self.directory / ROUND
            code, again = self._ask(asked, folder, report.run.seed)
            if again is None:
                return code
            before, red = red, RedSet.of(again)
            for line in round_lines(number, before, red, RoundCounts.of(again), self.total):
                say(line)
            for line in open_lines(again, red):
                say(line)
            say(f"  report of the round: {where(folder)}")
            report, source = again, folder
        return None

    def _ask(self, first: FirstChecks, folder: Path, seed: int | None = None) -> tuple[int, Report | None]:
        """Make one run; returns its exit code and its results, or None in their place if a signal ended it."""
        code = self.run(first, folder, seed)
        if code not in _RESULTS:
            self._say_end()
            return code, None
        report = load_report(folder)
        self.total = self.total.plus(RoundCounts.of(report))
        return code, report

    def _say_end(self) -> None:
        say(
            f"Ended after {counted(self.total.runs, 'run')} ({self.total}). "
            f"The report of the last whole run: {where(self.directory)}"
        )
