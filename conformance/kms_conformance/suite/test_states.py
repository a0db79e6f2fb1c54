"""States: a key keeps the state into which it was brought. If it does not, the target's answers prove nothing."""

from __future__ import annotations

from kms_conformance.client.oracle import DISABLED, ENABLED
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("disable.reply", "enable.reply")
def test_key_keeps_its_state(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    kms.accepts("disable.reply", "disable", key_id=key, states=[DISABLED])
    kms.accepts("enable.reply", "enable", key_id=key, states=[ENABLED])
