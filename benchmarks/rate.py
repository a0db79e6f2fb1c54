"""Generated requests a second of our fuzzing and of the Schemathesis CLI, with the same spec and checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import yaml

from benchmarks import servers, settings, suite
from benchmarks.measure import Ratio, Result
from benchmarks.process import Usage, measure, python
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core.tier import EFFORTS
from kms_conformance.target import parse_target

# The checks that our fuzzing makes on every exchange.
_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def fuzzing(dialect: str, rounds: int) -> Iterator[Result]:
    """Requests a second over the whole command, with the same number of examples an operation, and seed 1."""
    found: list[tuple[tuple[int, Usage], tuple[int, Usage]]] = []
    for _ in range(rounds):
        # The other side generates its requests, so stored ones would be no comparison.
        done = suite.run(dialect, "standard", "--no-cache", "-k", "test_entry.py or test_fuzzing.py")
        found.append(((done.served.requests, done.usage), _cli(dialect, EFFORTS["standard"].fuzz_examples)))
    for name, seconds in (("requests a second", _by_the_clock), ("requests a second of processor time", _of_work)):
        ours, other = (tuple(sent / seconds(usage) for sent, usage in side) for side in zip(*found, strict=True))
        target = 2.0 if seconds is _by_the_clock else None
        against = "Schemathesis CLI"
        yield Ratio("fuzzing", f"{dialect}: {name}", against, ours, other, "1/s", target, at_least=True)


def drawing(dialects: Sequence[str], rounds: int) -> Iterator[Result]:
    """Generated requests a second of the checks that fuzz, read from the draw cache and generated anew."""
    for dialect in dialects:
        pairs = [tuple(_fuzzed(dialect, *options) for options in ((), ("--no-cache",))) for _ in range(rounds)]
        for name, unit in (("requests a second", 0), ("requests a second of processor time", 1)):
            kept, anew = (tuple(side[unit] for side in sides) for sides in zip(*pairs, strict=True))
            yield Ratio("drawing", f"{dialect}: {name}", "--no-cache", kept, anew, "1/s", 2.0, at_least=True)


def _fuzzed(dialect: str, *options: str) -> tuple[float, float]:
    """Requests a second, and a second of processor time, of the checks that fuzz."""
    done = suite.run(dialect, "standard", *options, "-k", "test_entry.py or test_fuzzing.py")
    parts = [part for part in done.parts if part.family == "fuzzing"]
    requests = sum(len(part.requests) for part in parts)
    return requests / sum(part.seconds for part in parts), requests / sum(part.cpu for part in parts)


def _by_the_clock(usage: Usage) -> float:
    return usage.seconds


def _of_work(usage: Usage) -> float:
    return usage.cpu


def warm_up() -> None:
    """Run a part of everything once, so that bytecode is cached for both sides."""
    suite.run("huawei", "smoke", "-k", "test_entry.py or test_lifecycle.py or (test_fuzzing.py and schedule)")
    _cli("huawei", 1)


def _cli(dialect: str, examples: int) -> tuple[int, Usage]:
    """The number of requests of the Schemathesis CLI, and its usage."""
    with suite.folder() as place:
        with servers.emulators(dialect) as served:
            path = place / "target.yaml"
            path.write_text(served.targets[0], encoding="utf-8")
            target = parse_target(served.targets[0], "target.yaml")
            settings.write(place, target, settings.some_keys(target))
            document = Api.load(Profile.load(dialect, target.profile)).document
            (place / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
            url = yaml.safe_load(served.targets[0])["base_url"]
            command = python("-m", "schemathesis.cli", "run", "openapi.json", f"--url={url}", f"--checks={_CHECKS}")
            command += [f"--max-examples={examples}", "--seed=1", "--continue-on-failure", "--no-color"]
            environment = {settings.TARGET: str(path), "SCHEMATHESIS_HOOKS": "benchmarks.hooks"}
            usage = measure(command, place, environment)
        return served.requests, usage
