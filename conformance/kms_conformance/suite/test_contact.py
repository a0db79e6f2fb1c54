"""First contact: three harmless requests before a key is created."""

from __future__ import annotations

from contextlib import suppress

from kms_conformance.client.judge import Inconclusive
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("unknown-key.describe", "error.shape")
def test_key_that_nobody_has_is_not_found(kms: Scenario) -> None:
    answer = kms.ask("describe", key_id=kms.dialect.unknown_key())
    kms.must_be_refused("unknown-key.describe", "unknown_key", answer)


@requirement("list.reply")
def test_listed_key_is_described(kms: Scenario) -> None:
    """Describe the first listed key. If no key is listed, or we may not read this key, only the list is judged."""
    answer = kms.accepts("list.reply", "list")
    for key in sorted(kms.dialect.page(answer.value).ids)[:1]:
        with suppress(Inconclusive):
            kms.read(key)
