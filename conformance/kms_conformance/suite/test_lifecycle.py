"""Lifecycle model: random walks of operations, with each reply and state compared with the oracle's prediction."""

from __future__ import annotations

from kms_conformance.client.judge import Inconclusive
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("lifecycle.sequence")
def test_any_sequence_leads_where_the_documents_predict(kms: Scenario) -> None:
    """Send random operations for two keys in every state, with windows at the bounds; move the clock if possible."""
    # Imported late: the import of Hypothesis takes 0.3 s, and no other check needs it.
    from kms_conformance.suite.lifecycle import walk  # noqa: PLC0415

    walk(kms)
    if not kms.judge.broken and "lifecycle.sequence" not in kms.judge.passes:
        raise Inconclusive("No step of the lifecycle model could be taken.")
