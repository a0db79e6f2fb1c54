"""What the fuzzing is put together from, without a target."""

from __future__ import annotations

import json
from functools import cache
from random import Random

import pytest

from kms_conformance.apps.selftest.runner import preload_drawn
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile, Window
from kms_conformance.client.oracle import ENABLED
from kms_conformance.core import specs
from kms_conformance.core.tier import EFFORTS
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import Dialect, KeyView
from kms_conformance.suite.draw_cache import NO_CACHE
from kms_conformance.suite.fuzz.draft import Draft, find_location, path_values
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.operations import draw
from kms_conformance.suite.fuzz.review import broken_by, days_in
from kms_conformance.suite.fuzz.targeting import Targeting
from kms_conformance.suite.test_fuzzing import NORMATIVE
from kms_conformance.wire.failures import unsendable
from kms_conformance.wire.messages import Request

OURS = KeyView("77958785-dd96-42c4-9554-d910334ca73c", ENABLED, None, None, "", {"Arn": "acs:kms:x:1:key/ours"})
FOREIGN = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
JSON = (("Content-Type", "application/json"),)


@cache
def dialect_of(name: str) -> tuple[Dialect, Api]:
    profile = Profile.load(name)
    return adapter(profile, "https://kms.example.com/base", "p" * 32), Api.load(profile)


def targeting_of(name: str, operation: str) -> Targeting:
    dialect, api = dialect_of(name)
    return Targeting(dialect, api, api[operation], Random(1))  # noqa: S311 - repeatable


# --- drafts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", specs.dialects())
def test_drafts_are_repeatable_and_of_both_kinds(dialect: str) -> None:
    _, api = dialect_of(dialect)

    def drafts(seed: int) -> tuple[Draft, ...]:
        return Generator(api).drafts(api["cancel"].id, 3, seed, thorough=True)

    drafts(5)  # modules that are loaded meanwhile give Hypothesis ideas
    found = drafts(5)
    assert found == drafts(5)
    assert found != drafts(6)
    assert {draft.positive for draft in found} == {True, False}
    assert len({draft.content for draft in found}) == len(found)


@pytest.mark.parametrize("dialect", specs.dialects())
def test_drafts_carry_no_credentials_and_nothing_that_a_proxy_would_answer(dialect: str) -> None:
    (_, api), generator = dialect_of(dialect), Generator.of(dialect, "documents")
    for name in ("schedule", "cancel"):
        for draft in generator.drafts(api[name].id, 4, 5, thorough=True):
            assert draft.headers in ((), *((("Content-Type", kind),) for kind in api[name].media_types))
            assert draft.method in {"GET", "POST", "PUT", "DELETE"}
            assert draft.method != "GET" or not draft.body
            assert all(value and value.isascii() and "%2F" not in value for value in draft.path.values())


def test_operations_that_want_the_same_get_the_same() -> None:
    generator = Generator.of("huawei", "documents")
    assert generator.drafts("cancel-key-deletion", 4, 5, thorough=True) is generator.drafts(
        "enable-key", 4, 5, thorough=True
    )


def test_forked_runs_find_their_requests_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    preload_drawn("huawei", "smoke", 1)
    monkeypatch.delattr(Generator, "_generated")
    for name in NORMATIVE:
        api, generator = dialect_of("huawei")[1], Generator.of("huawei", "documents")
        assert draw(generator, api[name], EFFORTS["smoke"], 1, NO_CACHE)


# --- locations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "operation", "argument", "expected"),
    [
        ("huawei", "schedule", "key_id", ("body", "key_id")),
        ("huawei", "schedule", "window", ("body", "pending_days")),
        ("huawei", "cancel", "window", None),
        ("huawei", "create", "description", ("body", "key_description")),
        ("huawei", "schedule", "arn", None),
        ("alibaba", "schedule", "window", ("query", "PendingWindowInDays")),
        ("alibaba", "delete_alias", "alias", ("query", "AliasName")),
        ("alibaba", "set_deletion_protection", "key_id", None),
        ("alibaba", "set_deletion_protection", "arn", ("query", "ProtectedResourceArn")),
    ],
)
def test_places_are_found_by_asking_the_adapter(
    name: str, operation: str, argument: str, expected: tuple[str, str] | None
) -> None:
    dialect, api = dialect_of(name)
    location = find_location(dialect, api, api[operation], argument)
    assert (location and (location.container, location.name)) == expected


def test_the_target_gives_its_own_path() -> None:
    dialect, api = dialect_of("huawei")
    assert path_values(dialect, api["cancel"]) == {"project_id": "p" * 32}
    assert path_values(dialect, api["version"]) == {"version_id": "v1.0"}
    dialect, api = dialect_of("alibaba")
    assert path_values(dialect, api["cancel"]) == {}


def test_a_repeated_parameter_is_no_well_formed_one() -> None:
    dialect, api = dialect_of("alibaba")
    location = find_location(dialect, api, api["cancel"], "key_id")
    assert location is not None
    draft = Draft("POST", f"KeyId={FOREIGN}&x=a+b&KeyId=null")
    assert location.values(draft) == (FOREIGN, "null")
    assert not location.well_formed(draft)
    assert location.put(draft, "a b").query == "x=a+b&KeyId=a%20b"


# --- fitting ----------------------------------------------------------------------------------------------------------


