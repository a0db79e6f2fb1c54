"""The pytest plugin: command-line options, markers, and the registration of controller, worker and terminal."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kms_conformance.core.tier import DEFAULT_SEED, TIERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


# Options with which pytest prints and runs no test: `--markers`, `--fixtures`, `--fixtures-per-test`, `--cache-show`.
_INFORMATION_OPTIONS = ("markers", "showfixtures", "show_fixtures_per_test", "cacheshow")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> None:
    """Add the options of `kms-conformance run` if the suite is named; the help of other sessions does not have them."""
    named = early_config.known_args_namespace.file_or_dir or early_config.getini("testpaths")
    if _names_suite(named):
        _add_options(parser)


def _add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("kms-conformance")
    group.addoption("--target", action="append", default=[], metavar="FILE", help="certify the target in this file")
    group.addoption("--reports", metavar="DIR", default=None, help="where the verdict and reports go")
    group.addoption("--tier", choices=TIERS, default="standard", help="the set of checks, from few to all")
    group.addoption("--seed", metavar="N|random", default=str(DEFAULT_SEED), help="generate other requests")
    group.addoption("--examples", metavar="DIR", default=None, help="failed generated requests, asked first")
    group.addoption("--no-cache", action="store_true", help="generate all requests anew, and keep none for later runs")
    group.addoption("--plant", action="store_true", help="leave one key pending, for later runs to observe")
    observe = "only read planted keys; create nothing (--watch is the older name)"
    group.addoption("--observe", "--watch", dest="watch", action="store_true", help=observe)
    group.addoption("--rescue", action="store_true", help="cancel a planted key on its last day, and plant it anew")
    group.addoption("--shard", default=None, metavar="I/N", help="only this part of the checks; `merge` joins them")
    group.addoption("--kms-durations", default=None, metavar="FILE", help="durations of checks, to balance shards")
    group.addoption("--kms-progress", action="store_true", help="a progress bar and a summary, as `run` shows them")
    group.addoption("--kms-verdict-only", action="store_true", help="no recording and no page: for the self-test")
    group.addoption("--kms-events", default=None, metavar="DIR", help="a folder for events, as `run --events` uses it")
    group.addoption("--kms-workers", type=int, default=1, help="the number of workers that share one target")
    group.addoption("--kms-yes", action="store_true", help="create keys in accounts that are not on this machine")
    group.addoption(
        "--requirements", metavar="RELEASE|FILE", default=None, help="judge by the requirements of an earlier release"
    )
    group.addoption("--waivers", metavar="FILE", default=None, help="requirements whose failure is accepted, and why")


def add_marks(config: pytest.Config) -> None:
    """Register the markers of checks."""
    config.addinivalue_line("markers", "requirement(*ids): the requirements that a check judges")
    config.addinivalue_line("markers", "standard: runs at the tiers standard and nightly, not at smoke")
    config.addinivalue_line("markers", "clock: needs a target with time control")
    config.addinivalue_line("markers", "planted: reads a key that an earlier run left pending")
    config.addinivalue_line("markers", "alone: runs while no other process tests the target")
    config.addinivalue_line("markers", "moves_clock: the same on a target with time control")
    config.addinivalue_line("markers", "first_process: runs in the first of several processes of a target")
    config.addinivalue_line("markers", "keys(number): needs limits.max_keys of at least this number")
    config.addinivalue_line("markers", "wasteful: uses up keys; without time control only at the tier nightly")
    config.addinivalue_line("markers", "of_each_operation(besides, marked): one check per operation of a dialect")
    config.addinivalue_line("markers", "asks(*operations): runs only if the target has these operations")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the plugins of a run; other pytest sessions on this machine are left alone."""
    add_marks(config)
    if not _names_suite(config.args):
        return
    # Imported late, because every pytest session on a machine with this package loads this file.
    from kms_conformance.core.errors import UserMistake  # noqa: PLC0415
    from kms_conformance.core.folders import ReportsLock  # noqa: PLC0415
    from kms_conformance.core.signals import Interrupts  # noqa: PLC0415
    from kms_conformance.core.text import printable  # noqa: PLC0415
    from kms_conformance.report.allure.labels import Labelling  # noqa: PLC0415
    from kms_conformance.run.controller import Controller  # noqa: PLC0415
    from kms_conformance.run.first_checks import FirstChecks  # noqa: PLC0415
    from kms_conformance.run.settings import Options, Settings  # noqa: PLC0415
    from kms_conformance.run.worker import Worker  # noqa: PLC0415

    given = (plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Interrupts))
    interrupts = next(given, None) or Interrupts()
    interrupts.watch()
    if any(config.getoption(name, default=False) for name in _INFORMATION_OPTIONS):
        return
    config.pluginmanager.register(PrivateFiles(config), "kms-private")
    if hasattr(config, "workerinput"):
        worker = Worker(Settings(**config.workerinput["kms_conformance"]), interrupts=interrupts)
        config.pluginmanager.register(worker, "kms-worker")
        config.pluginmanager.register(Labelling(worker.labels), "kms-labels")
        return
    given_first = (plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, FirstChecks))
    first = next(given_first, None) or FirstChecks()
    shown = config.getoption("--kms-progress")
    if shown:
        # Pytest's terminal reporter is removed before the first error can occur, so that an error is not shown twice.
        config.pluginmanager.unregister(name="terminalreporter")
    reports = Path(config.getoption("--reports") or "reports/latest")
    examples = config.getoption("--examples")
    asking = not config.getoption("collectonly", default=False)
    try:
        if asking:
            config.add_cleanup(ReportsLock(reports).release)
        options = Options(
            targets=tuple(config.getoption("--target")),
            reports=reports,
            tier=config.getoption("--tier"),
            seed=_seed(config),
            waivers=config.getoption("--waivers"),
            requirements=config.getoption("--requirements"),
            further={name: config.getoption(f"--{name}") for name in ("plant", "watch", "rescue", "shard")}
            | {name: config.getoption(f"--kms-{name}") for name in ("durations", "events", "workers")}
            | {"examples": None if examples is None else str(Path(examples).resolve())},
            consent=config.getoption("--kms-yes"),
            asking=asking,
            cache="none" if config.getoption("--no-cache") else "user",
            verdict_only=config.getoption("--kms-verdict-only"),
            first=first,
        )
        controller = Controller.start(options, interrupts)
    except UserMistake as error:
        pytest.exit(printable(str(error)), returncode=error.exit_code)
    config.pluginmanager.register(controller, "kms-controller")
    if controller.settings.part is not None and controller.settings.state is None:
        from kms_conformance.run.shards.clock_lock import ClockLock  # noqa: PLC0415

        try:
            config.pluginmanager.register(ClockLock(controller.targets), "kms-clock-lock")
        except UserMistake as error:
            pytest.exit(printable(str(error)), returncode=error.exit_code)
    worker = Worker(controller.settings, interrupts=interrupts)
    config.pluginmanager.register(worker, "kms-worker")
    config.pluginmanager.register(Labelling(worker.labels), "kms-labels")
    if shown:
        from kms_conformance.run.terminal import Terminal  # noqa: PLC0415

        config.pluginmanager.register(Terminal(controller, brief=first.brief), "kms-terminal")


