"""Overhead of the suite: a run compared with a replay of the same requests without the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from benchmarks import servers, suite
from benchmarks.capture import FINISH, Part
from benchmarks.measure import Figure, Ratio, Result
from benchmarks.replay import Replay, Taken, by_http_client, by_requests
from kms_conformance.client.judge import Judge
from kms_conformance.client.ledger import Ledger
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import parse_target
from kms_conformance.wire.messages import Request

_TARGET = 1.6
_FLOORS: tuple[tuple[str, Replay], ...] = (("requests.Session", by_requests), ("http.client", by_http_client))
# Requests to the server with a fixed reply.
_ASKED = 600


def on_the_emulator(dialect: str, rounds: int) -> Iterator[Result]:
    """Scenarios and lifecycle model at tier standard, each compared with a replay; without fuzzing."""
    found: dict[tuple[str, str], list[tuple[Taken, Taken]]] = {}
    ends: list[float] = []
    for _ in range(rounds):
        done = suite.run(dialect, "standard", "-k", "not fuzzing")
        ends += [part.seconds for part in done.parts if part.check == FINISH]
        for name, chosen in _CHOICES:
            parts = [part for part in done.parts if chosen(part)]
            sent = [request for part in parts for _, request in part.requests]
            for floor, replay in _FLOORS:
                ours = Taken(sum(part.seconds for part in parts), sum(part.cpu for part in parts))
                with servers.emulators(dialect) as served:
                    found.setdefault((name, floor), []).append((ours, replay(_base(served.targets[0]), sent)))
    for (name, floor), taken in found.items():
        yield from _ratios(f"{dialect}: {name}", floor, taken, _TARGET if floor == "requests.Session" else None)
    yield Figure("overhead", f"{dialect}: keys let go and reports written", tuple(ends), "s")


def _is_lifecycle(part: Part) -> bool:
    return part.family == "lifecycle"


def _is_scenario(part: Part) -> bool:
    return part.family not in {"lifecycle", "fuzzing"} and part.check != FINISH


_CHOICES: tuple[tuple[str, Callable[[Part], bool]], ...] = (("scenarios", _is_scenario), ("lifecycle", _is_lifecycle))


def on_canned_bytes(rounds: int) -> Iterator[Result]:
    """One operation, signed, recorded and judged, against a server with a fixed reply."""
    found: dict[str, list[tuple[Taken, Taken]]] = {name: [] for name, _ in _FLOORS}
    with servers.emulators("huawei") as served:
        reply = _described(served.targets[0])
    for _ in range(rounds):
        with servers.canned(reply) as base:
            ours, request = _asked(base)
            for name, replay in _FLOORS:
                found[name].append((ours, replay(base, [request] * _ASKED)))
    for name, taken in found.items():
        yield from _ratios("canned bytes: a key described", name, taken, None)


def _ratios(name: str, floor: str, taken: Sequence[tuple[Taken, Taken]], target: float | None) -> Iterator[Result]:
    """Ratios of wall-clock time, which the target is for, and of processor time, which other load does not change."""
    ours, other = zip(*taken, strict=True)
    seconds = tuple(each.seconds for each in ours), tuple(each.seconds for each in other)
    yield Ratio("overhead", name, floor, *seconds, target=target)
    work = tuple(each.cpu for each in ours), tuple(each.cpu for each in other)
    yield Ratio("overhead", f"{name}, processor time", floor, *work)


def _base(target: str) -> str:
    return str(yaml.safe_load(target)["base_url"])


def _described(text: str) -> bytes:
    """The bytes of a reply to `describe`, with `%08d` as its request id."""
    with suite.folder() as place:
        target_session = _target_session(text, place)
        key = target_session.client.dialect.page(target_session.client.ask("list").value).ids[0]
        reply = target_session.client.ask("describe", key_id=key).reply
        target_session.close()
    kept = [(name, value) for name, value in reply.headers if name.lower() not in {"content-length", "connection"}]
    identified = [(name, "%08d" if name.lower() == "x-request-id" else value) for name, value in kept]
    head = "".join(f"{name}: {value}\r\n" for name, value in [*identified, ("Content-Length", str(len(reply.body)))])
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + reply.body


def _asked(base: str) -> tuple[Taken, Request]:
    with servers.emulators("huawei") as served:
        text = served.targets[0]
    document = yaml.safe_load(text) | {"base_url": base}
    document.pop("time_control")
    with suite.folder() as place:
        target_session = _target_session(yaml.safe_dump(document), place)
        client = target_session.client
        take = client.start_findings().take
        judge = Judge(
            target_session.catalogue, target_session.applicable, latest=lambda: client.exchange_log.count, take=take
        )
        key = client.dialect.unknown_key()
        request = client.ask("describe", key_id=key).request
        with Taken.measured() as taken:
            for _ in range(_ASKED):
                client.ask("describe", key_id=key)
                judge.record(())
        target_session.close()
    return taken[0], replace(request, url=base + request.target)


def _target_session(text: str, place: Path) -> TargetSession:
    target = parse_target(text, "benchmark.yaml")
    target_session = TargetSession(target, Ledger.of(target, place), keys=0)
    target_session.client.sign_in()
    return target_session
