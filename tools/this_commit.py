"""A number of the commit that is tested.

Tests draw samples by it: each commit has others, and a run can be repeated.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path


@cache
def number() -> int:
    """The first 48 bits of the commit's id; 0 for an export without history, which draws the same each time."""
    asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    return int(done.stdout.strip(), 16) if done.returncode == 0 else 0
