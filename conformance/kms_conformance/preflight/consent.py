"""Consent for real accounts: a run needs the owner's permission, and no other run may use the same account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kms_conformance.auth import SignInFailed
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.time_control import reach_of_run
from kms_conformance.core.tier import EFFORTS, Tier
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.account import keys_in_use
from kms_conformance.preflight.clock_look import refuse_still_clock
from kms_conformance.preflight.clock_moves import ClockMoves, Reach, clock_moves, refuse, refuse_unseen
from kms_conformance.target import Target, TargetError

_MOST_SHOWN = 5


def question(target: Target, tier: Tier) -> str:
    """The question that the user answers before a run; the text says what the run does to the account."""
    more = ""
    if target.time_control:
        more = " at once, and twice as many in place of those that end because it moves the clock,"
    return _question(target, f"A run at tier {tier}", EFFORTS[tier].keys, more)


def question_of_clients(target: Target, clients: int) -> str:
    """The question before a run through `clients` clients of vendors, each of which creates a key."""
    return _question(target, "A run through the vendors' clients", clients)


def _question(target: Target, run: str, most: int, more: str = "") -> str:
    keys = min(most, target.limits.max_keys)
    days = Profile.load(target.dialect, target.profile).window.minimum
    return (
        f"{target.name} ({target.shown_url}) is not on this machine. {run} creates at most {keys} keys{more}"
        f" there; at the end they are scheduled for deletion, and are gone after {days} days. Continue?"
    )


def run_reach(tier: Tier) -> Callable[[Target], Reach]:
    """The function that tells how far a run at this tier moves the clock of a target."""
    return lambda target: reach_of_run(Profile.load(target.dialect, target.profile), tier)


def require(
    targets: Iterable[Target], *, given: bool, mark: str = "", reach_of: Callable[[Target], Reach] | None = None
) -> None:
    """As `require_or_still`; raises `TargetError` too if it could not be looked up what a clock ends."""
    named = tuple(targets)
    still = require_or_still(named, given=given, mark=mark, reach_of=reach_of)
    for target in named:
        if target.name in still:
            refuse_unseen(target, still[target.name])


def require_or_still(
    targets: Iterable[Target], *, given: bool, mark: str = "", reach_of: Callable[[Target], Reach] | None = None
) -> Mapping[str, ClockMoves]:
    """The targets whose clock must not be moved, because it could not be looked up what ends by that.

    Raise `TargetError` for a real account whose owner has not consented, or that another run uses.

    Raised too if the clock of a target is moved, keys of others end by that, and the user has not consented; and if the
    clock that moves everything does not move the target.

    - `given`: true if the user consented on the command line.
    - `mark`: the prefix of run ids of the shard that will run; empty for a run without shards.
    - `reach_of`: how far the clock of a target is moved; None if no clock is moved.
    """
    still: dict[str, ClockMoves] = {}
    for target in targets:
        if target.is_real:
            _require_for_account(target, given=given, mark=mark)
        if reach_of is not None:
            moves = None if given else clock_moves(target, reach_of(target))
            refuse(target, moves)
            if moves is not None and moves.unseen:
                still[target.name] = moves
            if not mark:
                # A shard looks when it holds the clock: other shards would take the step for passed time.
                refuse_still_clock(target)
    return still


def _require_for_account(target: Target, *, given: bool, mark: str) -> None:
    if not (given or target.real_account):
        raise TargetError(
            f"The target {target.name} is not on this machine, so a run needs your consent.",
            "It creates keys in that account and schedules them for deletion; `doctor` says how many.",
            "Add --yes, or write `real_account: true` into the target file.",
        )
    _refuse_collisions(target, mark)


def _refuse_collisions(target: Target, mark: str) -> None:
    ledger = Ledger.of(target, mark=mark)
    target_session = TargetSession(target, ledger, keys=0)
    try:
        target_session.client.sign_in()
        found = tuple(keys_in_use(target_session.pool, ledger, target_session.pool.list_keys()))
    except (Inconclusive, SignInFailed):
        # The run itself will meet the same error, report it, and be inconclusive.
        return
    finally:
        target_session.client.close()
    if found:
        shown = "\n".join(f"  {key} ({marker})" for key, marker in found[:_MOST_SHOWN])
        more = f"\n  and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        raise TargetError(
            f"The account of the target {target.name} is in use by another run, or has keys that one left behind.",
            target_session.client.exchange_log.redactor.text(
                f"These keys have this suite's marker and are not in the ledger {ledger.path}:\n{shown}{more}"
            ),
            "Wait until that run has ended. If none is running, copy its ledger here and run "
            "`kms-conformance sweep --target FILE`, or schedule these keys for deletion by hand.",
        )
