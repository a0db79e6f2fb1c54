"""What a change waits for and what nights ask; and what each test file costs."""

from __future__ import annotations

import random
import resource
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import pytest

from tools import this_commit

# The files with the highest cost are printed at the end.
MOST_FILES = 25
_COST = "processor seconds"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="run the tests that a change does not wait for, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only nights ask; a test that is named by itself (`FILE::TEST`) runs always."""
    if config.getoption("--nightly") or any("::" in argument for argument in config.args):
        return
    left_out = {item for item in items if item.get_closest_marker("nightly")} | set(_not_drawn(items))
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def _not_drawn(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """The cases of sampled tests that this commit does not draw."""
    cases: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for name, several in cases.items():
        mark = several[0].get_closest_marker("sampled")
        assert mark is not None
        draw = random.Random(f"{this_commit.number()} {name}")  # noqa: S311 - a sample, no secret
        drawn = set(draw.sample(several, min(mark.args[0], len(several))))
        yield from (item for item in several if item not in drawn)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_SINCE] = _processor_seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Note the processor time of a test and of its ended child processes; workers send it with the last report."""
    if call.when == "teardown":
        item.user_properties.append((_COST, round(_processor_seconds() - item.stash[_SINCE], 3)))
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the files cost, the dearest first."""
    cost: Counter[str] = Counter()
    for report in _last_reports(terminalreporter.stats):
        cost[report.nodeid.partition("::")[0]] += dict(report.user_properties).get(_COST, 0.0)
    if sum(cost.values()) < 1:
        return
    terminalreporter.section(f"{_COST} by file, {sum(cost.values()):.0f} in all")
    for file, seconds in cost.most_common(MOST_FILES):
        terminalreporter.line(f"{seconds:8.1f}  {file}")


def _last_reports(stats: dict[str, Sequence[object]]) -> Iterator[pytest.TestReport]:
    for reports in stats.values():
        yield from (each for each in reports if isinstance(each, pytest.TestReport) and each.when == "teardown")


def _processor_seconds() -> float:
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


_SINCE = pytest.StashKey[float]()
