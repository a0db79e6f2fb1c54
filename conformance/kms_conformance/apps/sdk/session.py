"""A run of all clients at one target, from signing in to letting the keys go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from kms_conformance.apps.sdk.call import numbers_of
from kms_conformance.apps.sdk.isolation import as_nobody
from kms_conformance.apps.sdk.known import VendorClient, clients
from kms_conformance.apps.sdk.outcome import ClientResult, SdkReport, StepResult
from kms_conformance.apps.sdk.registry import ClientError, adapter_of, at
from kms_conformance.apps.sdk.step_runner import StepRunner
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import Target

Progress = Callable[[VendorClient, StepResult], None]


def chosen(target: Target, only: str | None) -> tuple[tuple[VendorClient, ...], dict[str, str]]:
    """The clients that can sign in at a target, all installed, and by name why others are left out.

    `only` names one. Raises `ClientError` where a package is missing or none is left.
    """
    named = [client for client in clients(target.dialect) if only in (None, client.name)]
    way = target.auth.way
    left_out = {
        client.name: f"It signs in by {' or '.join(sorted(client.ways))}; the target file has {way}."
        for client in named
        if way not in client.ways
    }
    found = at(target, only)
    if not found:
        why = " ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise ClientError(
            f"No client can be run at {target.name}.",
            why or f"The dialect {target.dialect} has no client" + (f" {only}." if only else "."),
            "Name a target of the client's dialect, with credentials that it knows.",
        )
    with as_nobody():
        for client in found:
            adapter_of(client)
    return found, left_out


def play(
    target: Target, ledger: Ledger, found: Sequence[VendorClient], left_out: dict[str, str], progress: Progress
) -> SdkReport:
    """Play the steps through each client, one key a client; whatever happens, the keys are let go at the end."""
    started, clock = datetime.now(UTC), time.monotonic()
    target_session = TargetSession(target, ledger, keys=len(found))
    results: list[ClientResult] = []
    reason = ""
    with as_nobody():
        try:
            target_session.open()
            for number, client in enumerate(found, 1):
                last = number == len(found)
                player = StepRunner(target_session, client, adapter_of(client))
                steps: list[StepResult] = []
                results.append(ClientResult(client.name, client.versions, ()))
                for step in player.play(to_the_end=last or target_session.pool.room > 0):
                    steps.append(step)
                    results[-1] = ClientResult(client.name, client.versions, tuple(steps))
                    progress(client, step)
        except Inconclusive as error:
            reason = str(error)
        finally:
            target_session.end()
    cited = numbers_of([step for result in results for step in result.steps])
    return SdkReport(
        target=target,
        clients=tuple(results),
        left_out=left_out,
        exchanges=tuple(record.as_json() for record in target_session.client.recorder.records(cited)),
        requests=target_session.client.requests,
        keys_created=target_session.pool.created,
        started=started,
        duration_seconds=time.monotonic() - clock,
        reason=reason,
    )
