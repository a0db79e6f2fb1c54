"""Which keys of others end because a command moves the target's clock; looked up before it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_conformance.auth import SignInFailed
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import PENDING
from kms_conformance.core.text import counted
from kms_conformance.keys.bystanders import read_each
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.account import MOST_LOOKED_AT
from kms_conformance.target import Target, TargetError

_MOST_SHOWN = 5

#: By how far a command moves the clock; None: any time.
Reach = timedelta | None


@dataclass(frozen=True)
class EndingKey:
    """A pending key of others whose deletion date the clock may pass; `date` is None if the target shows none."""

    key: str
    date: datetime | None

    def __str__(self) -> str:
        return f"{self.key} ({'no date shown' if self.date is None else f'until {self.date:%Y-%m-%d %H:%M} UTC'})"


@dataclass(frozen=True)
class ClockMoves:
    """The effect of a command on the keys of others.

    - ending: the pending keys that may be gone after it.
    - unread: the number of listed keys that were not read or may not be described; whether they end is not known.
    - unseen: why nothing could be looked up; empty if it could.
    """

    reach: Reach
    ending: tuple[EndingKey, ...]
    unread: int
    unseen: str = ""

    @property
    def harmless(self) -> bool:
        """Whether no key of others ends."""
        return not self.ending and not self.unread

    @property
    def by(self) -> str:
        """How far the clock is moved, as text."""
        return "by a time that is not known before" if self.reach is None else f"by at most {days(self.reach)}"

    def lines(self) -> Iterator[str]:
        """The keys that may end, a line each, and the number of those that could not be read."""
        yield from (str(each) for each in self.ending[:_MOST_SHOWN])
        if len(self.ending) > _MOST_SHOWN:
            yield f"and {len(self.ending) - _MOST_SHOWN} more"
        if self.unread:
            yield f"{counted(self.unread, 'key')} that could not be read: whether they are pending is not known"


def days(reach: timedelta) -> str:
    """A time in whole days, rounded up, as text."""
    return counted(-(-reach // timedelta(days=1)), "day")


def clock_moves(target: Target, reach: Reach) -> ClockMoves | None:
    """What a command ends at a target, by requests that change nothing.

    None if nothing need be said: the clock cannot be moved, or the target file says that no key there matters. If the
    target does not serve, it is asked once more, and `unseen` tells why nothing is known.
    """
    if target.time_control is None or target.disposable:
        return None
    found = _looked_up(target, reach)
    return _looked_up(target, reach) if found.unseen else found


def _looked_up(target: Target, reach: Reach) -> ClockMoves:
    ledger = Ledger.of(target)
    target_session = TargetSession(target, ledger, keys=0)
    try:
        target_session.client.sign_in()
        return moves_of(target_session, ledger, target_session.pool.list_keys(), reach)
    except (Inconclusive, SignInFailed) as error:
        reason = error.reason if isinstance(error, Inconclusive) else f"{error.what} {error.why}"
        return ClockMoves(reach, (), 0, target_session.client.exchange_log.redactor.text(reason))
    finally:
        target_session.client.close()


def moves_of(target_session: TargetSession, ledger: Ledger, listed: tuple[str, ...], reach: Reach) -> ClockMoves:
    """As `clock_moves`, in a session that has signed in and listed the keys. Raises `Inconclusive`."""
    ours = {record.key for record in ledger.records().values()}
    others = [key for key in listed if key not in ours]
    views = read_each(target_session.pool, others[:MOST_LOOKED_AT])
    pending = [
        (key, view.deletion_at)
        for key, view in views.items()
        if view.state == PENDING and not (view.description or "").startswith(MARKER_PREFIX)
    ]
    ending: list[EndingKey] = []
    if pending:
        limit = None if reach is None else target_session.time.now() + reach
        clean = target_session.client.exchange_log.redactor.text
        ending = [
            EndingKey(clean(key), date) for key, date in pending if limit is None or date is None or date <= limit
        ]
    return ClockMoves(reach, tuple(ending), len(others) - len(views))


def question(target: Target, moves: ClockMoves) -> str:
    """The question to the user before a command that may end keys of others."""
    shown = "\n".join(f"  {line}" for line in moves.lines())
    return (
        f"{target.name} ({target.shown_url}) offers time_control, and its clock is moved {moves.by}. These keys of"
        f" others may be gone after that:\n{shown}\nContinue?"
    )


def refuse_unseen(target: Target, moves: ClockMoves | None) -> None:
    """Raise `TargetError` if it could not be looked up whether keys of others end, and nobody has agreed to that."""
    if moves is not None and moves.unseen:
        raise TargetError(
            f"The clock of the target {target.name} is moved {moves.by}, which may end keys of others.",
            f"Whether there are such keys could not be looked up: {moves.unseen}",
            "Run again when the endpoint serves, or add --yes. If no key at this endpoint matters, write "
            "`disposable: true` into the target file.",
        )


def refuse(target: Target, moves: ClockMoves | None) -> None:
    """Raise `TargetError` if keys of others may end and nobody has agreed to that."""
    if moves is None or moves.harmless:
        return
    shown = "\n".join(f"  {line}" for line in moves.lines())
    raise TargetError(
        f"The clock of the target {target.name} is moved {moves.by}, which may end keys of others.",
        f"These keys are not ours and may be gone after that:\n{shown}",
        "Add --yes if that is right. If no key at this endpoint matters, write `disposable: true` into the target "
        "file; without time_control, no clock is moved.",
    )
