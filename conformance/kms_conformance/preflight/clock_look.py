"""A look, before anything is judged, whether `time_control` moves the clock of the target itself.

A clock beside the server can move without it: libfaketime moves no static program, no container and no other host. The
server then keeps its keys after a date that never came, which is a mistake in the target file and none of the server.
"""

from __future__ import annotations

from datetime import datetime

from kms_conformance.auth import SignInFailed
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.time_control import LOOK, STILL
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import Target, TargetError
from kms_conformance.wire.dates import http_date


def refuse_still_clock(target: Target) -> None:
    """Raise `TargetError` if the clock of a target, said to move everything, does not move its `Date` headers.

    One step of the clock is made and read back by two requests that change nothing. A target without such a header, or
    one that does not serve, is not refused: the run looks at the date of a key that it creates (`TimeControl`).
    """
    if target.time_control is None or target.clock_moves != "everything":
        return
    target_session = TargetSession(target, Ledger.of(target), keys=0)
    try:
        target_session.client.sign_in()
        before = _date(target_session)
        target_session.time.advance(LOOK.total_seconds())
        after = _date(target_session)
    except (Inconclusive, SignInFailed):
        # The run itself meets the same error, and reports it.
        return
    finally:
        target_session.client.close()
    if before is not None and after is not None and after - before < LOOK / 2:
        minutes = LOOK.total_seconds() / 60
        raise TargetError(
            f"The clock of the target {target.name} does not move.",
            f"Its time_control said that {minutes:.0f} minutes passed; the Date headers of its replies show "
            f"{(after - before).total_seconds():.0f} seconds.",
            STILL,
        )


def _date(target_session: TargetSession) -> datetime | None:
    """The `Date` header of a reply; refused requests have one as well."""
    answer = target_session.client.look("list")
    return None if answer is None else http_date(answer.reply.header("Date"))
