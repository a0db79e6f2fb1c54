"""Whether a run has written results."""

from __future__ import annotations

from pathlib import Path

from kms_conformance.report import layout


def stamp(directory: Path) -> int:
    """When the results in a reports folder were written, in nanoseconds; 0 where there are none."""
    path = directory / layout.RESULTS
    return path.stat().st_mtime_ns if path.is_file() else 0
