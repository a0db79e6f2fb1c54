"""Runs of the real command in processes of their own, two at a time, forked from one that has imported everything."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import yaml

from kms_conformance import cli
from kms_conformance.apps.selftest.runner import preload
from kms_conformance.client.ledger import Ledger
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Key, State
from kms_conformance.target import parse_target

_AT_ONCE = 2
SHARDS = 8
BUDGET = 20
# Everything in `tox run -e shards`; a change waits for one dialect, with a clock and without.
ALL = os.environ.get("KMS_CONFORMANCE_SHARDS") == "all"
CASES = [
    (dialect, tier, clock)
    for dialect in (specs.dialects() if ALL else ("huawei",))
    for tier in (("smoke", "standard") if ALL else ("smoke",))
    for clock in ((True, False) if ALL else (False,))
]


def commands(several: Iterable[tuple[str, ...]], state: Path, *, quiet: bool = True) -> list[int]:
    """The exit codes of `kms-conformance …`, each in a process of its own, all with one folder of ledgers."""
    preload()
    import_module("kms_conformance.cli.run")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda arguments: _one(arguments, state, quiet=quiet), several))


def _one(arguments: tuple[str, ...], state: Path, *, quiet: bool) -> int:
    process = multiprocessing.get_context("fork").Process(target=_command, args=(arguments, state, quiet))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _command(arguments: tuple[str, ...], state: Path, quiet: bool) -> None:
    os.environ |= {"KMS_CONFORMANCE_STATE": str(state), "NO_COLOR": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    os.environ["PYTEST_PLUGINS"] = "kms_conformance.run.plugin"
    sys.argv = ["kms-conformance", *arguments]
    code = 70
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere if quiet else sys.stdout):  # noqa: PTH123
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            sys.stdout.flush()
            # At once: what the parent's threads have registered for their end is none of this process's business.
            os._exit(code)


class Fleet:
    """One run, and the same in eight shards: eight processes, two at a time, at one emulator with one ledger."""

    def __init__(self, folder: Path, dialect: str, tier: str, *, clock: bool) -> None:
        self.folder, self.dialect, self.tier, self.clock = folder, dialect, tier, clock
        self.whole = folder / "whole"
        self.shards = [folder / f"{index}-of-{SHARDS}" for index in range(1, SHARDS + 1)]
        self.whole_code = self._run(folder / "one", [self._asked(self.whole)])[0]
        self.codes = self._run(
            folder / "eight",
            [self._asked(path, "--shard", f"{index}/{SHARDS}") for index, path in enumerate(self.shards, 1)],
        )

    def _asked(self, reports: Path, *further: str) -> tuple[str, ...]:
        target = str(self.folder / "target.yaml")
        return ("run", "--target", target, "--reports", str(reports), "--tier", self.tier, "--seed", "7", *further)

    def _run(self, state: Path, several: list[tuple[str, ...]]) -> list[int]:
        with Emulator(self.dialect) as emulator:
            target = emulator.target() | {"limits": {"max_keys": BUDGET}}
            if not self.clock:
                del target["time_control"]
            (self.folder / "target.yaml").write_text(yaml.safe_dump(target))
            foreign = {key.id for key in emulator.store.keys}
            codes = commands(several, state)
            self.keys: list[Key] = [key for key in emulator.store.keys if key.id not in foreign]
            ledger = Ledger.of(parse_target(yaml.safe_dump(target), "t"), state)
            assert ledger.unfinished() == ()
        assert emulator.failures == []
        assert {key.state for key in self.keys} <= {State.PENDING_DELETION}
        return codes
