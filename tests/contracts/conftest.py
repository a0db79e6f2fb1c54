"""Contracts lean on the same loopback server as the tests of the wire."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "wire"))
