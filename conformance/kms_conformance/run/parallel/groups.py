"""Targets that one process must test one after another, because they share an endpoint, a clock or a ledger."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from kms_conformance.client.ledger import Ledger
from kms_conformance.target import Target
from kms_conformance.target.urls import is_loopback
from kms_conformance.wire.messages import port_of


def groups_of(targets: Sequence[Target], ledgers: Path | None = None) -> Mapping[str, str]:
    """By name of each target, the name of its group, which is the name of the first target in it.

    Two targets are in one group if they have the same host and port, the same clock, or the same ledger, also by way of
    a third target. Limits of requests and moves of a clock then hold as in a run of one process.

    `ledgers` is the folder of the ledgers; None for the user's state folder.
    """
    group = {target.name: target.name for target in targets}
    owners: dict[Hashable, str] = {}
    for target in targets:
        for shared in _shared(target, ledgers):
            both = {group[target.name], group[owners.setdefault(shared, target.name)]}
            first = next(found for found in group.values() if found in both)
            group = {name: first if found in both else found for name, found in group.items()}
    return group


def available_cores() -> int:
    """The number of cores that this process may use; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _shared(target: Target, ledgers: Path | None) -> Iterator[Hashable]:
    """Everything of a target that another target may have too."""
    yield _server(target.base_url)
    if target.time_control is not None:
        yield _server(target.time_control)
    yield Ledger.of(target, ledgers).path


def _server(url: str) -> tuple[str, int]:
    """Host and port of a URL; all names of this machine are one host."""
    host = "this machine" if is_loopback(url) else (urlsplit(url).hostname or "")
    return host, port_of(url)