def _seed(config: pytest.Config) -> int:
    from kms_conformance.run.settings import chosen_seed  # noqa: PLC0415 - as in `pytest_configure`

    try:
        return chosen_seed(config.getoption("--seed"))
    except ArgumentTypeError as error:
        raise pytest.UsageError(f"--seed: {error}") from error


def _names_suite(arguments: Iterable[str]) -> bool:
    """Whether paths or modules on the command line name the suite or a part of it."""
    suite = Path(__file__).parents[1] / "suite"
    names = (argument.split("::")[0] for argument in arguments)
    return any(name.startswith("kms_conformance.suite") or suite in _with_parents(Path(name)) for name in names)


def _with_parents(path: Path) -> Iterator[Path]:
    resolved = path.resolve()
    yield resolved
    yield from resolved.parents


_OTHERS = 0o077


class PrivateFiles:
    """A pytest plugin: while it is registered, new files can be read by their owner only."""

    def __init__(self, config: pytest.Config) -> None:
        self._before = os.umask(_OTHERS)
        # Allure's plugin has created its folder already.
        _restrict(getattr(config.option, "allure_report_dir", None), 0o700)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Restore the umask, and restrict the JUnit file: the umask does not change the mode of an existing file."""
        os.umask(self._before)
        _restrict(getattr(config.option, "xmlpath", None), 0o600)


def _restrict(path: str | None, mode: int) -> None:
    if path:
        with suppress(OSError):
            Path(path).chmod(mode)