def body(key_id: object, **more: object) -> Draft:
    return Draft("POST", headers=JSON, body=json.dumps({"key_id": key_id, **more}).encode())


def test_a_well_formed_id_becomes_ours_or_one_that_nobody_has() -> None:
    targeting = targeting_of("huawei", "cancel")
    fitted = targeting.fit(body("00000000-0000-0000-0000-000000000000"), OURS, {})
    assert fitted is not None
    assert fitted.named == "ours"
    assert json.loads(fitted.request.body)["key_id"] == OURS.id
    assert fitted.request.url == f"https://kms.example.com/base/v1.0/{'p' * 32}/kms/cancel-key-deletion"
    unknown = targeting.fit(body("00000000-0000-0000-0000-000000000000"), None, {})
    assert unknown is not None
    assert unknown.named == "unknown"
    assert json.loads(unknown.request.body)["key_id"] not in (OURS.id, "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(("value", "sent"), [("payroll", "kms-conformance-payroll"), ("", ""), ("a b", "a b"), (7, 7)])
def test_what_could_be_the_alias_of_somebody_is_marked_as_ours(value: object, sent: object) -> None:
    fitted = targeting_of("huawei", "schedule").fit(body(value, pending_days="7"), OURS, {})
    assert fitted is not None
    assert fitted.named == "malformed"
    assert json.loads(fitted.request.body)["key_id"] == sent


@pytest.mark.parametrize("query", ["AliasName=alias%2Fpayroll", "AliasName=payroll", "AliasName=alias%2Fa%20b"])
def test_only_aliases_of_ours_are_deleted(query: str) -> None:
    fitted = targeting_of("alibaba", "delete_alias").fit(Draft("POST", query), None, {})
    assert fitted is not None
    (alias,) = fitted.fields["alias"]
    assert str(alias).startswith("alias/kms-conformance-")


def test_protection_is_only_ever_taken_off_our_keys() -> None:
    targeting = targeting_of("alibaba", "set_deletion_protection")
    arn = "ProtectedResourceArn=acs%3Akms%3Acn-hangzhou%3A0123456789012345%3Akey%2Fkey-abcdefghij0123456789"
    assert targeting.may_name_ours(Draft("POST", f"{arn}&EnableDeletionProtection=false"))
    for value in ("true", "1", "", "null"):
        assert not targeting.may_name_ours(Draft("POST", f"{arn}&EnableDeletionProtection={value}"))


def test_what_creates_a_key_carries_the_marker_or_is_not_sent() -> None:
    targeting = targeting_of("huawei", "create")
    fitted = targeting.mark(Draft("POST", headers=JSON, body=b'{"key_alias": "payroll"}'), "kms-conformance-1")
    assert fitted is not None
    sent = json.loads(fitted.request.body)
    assert sent["key_description"] == "kms-conformance-1"
    assert sent["key_alias"].startswith("kms-conformance-")
    assert targeting.mark(Draft("POST", headers=JSON, body=b"[]"), "kms-conformance-1") is None
    # A lenient target might read it as the alias of somebody's key.
    assert targeting.mark(Draft("POST", headers=JSON, body=b'{"key_alias": 0}'), "kms-conformance-1") is None


def test_windows_are_asked_for_around_the_bounds() -> None:
    targeting = targeting_of("alibaba", "schedule")
    drafts = [Draft("POST", f"KeyId={FOREIGN}&PendingWindowInDays=7"), Draft("POST", f"KeyId={FOREIGN}")]
    asked = [draft.query.rpartition("=")[2] for draft in targeting.with_windows(drafts, 3)]
    assert asked[:10] == ["6", "7", "8", "29", "30", "31", "0", "-7", str(2**32 + 7), str(2**64 + 7)]
    assert len(asked) == 13
    assert targeting_of("alibaba", "cancel").with_windows(drafts, 3) == ()


def test_what_cannot_be_put_on_a_wire_is_no_request() -> None:
    assert unsendable(Request("POST", "https://kms.example.com/ü")) is not None
    assert targeting_of("huawei", "cancel").fit(Draft("POST", "ü=1"), None, {}) is None


# --- windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "broken"),
    [
        ((), None),
        (("",), None),
        (("7", "8"), None),
        (("7",), None),
        ((30,), None),
        (("007",), None),
        (("+8",), None),
        ((" 8",), None),
        (("8.0",), None),
        (("1e1",), None),
        (("٨",), None),
        ((True,), None),
        ((None,), None),
        (([8],), None),
        (("6",), "schedule.window.below-minimum"),
        ((31,), "schedule.window.above-maximum"),
        (("0",), "schedule.window.zero"),
        (("-8",), "schedule.window.negative"),
        ((2**64 + 7,), "schedule.window.huge"),
        (("7.5",), "schedule.window.fraction"),
        ((7.5,), "schedule.window.fraction"),
        (("seven",), "schedule.window.text"),
    ],
)
def test_only_windows_that_are_wrong_by_every_reading_are_held_against_a_target(
    window: tuple[object, ...], broken: str | None
) -> None:
    assert broken_by(window, Window(7, 30, "integer")) == broken


def test_only_windows_as_documented_are_held_to_a_date() -> None:
    bounds = Window(7, 30, "integer")
    windows = [("7",), (30,), ("31",), ("007",), (" 8",), (8.0,), (True,), ("٨",), (), ("7", "8"), (None,)]
    assert [days_in(window, bounds) for window in windows] == [7, 30, *[None] * 9]
