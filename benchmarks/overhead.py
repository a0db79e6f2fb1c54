"""What judging costs: a run of the suite against the very same requests without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import yaml

from benchmarks import servers, suite
from benchmarks.capture import FINISH, Part
from benchmarks.measure import Figure, Ratio, Result
from benchmarks.replay import Replay, by_http_client, by_requests
from conformance.bench import Bench
from conformance.judge import Judge
from conformance.ledger import Ledger
from conformance.target import parse_target
from conformance.wire.messages import Request

_TARGET = 1.6
_FLOORS: tuple[tuple[str, Replay], ...] = (("requests.Session", by_requests), ("http.client", by_http_client))
# Of the described key on the bare server.
_ASKED = 600


def on_the_emulator(dialect: str, rounds: int) -> Iterator[Result]:
    """Scenarios and the lifecycle model at the tier standard, each against its requests; fuzzing is apart."""
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    ends: list[float] = []
    for _ in range(rounds):
        done = suite.run(dialect, "standard", "-k", "not fuzzing")
        ends += [part.seconds for part in done.parts if part.check == FINISH]
        for name, chosen in _CHOICES:
            parts = [part for part in done.parts if chosen(part)]
            sent = [request for part in parts for _, request in part.requests]
            for floor, replay in _FLOORS:
                ours, other = found.setdefault((name, floor), ([], []))
                ours.append(sum(part.seconds for part in parts))
                with servers.emulators(dialect) as served:
                    other.append(replay(_base(served.targets[0]), sent))
    for (name, floor), (ours, other) in found.items():
        target = _TARGET if floor == "requests.Session" else None
        yield Ratio("overhead", f"{dialect}: {name}", floor, tuple(ours), tuple(other), target=target)
    yield Figure("overhead", f"{dialect}: keys let go and reports written", tuple(ends), "s")


def _is_lifecycle(part: Part) -> bool:
    return part.family == "lifecycle"


def _is_scenario(part: Part) -> bool:
    return part.family not in {"lifecycle", "fuzzing"} and part.check != FINISH


_CHOICES: tuple[tuple[str, Callable[[Part], bool]], ...] = (("scenarios", _is_scenario), ("lifecycle", _is_lifecycle))


def on_canned_bytes(rounds: int) -> Iterator[Result]:
    """One operation asked, signed, recorded and judged, of a server that costs next to nothing."""
    ours: dict[str, list[float]] = {name: [] for name, _ in _FLOORS}
    other: dict[str, list[float]] = {name: [] for name, _ in _FLOORS}
    with servers.emulators("huawei") as served:
        reply = _described(served.targets[0])
    for _ in range(rounds):
        with servers.canned(reply) as base:
            seconds, request = _asked(base)
            for name, replay in _FLOORS:
                ours[name].append(seconds)
                other[name].append(replay(base, [request] * _ASKED))
    for name, _ in _FLOORS:
        yield Ratio("overhead", "canned bytes: a key described", name, tuple(ours[name]), tuple(other[name]))


def _base(target: str) -> str:
    return str(yaml.safe_load(target)["base_url"])


def _described(text: str) -> bytes:
    """The bytes of a reply that describes a key, with a request id that counts."""
    with suite.folder() as place:
        bench = _bench(text, place)
        key = bench.client.dialect.page(bench.client.ask("list").value).ids[0]
        reply = bench.client.ask("describe", key_id=key).reply
        bench.close()
    kept = [(name, value) for name, value in reply.headers if name.lower() not in {"content-length", "connection"}]
    identified = [(name, "%08d" if name.lower() == "x-request-id" else value) for name, value in kept]
    head = "".join(f"{name}: {value}\r\n" for name, value in [*identified, ("Content-Length", str(len(reply.body)))])
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + reply.body


def _asked(base: str) -> tuple[float, Request]:
    with servers.emulators("huawei") as served:
        text = served.targets[0]
    document = yaml.safe_load(text) | {"base_url": base}
    document.pop("time_control")
    with suite.folder() as place:
        bench = _bench(yaml.safe_dump(document), place)
        client = bench.client
        client.judge = Judge(bench.catalogue, bench.applicable, latest=lambda: client.recorder.count)
        key = client.dialect.unknown_key()
        request = client.ask("describe", key_id=key).request
        clock = time.perf_counter()
        for _ in range(_ASKED):
            client.ask("describe", key_id=key)
        seconds = time.perf_counter() - clock
        bench.close()
    return seconds, replace(request, url=base + request.target)


def _bench(text: str, place: suite.Path) -> Bench:
    target = parse_target(text, "benchmark.yaml")
    bench = Bench(target, Ledger.of(target, place), keys=0)
    bench.client.sign_in()
    return bench
