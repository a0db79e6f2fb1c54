"""The catalogue accounts for every place of the documents, and every entry has a check."""

from __future__ import annotations

import json
from collections import Counter

import jsonschema_rs
import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.families import FAMILIES
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import ANY, Catalogue
from kms_conformance.core import specs
from kms_conformance.suite import checks
from kms_conformance.suite.checks import all_checks

DIALECTS = specs.dialects()
PROFILES = [(dialect, profile) for dialect in DIALECTS for profile in specs.profile_names(dialect)]
# The documents that are normative sentence by sentence; of the others only what is cited is known.
NORMATIVE = [
    (dialect, document.id)
    for dialect in DIALECTS
    for document in Catalogue.load(dialect).documents.values()
    if document.places
]


@pytest.mark.parametrize("kind", ["requirements", "profiles", "clients"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_spec_file_is_valid_by_its_schema(dialect: str, kind: str) -> None:
    schema = json.loads((specs.SPECS / "schemas" / f"{kind}.schema.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema)
    errors = validator.iter_errors(specs.load(f"{dialect}/{kind}.yaml"))
    assert [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in errors] == []


@pytest.mark.parametrize("path", sorted((specs.SPECS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_schema_is_a_json_schema(path) -> None:
    jsonschema_rs.meta.validate(json.loads(path.read_text()))


def test_the_two_normative_documents_are_among_those_with_places() -> None:
    assert sorted(NORMATIVE) == [("alibaba", "schedule-key-deletion"), ("huawei", "cancel-key-deletion")]


@pytest.mark.parametrize(("dialect", "name"), NORMATIVE)
def test_every_place_of_a_normative_document_is_accounted_for(dialect: str, name: str) -> None:
    catalogue = Catalogue.load(dialect)
    document = catalogue.documents[name]
    cited = [source for requirement in catalogue for source in requirement.sources]
    cited += [source for source, _ in catalogue.exclusions]
    places = {(source.section, source.row) for source in cited if source.document == document}
    assert document.places - places == set(), "places that no requirement and no exclusion cites"
    assert places - document.places == set(), "places that the document does not have"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_refusals_of_requirements_are_those_of_a_profile_to_operations_of_the_dialect(dialect: str) -> None:
    profiles = [Profile.load(dialect, name) for name in specs.profile_names(dialect)]
    known = {name for profile in profiles for name in profile.facts["refusals"]}
    operations = {*checks.operation_names(dialect), ANY}
    for requirement in Catalogue.load(dialect):
        assert requirement.refusals.keys() <= known, requirement.id
        assert {name for asked in requirement.refusals.values() for name in asked} <= operations, requirement.id


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_place_is_both_required_and_excluded(dialect: str) -> None:
    catalogue = Catalogue.load(dialect)
    required = {source for requirement in catalogue for source in requirement.sources}
    assert required & {source for source, _ in catalogue.exclusions} == set()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_requirement_has_a_check(dialect: str) -> None:
    checked = checks.checks_by_requirement()
    assert [requirement.id for requirement in Catalogue.load(dialect) if not checked[requirement.id]] == []


def test_every_check_names_a_requirement() -> None:
    known = {requirement.id for dialect in DIALECTS for requirement in Catalogue.load(dialect)}
    for dialect in DIALECTS:
        for check in all_checks(dialect):
            assert check.declared, f"{check.id} names no requirement"
            assert check.declared & known, f"{check.id} names only requirements that no dialect has"


def test_every_named_requirement_exists_in_some_dialect() -> None:
    known = {requirement.id for dialect in DIALECTS for requirement in Catalogue.load(dialect)}
    assert sorted(set(checks.checks_by_requirement()) - known) == []


def test_every_family_of_checks_has_its_place_in_the_order() -> None:
    assert {check.family for dialect in DIALECTS for check in all_checks(dialect)} == set(FAMILIES)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_errata_refer_to_what_exists(dialect: str) -> None:
    catalogue, profile = Catalogue.load(dialect), Profile.load(dialect)
    refusals = profile.facts["refusals"]
    for erratum in catalogue.errata:
        assert set(erratum.requirements) <= set(catalogue.requirements), erratum.id
        assert set(erratum.refusals) <= set(refusals), erratum.id
    ids = Counter(erratum.id for erratum in catalogue.errata)
    assert all(count == 1 for count in ids.values())
    assert {entry["erratum"] for entry in refusals.values() if "erratum" in entry} <= set(ids)


@pytest.mark.parametrize(("dialect", "name"), PROFILES)
def test_lifecycle_names_states_and_refusals_of_the_profile(dialect: str, name: str) -> None:
    profile = Profile.load(dialect, name)
    for operation, by_state in profile.facts["lifecycle"].items():
        assert operation in Api.load(profile).operations or profile.is_lacking(operation)
        assert set(by_state) <= set(profile.facts["states"]), operation
        for refusal in by_state.values():
            assert profile.refusal(refusal).answers


@pytest.mark.parametrize(("dialect", "name"), PROFILES)
def test_answers_of_refusals_are_documented_statuses(dialect: str, name: str) -> None:
    """A reply that a refusal accepts must not break `reply.status` on the operations that meet it."""
    profile = Profile.load(dialect, name)
    api = Api.load(profile)
    for operation, by_state in profile.facts["lifecycle"].items():
        if profile.is_lacking(operation):
            continue
        for refusal in {*by_state.values(), "unknown_key", "malformed_key"}:
            statuses = {answer.status for answer in profile.refusal(refusal).answers}
            assert statuses <= set(api[operation].replies), f"{operation}, {refusal}"


def test_profiles_differ_only_in_what_they_name() -> None:
    assert Profile.load("alibaba", "alibaba-cloud").window.maximum == 366
    assert Profile.load("alibaba", "alibaba-cloud").window.minimum == Profile.load("alibaba").window.minimum == 7
    assert Profile.load("huawei", "otc").refusal("bad_token") == Profile.load("huawei").refusal("bad_token")
    assert [str(Profile.load("huawei", name).refusal("unknown_key")) for name in ("documents", "otc", "otc-swiss")] == [
        "404 KMS.0207",
        "404 KMS.0207 or 400 KMS.0205",
        "400 KMS.0205 or 404 KMS.0207",
    ]


def test_no_key_may_stand_twice_in_a_spec_file() -> None:
    with pytest.raises(specs.yaml.YAMLError, match="occurs twice"):
        specs.parse_yaml("a: 1\na: 2\n")
