"""Runs all clients at one target, in a clean environment, and schedules their keys for deletion at the end."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kms_conformance.apps.sdk.call import short
from kms_conformance.apps.sdk.registry import ClientError, adapter_of, clients_for
from kms_conformance.apps.sdk.results import ClientResult, SdkReport, StepResult
from kms_conformance.apps.sdk.step_runner import StepRunner
from kms_conformance.apps.sdk.steps import CREATE
from kms_conformance.apps.sdk.vendor_clients import VendorClient, clients
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.core import specs
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import Target

Progress = Callable[[VendorClient, StepResult], None]

# Environment variables (prefixes) that the HTTP libraries of the clients read.
_HTTP_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC", "DEBUG")


@contextmanager
def clean_environment() -> Iterator[None]:
    """Run the clients without the user's credentials, proxies and home directory, and without logging.

    - Home directory: a .netrc in it would replace a signature by a password, and one client writes an id into it.
    - Logging: one client logs whole requests with their signatures.
    """
    before = dict(os.environ)
    disabled = logging.root.manager.disable
    with tempfile.TemporaryDirectory() as home, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prefixes = (
            *_HTTP_VARIABLES,
            *(prefix for each in specs.dialects() for client in clients(each) for prefix in client.environment),
        )
        for name in [name for name in os.environ if name.upper().startswith(prefixes)]:
            del os.environ[name]
        os.environ |= {"HOME": home, "AWS_EC2_METADATA_DISABLED": "true"}
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)
            os.environ.clear()
            os.environ.update(before)


def choose_clients(target: Target, only: str | None) -> tuple[tuple[VendorClient, ...], dict[str, str]]:
    """The clients to run at a target, and for each other client of the dialect the reason why it is left out.

    If `only` is given, only the client of this name is considered. Raises `ClientError` if a package of a client is not
    installed, or if no client can sign in at the target.
    """
    named = [client for client in clients(target.dialect) if only in (None, client.name)]
    way = target.auth.way
    left_out = {
        client.name: f"It needs {' or '.join(sorted(client.ways))}; the target file has {way}."
        for client in named
        if way not in client.ways
    }
    found = clients_for(target, only)
    if not found:
        why = " ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise ClientError(
            f"No client can run at {target.name}.",
            why or f"The dialect {target.dialect} has no client" + (f" {only}." if only else "."),
            "Name a target of the client's dialect, with credentials of a kind that the client supports.",
        )
    with clean_environment():
        for client in found:
            adapter_of(client)
    return found, left_out


def run_clients(
    target: Target, ledger: Ledger, found: Sequence[VendorClient], left_out: dict[str, str], progress: Progress
) -> SdkReport:
    """Run the steps through each client, with one key a client; the keys are scheduled for deletion in any case."""
    started, clock = datetime.now(UTC), time.monotonic()
    target_session = TargetSession(target, ledger, keys=len(found))
    results: list[ClientResult] = []
    exchanges: dict[int, Mapping[str, Any]] = {}
    reason = ""
    with clean_environment():
        try:
            target_session.open()
            for number, client in enumerate(found, 1):
                last = number == len(found)
                steps: list[StepResult] = []
                results.append(ClientResult(client.name, client.versions, ()))
                for step in _steps(target_session, client, to_the_end=last or target_session.pool.room > 0):
                    steps.append(step)
                    if step.is_told:
                        # The records are made now: the log keeps the newest exchanges only.
                        found_now = target_session.client.exchange_log.records(step.exchanges)
                        exchanges |= {record.number: record.as_json() for record in found_now}
                    results[-1] = ClientResult(client.name, client.versions, tuple(steps))
                    progress(client, step)
        except Inconclusive as error:
            reason = str(error)
        finally:
            target_session.end()
    return SdkReport(
        target=target,
        clients=tuple(results),
        left_out=left_out,
        exchanges=tuple(exchanges[number] for number in sorted(exchanges)),
        requests=target_session.client.requests,
        keys_created=target_session.pool.created,
        started=started,
        duration_seconds=time.monotonic() - clock,
        reason=reason,
    )


def _steps(target_session: TargetSession, client: VendorClient, *, to_the_end: bool) -> Iterator[StepResult]:
    """The results of all steps; one inconclusive result if the client cannot be made, as some sign in when made."""
    adapter = adapter_of(client)
    try:
        runner = StepRunner(target_session, client, adapter)
    except Exception as error:  # noqa: BLE001 - any exception of a client is a result
        text = target_session.client.exchange_log.redactor.text(f"{type(error).__name__}: {error}")
        reason = f"The client could not sign in: {short(text)}"
        yield StepResult(CREATE.title, CREATE.operation, adapter.calls["create"], "inconclusive", reason=reason)
        return
    yield from runner.run(to_the_end=to_the_end)
