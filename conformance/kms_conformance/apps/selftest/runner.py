"""Runs the suite against one target in a forked process."""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import pkgutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from kms_conformance import suite
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.core.runtime import skipped_pauses
from kms_conformance.core.tier import EFFORTS, Tier
from kms_conformance.report import schemas
from kms_conformance.report.html import render as html
from kms_conformance.run.controller import Controller
from kms_conformance.suite.checks import all_checks
from kms_conformance.suite.draw_cache import SHIPPED_ONLY
from kms_conformance.suite.test_fuzzing import NORMATIVE
from kms_conformance.target.ordinary import public_words
from kms_conformance.verdict.results import CheckResult

# Modules that pytest imports in every run; `preload` imports them once.
_LOADED_BY_PYTEST = tuple(f"_pytest.{name}" for name in ("junitxml", "unittest", "skipping", "pastebin"))
# The profile of most targets of the self-test.
_PROFILE = "documents"
# A run needs only the plugin of this project. Pytest is faster without its cache, without full tracebacks, and without
# `unraisableexception`, which collects garbage.
_PLUGINS = ("-p", "kms_conformance.run.plugin", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "--tb=line")


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    - verdict: the content of `verdict.json`.
    - checks: the results of the checks in the order of execution.
    - most_memory: the peak memory of the process in MB, minus its memory at the start. The process also serves the
      target, whose memory is included.
    """

    exit_code: int
    verdict: Mapping[str, Any]
    checks: tuple[CheckResult, ...] = ()
    most_memory: float = 0.0

    def ids(self, verdict: str) -> frozenset[str]:
        """The requirements with this verdict, such as `failed`."""
        return frozenset(entry["id"] for entry in self.verdict["requirements"] if entry["verdict"] == verdict)

    @property
    def failed(self) -> frozenset[str]:
        """The requirements that failed."""
        return self.ids("failed")


def run_suite(
    prepare: Callable[[], contextlib.AbstractContextManager[str]],
    *,
    tier: str = "smoke",
    seed: int = 1,
    arguments: Sequence[str] = (),
    timeout_seconds: float = 120,
    state: Path | None = None,
    in_real_time: bool = True,
    reports: bool = False,
) -> Outcome:
    """Run the suite against the target that `prepare` serves; its context yields the text of a target file.

    `state` is the folder of ledgers for consecutive runs; by default each run has a temporary one. Unless the run is
    `in_real_time`, its pauses take no time, see `skipped_pauses`. Unless `reports` are asked for, the run keeps no
    recording and writes no page, see `Options.verdict_only`. Each run has a process, forked from this one, so that
    runs are isolated and modules are imported only once.

    Raises `TimeoutError` if the run does not end in time, and `RuntimeError` if the served target or the run fails.
    """
    preload()
    arguments = arguments if reports else (*arguments, "--kms-verdict-only")
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    run = partial(_run, prepare, tier, seed, arguments, state, in_real_time=in_real_time)
    process = context.Process(target=_child, args=(receiver, sender, run))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout_seconds):
            raise TimeoutError(f"the run did not end within {timeout_seconds} s")
        received = receiver.recv()
        if isinstance(received, str):
            raise RuntimeError(received)  # noqa: TRY004 - the text tells an error of the other process
        outcome = Outcome(*received)
        process.join(5)
        if process.exitcode or not outcome.verdict:
            raise RuntimeError(f"the run failed, with {process.exitcode}: {outcome.exit_code}, and no verdict")
    except EOFError as error:
        raise RuntimeError("the process of the run ended without a result: see its traceback") from error
    else:
        return outcome
    finally:
        if process.is_alive():
            process.join(5)
            process.kill()
        process.join()


def _child(receiver: Connection, sender: Connection, run: Callable[[], tuple[Any, ...]]) -> None:
    """Send the parts of the outcome, or a text about the error of the served target or of the run."""
    # If the parent process is killed, sending fails: nobody has the other end open.
    receiver.close()
    # Objects of the parent process are not searched for garbage: that would copy the memory that both share.
    gc.freeze()
    result: tuple[Any, ...] | str
    try:
        result = run()
    except Exception as error:  # noqa: BLE001 - told to the parent process, which raises it
        frames = traceback.extract_tb(error.__traceback__)
        place = f", in line {frames[-1].lineno} of {frames[-1].filename}" if frames else ""
        result = f"{type(error).__name__}: {error}{place}"
    sender.send(result)


def _run(
    prepare: Callable[[], contextlib.AbstractContextManager[str]],
    tier: str,
    seed: int,
    arguments: Sequence[str],
    state: Path | None,
    *,
    in_real_time: bool,
) -> tuple[Any, ...]:
    inherited = _peak()
    with contextlib.ExitStack() as stack:
        if not in_real_time:
            stack.enter_context(skipped_pauses())
        directory, text = stack.enter_context(tempfile.TemporaryDirectory()), stack.enter_context(prepare())
        nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        target = Path(directory) / "target.yaml"
        target.write_text(text, encoding="utf-8")
        os.environ["KMS_CONFORMANCE_STATE"] = str(state or directory)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        collector = _VerdictCollector()
        options = [f"--target={target}", f"--tier={tier}", f"--seed={seed}", f"--reports={directory}/reports"]
        fixed = [*suite.CONFINED, *_PLUGINS]
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            code = pytest.main([*fixed, *options, *arguments, str(suite.FOLDER)], plugins=[collector])
    return int(code), collector.verdict, collector.checks, _peak() - inherited


def _peak() -> float:
    """The peak memory of this process in MB; the memory of a forked process includes that of its parent at the fork."""
    try:
        import resource  # noqa: PLC0415 - not available on Windows
    except ImportError:
        return 0.0
    # `ru_maxrss` is in kB, but on macOS in bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@cache
def preload() -> None:
    """Import the modules, read the specs, and compile the schemas and templates that every run needs.

    This is done once for all forked runs.
    """
    for module in pkgutil.iter_modules(suite.__path__, f"{suite.__name__}."):
        importlib.import_module(module.name)
    for name in (
        "kms_conformance.run.plugin",
        "kms_conformance.suite.fuzz.operations",
        "kms_conformance.suite.fuzz.chains",
        *_LOADED_BY_PYTEST,
    ):
        importlib.import_module(name)
    html.prepare()
    for dialect in specs.emulated():
        Catalogue.load(dialect)
        # Each of these keeps what it has read.
        Api.of(dialect, _PROFILE)
        public_words(dialect, _PROFILE)
        all_checks(dialect)
    schemas.prepare()


@cache
def preload_drawn(dialect: str, tier: Tier = "smoke", seed: int = 1) -> None:
    """Draw the generated requests of a dialect that do not depend on replies, once for all forked runs.

    They depend on the dialect's description, its profile `documents`, the tier and the seed. A run with another
    profile, tier or seed draws its own, which takes longer: it is up to a third of the work of a run.
    """
    # The import takes 0.5 s.
    from kms_conformance.suite.fuzz.generator import Generator  # noqa: PLC0415
    from kms_conformance.suite.fuzz.operations import draw  # noqa: PLC0415

    profile = Profile.load(dialect)
    api, generator = Api.load(profile), Generator.of(dialect, profile.name)
    for name in NORMATIVE:
        draw(generator, api[name], EFFORTS[tier], seed, SHIPPED_ONLY)


class _VerdictCollector:
    """A pytest plugin that stores the verdict before pytest unregisters its plugins."""

    def __init__(self) -> None:
        self.verdict: Mapping[str, Any] = {}
        self.checks: tuple[CheckResult, ...] = ()

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        controller = config.pluginmanager.get_plugin("kms-controller")
        if isinstance(controller, Controller) and controller.verdicts:
            self.verdict = controller.verdicts[0].to_json()
            self.checks = tuple(controller.results_of(controller.targets[0].name))
