"""Runs of the real command in processes of their own, two at a time, forked from one that has imported everything."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance import cli
from conformance.selftest.runner import read_ahead

_AT_ONCE = 2


def commands(several: Iterable[tuple[str, ...]], state: Path) -> list[int]:
    """The exit codes of `kms-conformance …`, each in a process of its own, all with one folder of ledgers."""
    read_ahead()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda arguments: _one(arguments, state), several))


def _one(arguments: tuple[str, ...], state: Path) -> int:
    process = multiprocessing.get_context("fork").Process(target=_command, args=(arguments, state))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _command(arguments: tuple[str, ...], state: Path) -> None:
    os.environ |= {"KMS_CONFORMANCE_STATE": str(state), "NO_COLOR": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    os.environ["PYTEST_PLUGINS"] = "conformance.plugin,allure_pytest.plugin"
    sys.argv = ["kms-conformance", *arguments]
    code = 70
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            # At once: what the parent's threads have registered for their end is none of this process's business.
            os._exit(code)
