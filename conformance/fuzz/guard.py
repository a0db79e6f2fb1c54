"""The last look at a request before it leaves: nothing of anybody else's may be changed by it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_plus
from weakref import WeakKeyDictionary

from conformance.catalogue.api import READ_ONLY
from conformance.judge import Inconclusive
from conformance.pool import Pool
from conformance.wire.messages import Request

_FOREIGN: WeakKeyDictionary[Pool, frozenset[str]] = WeakKeyDictionary()


def foreign_keys(pool: Pool, known: Iterable[str]) -> frozenset[str]:
    """The ids of all keys that are not ours, listed once a run; only `known` where the target cannot list.

    Even without a list nothing of theirs is hit: every well-formed id that may change a key is a random one.
    """
    if pool not in _FOREIGN:
        try:
            listed = frozenset(pool.census())
        except Inconclusive:
            listed = frozenset()
        _FOREIGN[pool] = (listed | frozenset(known)) - pool.ever
    return _FOREIGN[pool] - pool.ever


def may_be_sent(request: Request, operation: str, foreign: frozenset[str]) -> bool:
    """Whether a request changes nothing, or names no key of somebody else's, in whatever field and form."""
    if operation in READ_ONLY:
        return True
    text = f"{unquote_plus(request.url)} {request.body.decode('utf-8', 'replace')}".lower()
    return not any(key.lower() in text for key in foreign)
