"""The option `--events` of `run`: where the lines go, and what is told if they could not be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from kms_conformance.core.text import say
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.run.events import EventFollower, verdict_event
from kms_conformance.verdict.model import Verdict

_STDOUT = "-"


@dataclass
class Events:
    """The events of a run; without `follower`, nobody asked for them.

    `options`: the options of pytest that make the workers write events.
    """

    follower: EventFollower | None = None
    options: tuple[str, ...] = ()

    def finish(self, reports: Path) -> None:
        """Write the remaining events, and the verdicts in this reports folder."""
        if self.follower is None:
            return
        verdicts: tuple[Verdict, ...] = ()
        with suppress(ReportError):
            verdicts = tuple(target.verdict for target in load_report(reports).targets)
        self.follower.finish(map(verdict_event, verdicts))


@contextmanager
def events_to(where: str | None) -> Iterator[Events]:
    """A context in which events are written to a file, or with `-` to standard output.

    With `-`, everything else that is printed goes to standard error. Raises `UsageError` for a file that cannot be
    written.
    """
    if where is None:
        yield Events()
        return
    with tempfile.TemporaryDirectory(prefix="kms-events.") as spool, _opened(where) as descriptor:
        follower = EventFollower(Path(spool), lambda line: _write_all(descriptor, line))
        with follower:
            yield Events(follower, (f"--kms-events={spool}",))
        if follower.lost:
            say(
                f"The events could not be written to the end: {follower.lost}.\n"
                "The run and its reports are not affected.",
                err=True,
            )


@contextmanager
def _opened(where: str) -> Iterator[int]:
    if where != _STDOUT:
        try:
            descriptor = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise click.UsageError(
                f"The events cannot be written to {where}: {error.strerror}. Name another file, or - for standard "
                "output."
            ) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    # Standard output is kept for the events alone: a line of the summary between them would break their reader.
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield kept
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
