"""The built-in emulator as a target: one server per dialect, and its target file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

import yaml

from kms_conformance.core import specs
from kms_conformance.target.registry import ways_of


class Emulators:
    """Emulators that serve on 127.0.0.1 during a run; their target files are written to `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running = ExitStack()

    def start(self) -> tuple[str, ...]:
        """Start one emulator per dialect; returns the paths of their target files."""
        self._directory.mkdir(parents=True, exist_ok=True)
        return tuple(self._start(dialect) for dialect in specs.emulated())

    def _start(self, dialect: str, way: str | None = None) -> str:
        from kms_conformance.emulator import Emulator  # noqa: PLC0415 - needed only without --target

        emulator = self._running.enter_context(Emulator(dialect))
        # If the dialect has a single way to sign in, no way is named: the emulator would read the name as a variant of
        # this way.
        several = way is not None and len(ways_of(dialect)) > 1
        target = emulator.target(way if several else None)
        target["name"] += f"-{way}" if several else ""
        path = self._directory / f"{target['name']}.yaml"
        path.write_text(yaml.safe_dump(target, sort_keys=False), encoding="utf-8")
        return str(path)

    def start_for_ways(self, ways: Mapping[str, Collection[str]]) -> tuple[str, ...]:
        """Start one emulator per way to sign in; returns the paths of the target files.

        `ways`: by dialect, the names of the ways to sign in.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        return tuple(
            self._start(dialect, way)
            for dialect in specs.emulated()
            for way in (kind.way for kind in ways_of(dialect))
            if way in ways.get(dialect, ())
        )

    def stop(self) -> None:
        """Stop all emulators."""
        self._running.close()
