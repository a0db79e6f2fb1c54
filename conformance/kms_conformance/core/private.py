"""Files of a run are for their owner alone, whoever writes them: pytest, Allure's plugin, or we."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

_OTHERS = 0o077


class Private:
    """A pytest plugin: nothing that is written while it is registered can be read by others."""

    def __init__(self, config: pytest.Config) -> None:
        self._before = os.umask(_OTHERS)
        # Allure's plugin has made its folder already.
        _restrict(getattr(config.option, "allure_report_dir", None), 0o700)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Give the process its own mode back; a file that was there before has kept its mode until here."""
        os.umask(self._before)
        _restrict(getattr(config.option, "xmlpath", None), 0o600)


def _restrict(path: str | None, mode: int) -> None:
    if path:
        with suppress(OSError):
            Path(path).chmod(mode)
