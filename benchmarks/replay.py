"""The same requests once more, without anything that judges them: by `requests`, and by what lies below it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import requests

from conformance.wire.messages import Request

Replay = Callable[[str, Sequence[Request]], float]


def by_requests(base: str, sent: Sequence[Request]) -> float:
    """Seconds that a bare `requests.Session` takes for these requests: the floor for this library."""
    with requests.Session() as session:
        session.trust_env = False
        clock = time.perf_counter()
        for request in sent:
            # What it refuses to send at all costs it nothing, and is to its advantage.
            with suppress(requests.RequestException):
                _ = session.request(
                    request.method,
                    base + request.target,
                    headers=dict(request.headers),
                    data=request.body or None,
                    allow_redirects=False,
                ).content
        return time.perf_counter() - clock


def by_http_client(base: str, sent: Sequence[Request]) -> float:
    """Seconds that `http.client` takes for them on one connection: the floor of Python itself."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    clock = time.perf_counter()
    for request in sent:
        try:
            connection.request(request.method, request.target, body=request.body or None, headers=dict(request.headers))
            connection.getresponse().read()
        except (http.client.HTTPException, OSError, ValueError):
            connection.close()
    seconds = time.perf_counter() - clock
    connection.close()
    return seconds
