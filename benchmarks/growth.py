"""Growth of time, memory and requests with the number of examples, targets, and foreign keys."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import suite
from benchmarks.measure import Ratio, Result, count
from benchmarks.process import Usage

# A few families suffice to measure the cost of a further target.
_SOME = "test_entry.py or test_cancel.py or test_window.py"
_FUZZED = "test_entry.py or (test_fuzzing.py and test_operation)"


def examples(dialect: str) -> Iterator[Result]:
    """1, 10 and 100 times the examples of tier smoke: seconds for each request, and peak memory."""
    found = []
    for times in (1, 10, 100):
        done = suite.run(dialect, "smoke", "-k", _FUZZED, f"--times={times}")
        parts = [part for part in done.parts if part.family == "fuzzing"]
        sent = sum(len(part.requests) for part in parts)
        found.append((sum(part.seconds for part in parts) / sent, done.usage.peak))
        yield count("growth", f"{dialect}: requests at {times} x the examples", sent, "requests")
    yield Ratio("growth", "seconds a request, 100 x examples", "10 x", (found[2][0],), (found[1][0],), target=1.6)
    yield Ratio("growth", "peak, 100 x examples", "10 x", (found[2][1],), (found[1][1],), "MB", 1.1)


def targets() -> Iterator[Result]:
    """1, 10 and 50 targets in one run: seconds and requests for each further target."""
    used: dict[int, Usage] = {}
    for number in (1, 10, 50):
        done = suite.run("huawei", "smoke", "-k", _SOME, targets=number)
        used[number] = done.usage
        each = {verdict["requests"] for verdict in done.verdicts}
        yield count("growth", f"requests a target, the most of {number}", max(each), "requests")
    for name, taken in (("seconds", "seconds"), ("seconds of processor time", "cpu")):
        one, ten, fifty = (getattr(used[number], taken) for number in (1, 10, 50))
        slow, quick = (fifty - ten) / 40, (ten - one) / 9
        yield Ratio("growth", f"{name} a further target, to 50", "to 10", (slow,), (quick,), target=1.3)


def foreign_keys(numbers: tuple[int, ...] = (100, 1000, 10000)) -> Iterator[Result]:
    """A smoke run with these numbers of foreign keys: requests without and with lists, and seconds of checks."""
    seconds = []
    for number in numbers:
        done = suite.run("huawei", "smoke", "-k", "not fuzzing", foreign_keys=number)
        sent = [operation for part in done.parts for operation, _ in part.requests]
        listed = sum("list" in operation.lower() for operation in sent)
        seconds.append(sum(part.seconds for part in done.parts))
        yield count("growth", f"{number} keys of others: requests but lists", len(sent) - listed, "requests")
        yield count("growth", f"{number} keys of others: lists", listed, "requests")
    yield Ratio("growth", f"seconds among {numbers[-1]} keys of others", f"{numbers[0]}", (seconds[-1],), (seconds[0],))
