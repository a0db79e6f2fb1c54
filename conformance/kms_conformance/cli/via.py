"""`run --via`: runs the key lifecycle through the vendors' SDK clients instead of our own HTTP session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from kms_conformance.apps.sdk.registry import clients_for
from kms_conformance.apps.sdk.results import EXIT_CODES, SdkReport, StepResult, paths, write
from kms_conformance.apps.sdk.session import choose_clients, run_clients
from kms_conformance.apps.sdk.show import show
from kms_conformance.apps.sdk.vendor_clients import VendorClient, ways_of_clients
from kms_conformance.catalogue.profile import Profile
from kms_conformance.cli._common import clock_confirmed, confirmed
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.time_control import reach_of_clients
from kms_conformance.core.folders import ReportsLock, try_ledgers
from kms_conformance.preflight.clock_moves import Reach
from kms_conformance.preflight.consent import question_of_clients, require
from kms_conformance.report import files
from kms_conformance.report.text.screen import Screen
from kms_conformance.run.emulators import Emulators
from kms_conformance.target import Target, TargetError, load_targets
from kms_conformance.verdict.decide import worst_exit_code


def run_via(given: tuple[str, ...], reports: Path, only: str | None, *, consent: bool) -> int:
    """Run the clients of each target's dialect, or only the client named `only`; returns the exit code.

    Without a target, the built-in emulator is used: in every dialect, with every way to sign in that a client has.

    Two errors are raised before any request: `ClientError` if a client cannot be used, and `TargetError` if neither
    `consent` nor the target file permits the use of a real account.
    """
    held = ReportsLock(reports)
    screen = Screen()
    emulators = Emulators(reports / "targets")
    try:
        names = given or emulators.start_for_ways(ways_of_clients(only))
        targets = load_targets([Path(name) for name in names])
        for target in targets:
            _refuse_moved_signatures(target)
        require(targets, given=consent, reach_of=_reach_of(only))
        plans = [(target, *choose_clients(target, only)) for target in targets]
        places = paths(reports, [target.name for target in targets])
        for place in places.values():
            # The document of an earlier run is removed, because it would mislead if this run does not finish.
            files.remove(place)
        state = None if given else reports / "ledger"
        for target in targets:
            try_ledgers(Ledger.of(target, state).path.parent)
        results: list[SdkReport] = []
        for target, found, left_out in plans:
            report = run_clients(target, Ledger.of(target, state), found, left_out, _Progress(screen, target))
            write(places[target.name], report)
            results.append(report)
            show(report, places[target.name], screen)
        return worst_exit_code(EXIT_CODES[report.result] for report in results)
    finally:
        emulators.stop()
        held.release()


def via_confirmed(targets: Iterable[Target], only: str | None) -> bool:
    """Ask the user to confirm a run through clients; see `confirmed` and `clock_confirmed`."""
    named = tuple(targets)
    agreed = confirmed(named, lambda target: question_of_clients(target, len(clients_for(target, only))))
    return clock_confirmed(named, _reach_of(only)) or agreed


def _reach_of(only: str | None) -> Callable[[Target], Reach]:
    """How far the clients move the clock of a target."""
    return lambda target: reach_of_clients(Profile.load(target.dialect, target.profile), len(clients_for(target, only)))


def _refuse_moved_signatures(target: Target) -> None:
    """Raise `TargetError` if all time of a target can be moved: vendors' clients sign by the time of this machine."""
    if target.clock_moves == "everything":
        raise TargetError(
            f"The target {target.name} cannot be used with the vendors' clients.",
            "Its time_control moves everything, and the clients sign by the time of this machine.",
            "Remove time_control from the target file: the clients then leave the end of the waiting period open.",
        )


class _Progress:
    """Progress on a terminal: a line after the first step of each client, because some clients wait for seconds."""

    def __init__(self, screen: Screen, target: Target) -> None:
        self._screen = screen
        self._target = target
        self._shown = ""

    def __call__(self, client: VendorClient, step: StepResult) -> None:
        if self._shown != client.name:
            self._shown = client.name
            self._screen.write_line(f"{self._target.name}: {client.name}")
