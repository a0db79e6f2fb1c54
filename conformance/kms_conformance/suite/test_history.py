"""History: after any changes, however many, a key and its neighbour are as the documents predict."""

from __future__ import annotations

from kms_conformance.suite.history import Histories
from kms_conformance.suite.marks import asks, requirement
from kms_conformance.suite.scenario import Scenario


@requirement("lifecycle.sequence")
@asks("enable", "disable")
def test_every_sequence_of_changes_leads_where_the_documents_predict(kms: Scenario) -> None:
    """Walk every sequence of changes of the tier's length on one key, with changes of another key in between.

    At higher tiers, sequences with requests that must be refused follow. Narrower requirements that a step breaks are
    judged too.
    """
    histories = Histories(kms)
    try:
        kms.client.findings.observe(histories.walk(kms.effort.history))
        if kms.effort.refused_history:
            kms.client.findings.observe(histories.walk(kms.effort.refused_history, refused=True))
    finally:
        histories.close()
