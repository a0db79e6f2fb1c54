"""Requests and replies as frozen values, and strict JSON; a filter may change a reply just before it is sent."""

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


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - JSON holds anything; callers judge the type
    """The value that `body` holds; raises `ValueError` for whatever is not strictly JSON in UTF-8."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_pairs, parse_float=_finite, parse_constant=_no_constant
        )
        if b"\\u" in body:
            # Only an escape can write a lone surrogate; it has no UTF-8, so it could not be sent back.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def encode_json(value: Any) -> bytes:  # noqa: ANN401 - as parse_json
    """The JSON of `value`, in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8")


Headers = tuple[tuple[str, str], ...]
Silence = Literal["closed", "reset", "broken head", "never"]


@dataclass(frozen=True)
class Inbound:
    """One request. `number` counts from 1; `operation` and `parameters` are what the service made of it.

    `operation` is abstract (`create`, `describe`, `schedule`, …), None where there is no such operation; `parameters`
    are named as on the wire.
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
            # A header that is sent twice counts as one, which no signer has signed.
            result[name.lower()] = value.strip() if known is None else f"{known},{value.strip()}"
        return result

    def header(self, name: str) -> str | None:
        """A header's value without surrounding space, whatever the case of its name."""
        return self._by_name.get(name.lower())

    @cached_property
    def path(self) -> str:
        """The path as sent, percent-encoded; of a target in absolute form, its path."""
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
    """One reply. `body` is what `encode` made of `value`; a header that stands in `headers` is not added again.

    The last fields are for faults on the wire: `chunked` sends the body in chunks; `cut_after` sends so many bytes of
    the body and hangs up; `delay_seconds` waits before anything is sent; `close` hangs up after the reply, and
    `close_unannounced` does so a moment later without a word of it. `silence` sends no reply at all: it closes the
    connection, resets it, breaks off within the head, or waits until the client has gone.
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
    silence: Silence | None = None

    def with_value(self, value: Any) -> Outbound:  # noqa: ANN401 - whatever the service serialises
        """The same reply saying something else."""
        return replace(self, value=value, body=self.encode(value))

    def with_header(self, name: str, value: str | None) -> Outbound:
        """The same reply with one header set, or with None without it."""
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
    """A reply whose body is `value`, encoded."""
    return Outbound(status=status, headers=headers, value=value, encode=encode, body=encode(value), refusal=refusal)
