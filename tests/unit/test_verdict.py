"""One verdict a requirement, and one for the whole: what decides, and what does not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from kms_conformance import __version__
from kms_conformance.auth import RpcAuth, TokenAuth
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Judgement
from kms_conformance.core import specs
from kms_conformance.target import Target
from kms_conformance.verdict.decide import (
    Circumstances,
    Run,
    decide,
    exit_code,
    specs_digest,
    unwritten,
    worst_exit_code,
)
from kms_conformance.verdict.model import RequirementVerdict, Unfinished, Verdict
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers import Waiver

TARGET = Target("t", "alibaba", "http://127.0.0.1:1", RpcAuth("id-1234", "secret-1234"))
RUN = Run("smoke", 1, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
CATALOGUE = Catalogue.load("alibaba")
ALL = {requirement.id: 1 for requirement in CATALOGUE}


def result(check: str = "a::b", **changes) -> CheckResult:
    basics = {"target": "t", "family": "a", "check": check, "title": "b", "outcome": "passed", "seconds": 0.0}
    return CheckResult(**(basics | {"productive": changes.get("passes", {})} | changes))


def verdict(*results: CheckResult, planned=None, waivers=()) -> Verdict:
    """What follows where these checks are all that were planned, or else `planned`."""
    plan = {result.check: result.declared for result in results} if planned is None else planned
    return decide(TARGET, results, RUN, plan, waivers)


def waiver(requirement: str, reason: str = "known", expires: date = date.max, **scope) -> Waiver:
    return Waiver(requirement, reason, "storage team", expires, **scope)


def entry(found: Verdict, requirement: str) -> RequirementVerdict:
    return next(each for each in found.requirements if each.id == requirement)


def of(found: Verdict, requirement: str) -> str:
    return entry(found, requirement).verdict


def failure(requirement: str) -> Judgement:
    return Judgement(requirement, passed=False, expected="x", received="y")


def test_pass_that_never_reached_the_state_it_speaks_of_is_not_tested() -> None:
    found = verdict(result(passes=ALL, productive=ALL | {"cancel.effect": 0}))
    effect = entry(found, "cancel.effect")
    assert (effect.verdict, effect.judged, effect.productive) == ("not_tested", 1, 0)
    assert effect.reason == "judged 1 times, never after a key was read in the state pending_deletion"
    assert found.result == "inconclusive"


def test_all_passed_is_conformant() -> None:
    assert verdict(result(passes=ALL)).result == "conformant"


def test_one_failed_must_is_nonconformant_whatever_passed_elsewhere() -> None:
    found = verdict(result(passes=ALL), result("c::d", failures=(failure("cancel.effect"),)))
    assert (found.result, of(found, "cancel.effect")) == ("nonconformant", "failed")


def test_failed_should_is_shown_and_does_not_decide() -> None:
    found = verdict(result(passes=ALL), result("c::d", failures=(failure("cancel.date-cleared"),)))
    assert (found.result, of(found, "cancel.date-cleared")) == ("conformant", "failed")


def test_must_without_judgement_is_not_tested_and_leaves_the_whole_inconclusive() -> None:
    passes = {name: count for name, count in ALL.items() if name != "cancel.effect"}
    found = verdict(result(passes=passes))
    assert (found.result, of(found, "cancel.effect")) == ("inconclusive", "not_tested")


def test_planned_check_that_did_not_run_leaves_its_requirements_inconclusive() -> None:
    found = verdict(result(passes=ALL), planned={"a::b": [], "c::d": ["cancel.effect"]})
    open_ = entry(found, "cancel.effect")
    assert (found.result, open_.verdict, open_.not_run) == ("inconclusive", "inconclusive", ("c::d",))
    assert open_.reason == "c::d did not run to the end: It did not run."
    assert found.unfinished == (Unfinished("c::d", "It did not run."),)
    assert of(found, "schedule.uri") == "passed"


def test_planned_check_that_did_not_run_leaves_the_whole_open_whatever_it_judges() -> None:
    found = verdict(result(passes=ALL), planned={"a::b": [], "c::d": []})
    assert {each.verdict for each in found.requirements} <= {"passed", "not_applicable"}
    assert found.result == "inconclusive"


def test_check_that_was_stopped_from_outside_leaves_the_whole_open() -> None:
    stopped = result("c::d", outcome="inconclusive", ended=False, reason="The run was interrupted.")
    assert verdict(result(passes=ALL), stopped).result == "inconclusive"


def test_a_failure_decides_also_where_checks_did_not_run() -> None:
    found = verdict(result(failures=(failure("cancel.effect"),)), planned={"a::b": [], "c::d": ["cancel.effect"]})
    assert (found.result, of(found, "cancel.effect")) == ("nonconformant", "failed")


def test_nothing_planned_is_never_conformant() -> None:
    assert verdict(result(passes=ALL), planned={}).result == "inconclusive"


def test_key_that_may_be_left_leaves_the_whole_open() -> None:
    left = decide(TARGET, [result(passes=ALL)], RUN, {"a::b": ()}, beside=Circumstances(keys_left=("k-1",)))
    assert (left.result, left.to_json()["keys_left"]) == ("inconclusive", ["k-1"])


def test_a_waiver_that_names_a_failure_accepts_no_other() -> None:
    known, new = (failure("cancel.effect"), replace(failure("cancel.effect"), expected="alive"))
    ran = result(passes=ALL, failures=(known, new))
    named = replace(waiver("cancel.effect"), failures=(ran.failure_id(known),))
    assert of(verdict(result(passes=ALL, failures=(known,)), waivers=[named]), "cancel.effect") == "waived"
    found = verdict(ran, waivers=[named])
    assert (found.result, entry(found, "cancel.effect").reason) == ("nonconformant", "expected alive; received y")
    both = replace(named, failures=(ran.failure_id(known), ran.failure_id(new)))
    assert verdict(ran, waivers=[both]).result == "conformant"


@pytest.mark.parametrize(
    ("results", "out_of_date", "code"),
    [
        (["conformant"], False, 0),
        (["conformant"], True, 2),
        (["conformant", "inconclusive"], False, 3),
        (["inconclusive", "nonconformant"], False, 1),
        (["nonconformant"], True, 1),
        (["inconclusive"], True, 2),
        ([], False, 3),
    ],
)
def test_exit_code_is_0_or_1_only_for_what_verdicts_say(results: list, out_of_date: bool, code: int) -> None:
    assert exit_code(results, waivers_out_of_date=out_of_date) == code


def test_inconclusive_check_outweighs_a_pass_elsewhere() -> None:
    unclear = result("c::d", outcome="inconclusive", inconclusive=("cancel.effect",), reason="throttled")
    found = verdict(result(passes=ALL), unclear)
    assert (found.result, of(found, "cancel.effect")) == ("inconclusive", "inconclusive")


def test_waived_failure_does_not_decide() -> None:
    found = verdict(
        result(passes=ALL), result("c::d", failures=(failure("cancel.effect"),)), waivers=[waiver("cancel.effect")]
    )
    assert (found.result, of(found, "cancel.effect")) == ("conformant", "waived")


def test_nothing_ran_is_inconclusive() -> None:
    assert verdict().result == "inconclusive"


def test_the_target_s_own_profile_decides_what_is_not_applicable() -> None:
    imported = entry(verdict(result(passes=ALL)), "cancel.imported-key")
    assert imported.verdict == "not_applicable"
    assert imported.reason == "The profile documents says that external keys do not apply."
    cloud = decide(replace(TARGET, profile="alibaba-cloud"), [result(passes=ALL)], RUN, {"a::b": ()})
    assert of(cloud, "cancel.imported-key") == "passed"


def test_the_target_s_own_way_to_sign_in_decides_what_is_not_applicable() -> None:
    target = Target("t", "huawei", "http://127.0.0.1:1", TokenAuth("token", "0123"))
    everything = {requirement.id: 1 for requirement in Catalogue.load("huawei")}
    decided = decide(target, [result(passes=everything)], RUN, {"a::b": ()})
    signed = entry(decided, "auth.wrong-secret")
    assert (signed.verdict, of(decided, "auth.garbage")) == ("not_applicable", "passed")
    assert signed.reason == "It applies to aksk; the target signs in by token."


@pytest.mark.parametrize(("codes", "worst"), [([0, 0], 0), ([0, 3], 3), ([3, 1, 0], 1), ([1, 2, 3], 2), ([], 3)])
def test_worst_of_several_targets_decides(codes: list[int], worst: int) -> None:
    assert worst_exit_code(codes) == worst


def test_every_requirement_of_the_dialect_has_its_entry() -> None:
    found = verdict(result(passes=ALL))
    assert [(each.id, each.level) for each in found.requirements] == [(each.id, each.level) for each in CATALOGUE]
    assert (found.name, found.dialect, found.profile, found.base_url) == ("t", "alibaba", "documents", TARGET.shown_url)
    assert (found.tier, found.seed, found.started, found.duration_seconds) == ("smoke", 1, "2026-01-01T00:00:00Z", 1.0)
    assert (found.suite_version, found.specs_digest, found.watch) == (__version__, specs_digest("alibaba"), False)


def test_a_failure_says_what_was_expected_and_received_and_the_first_of_several_does() -> None:
    second = Judgement("cancel.effect", passed=False, expected="later", received="later")
    found = verdict(result(passes=ALL), result("c::d", failures=(failure("cancel.effect"), second)))
    assert entry(found, "cancel.effect").reason == "expected x; received y"


def test_a_waiver_gives_its_reason_and_excuses_no_other_requirement() -> None:
    failures = (failure("cancel.effect"), failure("schedule.uri"))
    found = verdict(result(passes=ALL, failures=failures), waivers=[waiver("cancel.effect", "known since May")])
    assert entry(found, "cancel.effect").reason == "known since May (storage team, until 9999-12-31)"
    assert entry(found, "cancel.effect").to_json()["waiver"]["owner"] == "storage team"
    assert (of(found, "schedule.uri"), found.result) == ("failed", "nonconformant")
    assert RequirementVerdict.from_json(entry(found, "cancel.effect").to_json()) == entry(found, "cancel.effect")


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        (waiver("cancel.*"), True),
        (waiver("cancel.*", targets=("t*",)), True),
        (waiver("cancel.*", targets=("other",)), False),
        (waiver("cancel.*", dialect=TARGET.dialect), True),
        (waiver("cancel.*", dialect="other"), False),
        (waiver("cancel.*", expires=RUN.started.date()), True),
        (waiver("cancel.*", expires=RUN.started.date() - timedelta(days=1)), False),
    ],
    ids=["glob", "its target", "another target", "its dialect", "another dialect", "its last day", "the day after"],
)
def test_a_waiver_counts_for_whom_it_names_through_its_last_day(given: Waiver, accepted: bool) -> None:
    found = verdict(result(passes=ALL, failures=(failure("cancel.effect"),)), waivers=[given])
    assert of(found, "cancel.effect") == ("waived" if accepted else "failed")


def test_what_is_inconclusive_is_never_waived() -> None:
    unclear = result("c::d", outcome="inconclusive", inconclusive=("cancel.effect",), reason="throttled")
    found = verdict(result(passes=ALL), unclear, waivers=[waiver("cancel.*")])
    assert (of(found, "cancel.effect"), found.result) == ("inconclusive", "inconclusive")


def test_each_judgement_counts_whether_it_passed_or_failed() -> None:
    found = verdict(
        result(passes=ALL | {"cancel.effect": 3}),
        result("c::d", passes={"cancel.effect": 2}, failures=(failure("cancel.effect"), failure("schedule.uri"))),
        result("e::f", failures=(failure("cancel.effect"),)),
    )
    assert [entry(found, name).judged for name in ("cancel.effect", "schedule.uri", "schedule.twice")] == [7, 2, 1]


def test_productive_judgements_of_all_checks_are_added_up() -> None:
    one, other = ({"productive": {"cancel.effect": count}, "passes": {"cancel.effect": 3}} for count in (2, 1))
    assert entry(verdict(result(**one), result("c::d", **other)), "cancel.effect").productive == 3


def test_several_states_of_which_one_must_be_reached_are_all_named() -> None:
    name, states = next((each.id, each.reached) for each in CATALOGUE if len(each.reached) > 1)
    reason = entry(verdict(result(passes=ALL, productive={})), name).reason
    assert reason.endswith(f"in the state {' or '.join(sorted(states))}")


def test_the_checks_of_a_requirement_are_those_that_declare_it_and_those_that_found_it_broken() -> None:
    found = verdict(
        result("z::declares", declared=("cancel.effect",), passes=ALL),
        result("b::finds", failures=(failure("cancel.effect"),)),
        result("b::finds", failures=(failure("cancel.effect"),)),
        result("a::other", declared=("schedule.uri",)),
    )
    assert entry(found, "cancel.effect").tests == ("b::finds", "z::declares")
    assert entry(found, "schedule.twice").tests == ()


def test_a_target_that_passed_nothing_that_needs_memory_passes_nothing() -> None:
    before = result("entry::a", family="entry", passes=ALL)
    found = verdict(before, result("cancel::a", family="cancel"))
    assert {each.verdict for each in found.requirements} == {"inconclusive", "not_applicable"}
    assert "does not keep the state" in entry(found, "cancel.effect").reason
    assert verdict(before).result == "conformant"
    assert verdict(before, result("cancel::a", family="cancel", passes={"cancel.effect": 1})).result == "conformant"


def test_a_failure_is_one_even_at_a_target_without_memory() -> None:
    found = verdict(result("cancel::a", family="cancel", failures=(failure("cancel.effect"),)))
    assert of(found, "cancel.effect") == "failed"


def test_why_it_is_inconclusive_or_not_tested_is_told() -> None:
    passes = {name: count for name, count in ALL.items() if name != "schedule.twice"}
    found = verdict(
        result(passes=passes),
        result("c::d", outcome="inconclusive", inconclusive=("cancel.effect",), reason="throttled"),
        planned={"z::late": ["schedule.uri"], "e::f": ["schedule.uri"], "a::b": ["schedule.uri"], "g::h": []},
    )
    reasons = {name: entry(found, name).reason for name in ("cancel.effect", "schedule.uri", "schedule.twice")}
    assert reasons == {
        "cancel.effect": "throttled",
        "schedule.uri": "e::f, z::late did not run to the end: It did not run.",
        "schedule.twice": "no exchange of this run allowed a judgement",
    }
    assert entry(found, "state.enabled") == RequirementVerdict("state.enabled", "MUST", "passed", (), "", 1, 1)


def test_requests_and_keys_of_all_checks_are_added_up() -> None:
    found = verdict(result(requests=3, keys_created=1), result("c::d", requests=4, keys_created=2))
    assert (found.requests, found.keys_created) == (7, 3)


def test_the_document_names_target_suite_and_circumstances() -> None:
    run = Run("nightly", 7, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 1.23456)
    document = decide(TARGET, [result(passes=ALL, requests=3, keys_created=1)], run, {"a::b": ()}).to_json()
    requirements = document.pop("requirements")
    assert document == {
        "format": 1,
        "suite": {"version": __version__, "specs_digest": specs_digest("alibaba")},
        "target": {"name": "t", "dialect": "alibaba", "profile": "documents", "base_url": "http://127.0.0.1:1"},
        "result": "conformant",
        "tier": "nightly",
        "requests": 3,
        "keys_created": 1,
        "duration_seconds": 1.235,
        "seed": 7,
        "started": "2026-01-02T03:04:05Z",
    }
    assert {"id", "level", "verdict", "tests", "reason", "judged", "productive"} == set(requirements[0])
    assert [each["id"] for each in requirements] == list(ALL)


def test_the_digest_changes_with_any_spec_file_its_name_and_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest(files: dict[str, str]) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        (folder / "d").mkdir(parents=True)
        for name, text in files.items():
            (folder / "d" / name).write_text(text)
        monkeypatch.setattr(specs, "SPECS", folder)
        return specs_digest("d")

    plain = digest({"a.yaml": "1", "b.yaml": "2"})
    assert plain == digest({"b.yaml": "2", "a.yaml": "1", "notes.txt": "not a spec"})
    # What the digest of two files is made of, by hand: verdicts of earlier versions must stay comparable.
    assert plain == "sha256:" + hashlib.sha256(b"a.yaml\x001\x00b.yaml\x002\x00").hexdigest()
    others = [{"a.yaml": "1"}, {"a.yaml": "1", "b.yaml": "3"}, {"a.yaml": "1", "c.yaml": "2"}]
    assert len({plain, *map(digest, others)}) == 4


def test_a_decided_verdict_is_the_one_that_is_read_back() -> None:
    failed = result("a::b", outcome="failed", failures=(failure("cancel.effect"),), declared=("cancel.effect",))
    found = replace(
        decide(
            TARGET,
            [failed, result("c::d", passes=ALL, silences={"lost": 2})],
            replace(RUN, watch=True),
            {"a::b": ["cancel.effect"], "e::f": ["window.bounds"]},
            [waiver("cancel.effect")],
            beside=Circumstances(filters={"-k": "a or c"}, keys_left=("k-1",)),
        ),
        isolation={"complete": True, "changed": []},
    )
    assert found.unfinished
    assert Verdict.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_verdict_that_cannot_be_written_calls_nothing_conformant() -> None:
    conformant = verdict(result(passes=ALL, evidence={}))
    assert conformant.result == "conformant"
    assert unwritten(conformant) == replace(conformant, result="inconclusive")
    nonconformant = verdict(result(outcome="failed", failures=(failure("cancel.effect"),)))
    assert unwritten(nonconformant) == nonconformant
    assert nonconformant.result == "nonconformant"


def test_what_a_target_lacks_is_one_case_of_several() -> None:
    name = "expiry.gone"
    judged = result(declared=(name,), passes={name: 1})
    lacking = result(
        "a::c", declared=(name,), inconclusive=(name,), outcome="inconclusive", reason="no such key", lacking=True
    )
    assert of(verdict(judged, lacking), name) == "passed"
    assert of(verdict(result("a::d", passes={"cancel.effect": 1}), lacking), name) == "not_applicable"
    assert of(verdict(judged, replace(lacking, lacking=False)), name) == "inconclusive"
