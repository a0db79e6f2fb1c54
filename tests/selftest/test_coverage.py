"""Everything that the specs say is asked is asked by the requests of a smoke run, or excluded with a reason."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from click.testing import CliRunner

from kms_conformance.apps.selftest.coverage.table import Cell, cells, exclusions
from kms_conformance.apps.selftest.coverage.tally import Coverage, measure, sabotages_of
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.cli import cli
from kms_conformance.core import specs
from kms_conformance.report.answers import Contract, came


@pytest.mark.parametrize("dialect", specs.emulated())
def test_every_cell_is_asked_by_a_smoke_run_or_excluded_and_the_measured_number_of_requests_holds(dialect: str) -> None:
    found = measure(dialect)
    assert found.requests == pytest.approx(specs.facts(dialect)["requests"]["smoke"], rel=0.15)
    assert [str(cell) for cell in found.missing] == []
    catalogue = Catalogue.load(dialect)
    unnamed = [
        f"{requirement}: {refusal}: {operation}"
        for check in found.checks
        for requirement, refusals in check.refused.items()
        for refusal, operations in refusals.items()
        for operation in operations
        if not catalogue[requirement].demands(refusal, operation)
    ]
    assert unnamed == [], "refusals that checks demand and `refusals` in requirements.yaml does not name"
    contract = Contract(Profile.load(dialect), frozenset(catalogue.requirements))
    assert [str(each) for each in came(found.checks) if not contract.documents(each.answer)] == []
    unused = [each.reason for each in found.exclusions if each not in found.excluded]
    assert unused == [], "an exclusion that covers nothing is out of date"


@pytest.mark.parametrize("dialect", specs.emulated())
def test_nothing_critical_is_excluded(dialect: str) -> None:
    critical = [cell for cell in cells(Profile.load(dialect), sabotages_of(dialect)) if cell.critical]
    assert len(critical) > 50
    assert [str(cell) for cell in critical if any(each.covers(cell) for each in exclusions(dialect))] == []


@pytest.mark.parametrize("dialect", specs.emulated())
def test_exclusions_follow_their_schema(dialect: str) -> None:
    schema = json.loads((specs.locate("aws").specs.parent / "schemas" / "coverage.schema.json").read_text())
    jsonschema_rs.validate(schema, specs.load(f"{dialect}/coverage.yaml"))


def test_cell_that_no_request_asks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell("state", "encrypt", "pending_deletion", "alias")
    other = Cell("near miss", "encrypt", "empty", "alias")
    found = Coverage("aws", "smoke", frozenset({cell, other}), frozenset())
    assert found.missing == [cell]
    assert {row["covered"].partition(":")[0] for row in found.to_json()["cells"]} == {"missing", "excluded"}  # type: ignore[attr-defined]
    monkeypatch.setattr("kms_conformance.apps.selftest.coverage.tally.measure", lambda *_: found)
    result = CliRunner().invoke(cli, ["requirements", "--coverage", "--dialect", "aws"])
    assert "encrypt · pending_deletion · alias" in result.output


def test_standard_asks_what_smoke_leaves_to_it() -> None:
    kept = Coverage("aws", "standard", frozenset({Cell("near miss", "encrypt", "empty", "alias")}), frozenset())
    assert kept.missing, "an exclusion of smoke does not hold at standard"
