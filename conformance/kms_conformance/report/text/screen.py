"""Terminal output: a console that escapes control characters, and a progress bar of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from rich import progress
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column
from rich.text import Text

from kms_conformance.core.text import counted, printable, shown

if TYPE_CHECKING:
    from types import TracebackType

    from kms_conformance.verdict.results import CheckResult

# The least width in columns. With less (such as `COLUMNS=1`), rich would write tables with one letter per line.
_LEAST_WIDTH = 20


class Screen(Console):
    """rich's console, with control characters escaped in everything that is printed, also in tables and bars."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - rich's own, handed on
        super().__init__(**options)
        self.width = max(self.width, _LEAST_WIDTH)

    def write_line(self, text: Text | str = "") -> None:
        """Print one line; the terminal breaks a line that is too long."""
        self.print(text if isinstance(text, Text) else Text(text), soft_wrap=True, highlight=False)

    def order(self, text: str) -> None:
        """Print a command for the CI system (`::error …`). The caller escapes text of targets for this system."""
        self.file.write(f"{printable(text)}\n".encode(self.encoding, "backslashreplace").decode(self.encoding))

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Escape control characters in all output, because rich passes escape sequences on."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else shown(segment.text, self.encoding)
            yield segment if text == segment.text else Segment(text, segment.style)

    def on_broken_pipe(self) -> None:
        """Stop printing, but let the run go on. rich would end the process with exit code 1: nonconformant."""
        self.quiet = True


Part = tuple[str, str]
"""A target's name and a family."""


class Progress:
    """A context manager that shows the progress of a run: on a terminal a bar, else one line for each family.

    `planned`: the number of checks by target and family. The line of a family is printed after its last check; if a
    check is missing, at the end of the run. Results of several targets may arrive in any order.
    """

    def __init__(self, console: Screen, planned: Mapping[Part, int]) -> None:
        self._console = console
        self._planned = dict(planned)
        self._done: Counter[Part] = Counter()
        self._failed: Counter[Part] = Counter()
        self._open: Counter[Part] = Counter()
        self._beside: Counter[Part] = Counter()
        self._bar = _bar(console) if console.is_terminal else None
        self._task = self._bar.add_task("", total=sum(planned.values()), found="") if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
            return
        for part in self._planned:
            if 0 < self._done[part] < self._planned[part]:
                self._say(part)

    def done(self, result: CheckResult, *, decides: bool = True) -> None:
        """Count the result of one check; `decides` is false for a failure that does not change the result."""
        part = (result.target, result.family)
        self._done[part] += 1
        self._failed[part] += result.outcome == "failed" and decides
        self._beside[part] += result.outcome == "failed" and not decides
        self._open[part] += result.outcome == "inconclusive"
        if self._bar is not None and self._task is not None:
            failures = sum(self._failed.values())
            found = f"{failures} failed" if failures else ""
            self._bar.update(self._task, advance=1, description=f"{result.target} {result.family}", found=found)
        elif self._done[part] == self._planned.get(part):
            self._say(part)

    def _say(self, part: Part) -> None:
        target, family = part
        done, planned = self._done[part], self._planned[part]
        words = [counted(planned, "check") if done == planned else f"{done} of {counted(planned, 'check')}"]
        words += [f"{count} {word}" for count, word in ((self._failed[part], "failed"),) if count]
        words += [f"{count} inconclusive" for count in (self._open[part],) if count]
        words += [f"{count} failed without effect" for count in (self._beside[part],) if count]
        style = "red" if self._failed[part] else "yellow" if self._open[part] else ""
        line = Text(f"{target}  {family:<15} {', '.join(words)}", style)
        line.truncate(self._console.width, overflow="ellipsis")
        self._console.write_line(line)


def _bar(console: Screen) -> progress.Progress:
    """A progress bar. The numbers in it have a fixed width; the bar and the family name share the remaining columns."""
    return progress.Progress(
        progress.BarColumn(bar_width=None, table_column=Column(ratio=2)),
        progress.MofNCompleteColumn(table_column=Column(no_wrap=True)),
        progress.TextColumn(
            "{task.description}", markup=False, table_column=Column(ratio=3, no_wrap=True, overflow="ellipsis")
        ),
        progress.TextColumn("{task.fields[found]}", style="red", markup=False, table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
        expand=True,
    )
