"""A terminal with colours, tables and bars, on which foreign text cannot give orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from kms_conformance.core.text import printable, shown

# A narrower terminal, or one that says `COLUMNS=1`, breaks lines itself: else a table is a column of letters.
_LEAST_WIDTH = 20


class Screen(Console):
    """rich's console; all that is printed on it has its control characters written out, in tables and bars as well."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - rich's own, handed on
        super().__init__(**options)
        self.width = max(self.width, _LEAST_WIDTH)

    def write_line(self, text: Text | str = "") -> None:
        """Print one line, which the terminal breaks if it is too long."""
        self.print(text if isinstance(text, Text) else Text(text), soft_wrap=True, highlight=False)

    def order(self, text: str) -> None:
        """Print a line that the CI system is to obey; foreign text in it must be escaped by the rules of CI."""
        self.file.write(f"{printable(text)}\n".encode(self.encoding, "backslashreplace").decode(self.encoding))

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What all output passes through; rich itself lets escape sequences through."""
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else shown(segment.text, self.encoding)
            yield segment if text == segment.text else Segment(text, segment.style)

    def on_broken_pipe(self) -> None:
        """Go on in silence: rich would end the process, with the exit code that says nonconformant."""
        self.quiet = True
