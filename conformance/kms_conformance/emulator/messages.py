"""Requests and replies as frozen values, filters that change a reply before it is sent, and strict JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NoReturn


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice")
    return result


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value; callers check the type
    """Parse JSON in UTF-8; raises `ValueError` for duplicate names, NaN, infinity, deep nesting, and invalid UTF-8."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_pairs, parse_float=_finite, parse_constant=_no_constant
        )
        if b"\\u" in body:
            # An escape can stand for half of a surrogate pair, which a reply in UTF-8 cannot contain.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def encode_json(value: Any) -> bytes:  # noqa: ANN401 - as parse_json
    """`value` as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


Headers = tuple[tuple[str, str], ...]
Silence = Literal["closed", "reset", "broken head", "never"]


@dataclass(frozen=True)
class Inbound:
    """One request.

    - number: the position of the request among all requests to this emulator, counted from 1.
    - target: path and query as sent.
    - operation: the name that all dialects share (`create`, `describe`, `schedule`, …); None for an unknown operation.
    - parameters: the parameters under the names that the request uses.

    The API of the dialect fills in `operation` and `parameters`.
    """

    number: int
    method: str
    target: str
    headers: Headers
    body: bytes
    operation: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _by_name(self) -> dict[str, str]:
        result: dict[str, str] = {}
        for name, value in self.headers:
            known = result.get(name.lower())
            # The values of a header that is sent twice are joined (RFC 9110, 5.2). A signature of one value fails then.
            result[name.lower()] = value.strip() if known is None else f"{known},{value.strip()}"
        return result

    def header(self, name: str) -> str | None:
        """The value of a header without surrounding whitespace; the case of `name` does not matter."""
        return self._by_name.get(name.lower())

    @cached_property
    def path(self) -> str:
        """The path as sent, percent-encoded. If the request target is an absolute URL, the path of that URL."""
        target = self.target.partition("?")[0].partition("#")[0]
        if "://" in target and not target.startswith("/"):
            return "/" + target.partition("://")[2].partition("/")[2]
        return target

    @cached_property
    def query(self) -> str:
        """The query as sent, percent-encoded, without the question mark."""
        return self.target.partition("?")[2].partition("#")[0]


@dataclass(frozen=True)
class Outbound:
    """One reply.

    - headers: the server adds others, such as Date and Content-Length, if they are not in this list.
    - value, encode, body: `body` is `value`, encoded by `encode`.
    - refusal: the name of the refusal in the profile; None for a success.

    The other fields are for faults of the connection:

    - chunked: the body is sent in chunks.
    - cut_after: the connection is closed after this many bytes of the body.
    - delay_seconds: the server waits before it sends the reply.
    - close: the connection is closed after the reply.
    - close_unannounced: the same, without a `Connection: close` header, a little later.
    - close_later_seconds: the connection is closed, without a `Connection: close` header, this long after its first
      reply; meanwhile it serves other requests. 0: it is not.
    - silence: no complete reply is sent. The server closes the connection ("closed"), resets it ("reset"), closes it
      within the head ("broken head"), or waits until the client closes it ("never").
    """

    status: int
    headers: Headers
    value: Any
    encode: Callable[[Any], bytes]
    body: bytes
    refusal: str | None = None
    chunked: bool = False
    cut_after: int | None = None
    delay_seconds: float = 0.0
    close: bool = False
    close_unannounced: bool = False
    close_later_seconds: float = 0.0
    silence: Silence | None = None

    def with_value(self, value: Any) -> Outbound:  # noqa: ANN401 - whatever the service serialises
        """The same reply with another value, encoded again."""
        return replace(self, value=value, body=self.encode(value))

    def with_header(self, name: str, value: str | None) -> Outbound:
        """The same reply with one header set, or without this header if `value` is None."""
        others = tuple((n, v) for n, v in self.headers if n.lower() != name.lower())
        return replace(self, headers=others if value is None else (*others, (name, value)))


Filter = Callable[[Inbound, Outbound], Outbound]


def reply(
    status: int,
    headers: Headers,
    value: Any,  # noqa: ANN401 - as Outbound.value
    encode: Callable[[Any], bytes],
    refusal: str | None = None,
) -> Outbound:
    """A reply with the encoded `value` as its body."""
    return Outbound(status=status, headers=headers, value=value, encode=encode, body=encode(value), refusal=refusal)
