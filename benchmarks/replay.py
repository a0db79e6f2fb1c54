"""Replays recorded requests without the suite: by `requests`, and by `http.client`."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from kms_conformance.wire.messages import Request

Replay = Callable[[str, Sequence[Request]], "Taken"]


@dataclass(frozen=True)
class Taken:
    """Wall-clock seconds, and processor time of this process."""

    seconds: float
    cpu: float

    @classmethod
    @contextmanager
    def measured(cls) -> Iterator[list[Taken]]:
        """Gives a list that has one measurement after the end of the context."""
        found: list[Taken] = []
        clock, cpu = time.perf_counter(), time.process_time()
        yield found
        found.append(cls(time.perf_counter() - clock, time.process_time() - cpu))


def by_requests(base: str, sent: Sequence[Request]) -> Taken:
    """The time of a plain `requests.Session` for these requests: the minimum with this library."""
    with requests.Session() as session, Taken.measured() as taken:
        session.trust_env = False
        for request in sent:
            # Requests that the library refuses to send take no time, which favours the library.
            with suppress(requests.RequestException):
                _ = session.request(
                    request.method,
                    base + request.target,
                    headers=dict(request.headers),
                    data=request.body or None,
                    allow_redirects=False,
                ).content
    return taken[0]


def by_http_client(base: str, sent: Sequence[Request]) -> Taken:
    """The time of `http.client` on one connection: the minimum in Python."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    with Taken.measured() as taken:
        for request in sent:
            try:
                connection.request(
                    request.method, request.target, body=request.body or None, headers=dict(request.headers)
                )
                connection.getresponse().read()
            except (http.client.HTTPException, OSError, ValueError):
                connection.close()
    connection.close()
    return taken[0]
