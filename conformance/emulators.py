"""The built-in emulator as a target: one server a dialect, and the file that leads there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from conformance import specs
from conformance.emulator import Emulator


class Emulators:
    """Servers on 127.0.0.1 for the time of a run; their target files lie in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running = ExitStack()

    def start(self) -> tuple[str, ...]:
        """Start one emulator a dialect; returns the paths of their target files."""
        self._directory.mkdir(parents=True, exist_ok=True)
        return tuple(self._start(dialect) for dialect in specs.dialects())

    def _start(self, dialect: str) -> str:
        emulator = self._running.enter_context(Emulator(dialect))
        path = self._directory / f"emulator-{dialect}.yaml"
        path.write_text(emulator.target_yaml(), encoding="utf-8")
        return str(path)

    def stop(self) -> None:
        """Stop all of them."""
        self._running.close()
