"""The terminal output of `kms-conformance run`: a progress bar, and a summary at the end."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable

import pytest
from rich.text import Text

from kms_conformance.core.errors import LibraryChanged
from kms_conformance.report.ci.github import github_lines
from kms_conformance.report.text.blocks import first_failure
from kms_conformance.report.text.screen import Progress, Screen
from kms_conformance.report.text.summary import show
from kms_conformance.run.controller import Controller
from kms_conformance.verdict.results import CheckResult


class Terminal:
    """Replaces pytest's terminal reporter; shows the progress, the summary, and errors that occur outside of checks."""

    def __init__(self, controller: Controller, screen: Screen | None = None, *, brief: bool = False) -> None:
        """If `brief` is true, every first failure is shown, and no summary: for rounds of `--until-fixed`."""
        self._controller = controller
        self._screen = screen or Screen()
        self._progress: Progress | None = None
        self._problems: list[str] = []
        self._moved: dict[str, None] = {}
        self._interrupted = False
        self._brief = brief
        self._failed_on: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start the progress bar, without xdist."""
        self._start(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        """Start the progress bar, with xdist: every worker has collected all items."""
        self._start(ids)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            *_, last = "", *str(report.longrepr).strip().splitlines()
            self._problems.append(f"{report.nodeid or 'The suite'} could not be collected: {last}")

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Record the error as one line for the summary; the returned true keeps pytest from printing the traceback."""
        self._problems.append(f"The run ended early: {excinfo.exconly().splitlines()[0]}")
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        raw = getattr(report, "kms", None)
        if raw is not None and self._progress is not None:
            result = CheckResult.from_json(raw)
            self._progress.done(result, decides=report.failed)
            if report.failed:
                self._show_first_failure(result)
        elif report.failed and raw is None:
            lines = str(report.longrepr).strip().splitlines()
            self._problems.append(f"{report.nodeid} was ended from outside: {lines[-1] if lines else ''}")

    def _show_first_failure(self, result: CheckResult) -> None:
        """Show the first failure of each target that decides its result, on a terminal or if there is no summary."""
        if result.target in self._failed_on or not result.failures or not (self._brief or self._screen.is_terminal):
            return
        self._failed_on.add(result.target)
        dialect = next(each.dialect for each in self._controller.targets if each.name == result.target)
        # One print, because a progress bar is drawn anew after each.
        self._screen.write_line(Text("\n").join(first_failure(result, dialect, self._screen.width)))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Collect warnings about changed libraries, each once over all workers; other warnings are not shown."""
        if issubclass(warning_message.category, LibraryChanged):
            self._moved[str(warning_message.message)] = None

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Record that the run was interrupted; the summary is still shown."""
        self._interrupted = True

    def pytest_unconfigure(self) -> None:
        """Show the summary, after all files are written."""
        if self._progress is not None:
            self._progress.__exit__(None, None, None)
        for problem in self._problems:
            self._screen.print(Text(self._controller.clean(problem)))
        for moved in self._moved:
            self._screen.print(Text(moved, "yellow"), soft_wrap=True)
        if self._interrupted:
            self._screen.print(Text("Interrupted: the remaining checks did not run.", "yellow"))
        if self._controller.report is not None:
            if self._controller.unwritten:
                self._screen.write_line(Text(self._controller.unwritten, "red"))
            where = None if self._controller.unwritten else self._controller.reports
            if not self._brief or self._controller.unwritten or self._controller.report.stale:
                show(self._controller.report, where, self._screen)
            for line in github_lines(self._controller.report, os.environ):
                self._screen.order(line)
        for line in self._controller.unscheduled_keys():
            self._screen.write_line(line)

    def _start(self, node_ids: Iterable[str]) -> None:
        if self._progress is None:
            found = (self._controller.place(node_id) for node_id in node_ids)
            planned = Counter((target, check.family) for target, check in filter(None, found))
            self._progress = Progress(self._screen, planned)
            self._progress.__enter__()
