"""JSON without its traps: repeated names, NaN, endless numbers, lone surrogates and bad UTF-8 are errors."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


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


def parse(body: bytes) -> Any:  # noqa: ANN401 - JSON holds anything; callers judge the type
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


def encode(value: Any) -> bytes:  # noqa: ANN401 - as parse
    """The JSON of `value`, in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8")
