"""Agreement: the fields of one reply about a key agree with each other and with the next reply."""

from __future__ import annotations

from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("describe.enabled-agrees", "describe.date-agrees", "describe.fields")
def test_fields_of_a_key_agree_in_every_state(kms: Scenario) -> None:
    """Read a key in each state. The rules for every exchange (`client/exchange_rules.py`) judge each reply."""
    key = kms.key(ENABLED)
    for state in (ENABLED, DISABLED, PENDING):
        kms.pool.bring(key, state)
        kms.read(key)
    kms.accepts("cancel.effect", "cancel", key_id=key, states=kms.states_after_cancel)
    kms.read(key)


@requirement("schedule.reply.date", "schedule.reply.window")
def test_reply_to_schedule_tells_what_reads_back(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    answer = kms.accepts("schedule.state-after", "schedule", key_id=key, window=kms.days, states=[PENDING])
    told, window = kms.dialect.scheduled(answer.value)
    read = kms.read(key).deletion_at
    # If no date reads back, describe.date-agrees reports that, and the reply to schedule is not judged.
    if read is not None:
        # Replies may truncate fractions of a second differently.
        same = told is not None and abs((told - read).total_seconds()) <= 1
        kms.judge.that("schedule.reply.date", same, f"the date that reads back, {read}", told, (answer.number,))
    if window is not None:
        kms.judge.that("schedule.reply.window", window == kms.days, kms.days, window, (answer.number,))
