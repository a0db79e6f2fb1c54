"""What a replay makes of a check that was run again, and how it shows the two replies."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples

from kms_conformance.apps.replay import FoundFailure, RerunResult, find, judge, lines, target_file
from kms_conformance.apps.replay.side_by_side import ReplayRow, rows
from kms_conformance.cli.replay import command
from kms_conformance.client.judge import Judgement
from kms_conformance.report.files import ReportError
from kms_conformance.report.reproduce import write_replay_file
from kms_conformance.report.store import write
from kms_conformance.target import TargetError

REQUIREMENT = "cancel.not-pending.enabled"
FAILED = samples.failing(samples.OTC, REQUIREMENT)
NEW_KEY = "11111111-e727-4d9c-b35d-f84bb474a37f"


def found(check: Any = FAILED) -> FoundFailure:
    verdict = samples.nonconformant()[0]
    return FoundFailure(check.failure_id(check.failures[0]), verdict, check, check.failures[0])


def refusal(number: int = 3, **changes: Any) -> dict[str, Any]:
    body = '{"error": {"error_code": "KMS.1501", "error_msg": "x"}}'
    return samples.record(number, 400, body, f'{{"key_id": "{NEW_KEY}"}}', **changes)


HELD = samples.check(
    samples.OTC, FAILED.check, passes={REQUIREMENT: 1}, productive={REQUIREMENT: 1}, evidence={REQUIREMENT: (3,)}
)


def test_the_same_deviation_is_seen_again_whatever_the_key_and_the_target_are_called() -> None:
    failure = replace(FAILED.failures[0], exchanges=(4,))
    result = replace(FAILED, target="otherwise-named", failures=(failure,))
    outcome = judge(
        found(), RerunResult(result, (samples.record(3), samples.record(4, request=f'{{"key_id": "{NEW_KEY}"}}')))
    )
    assert (outcome.seen, outcome.exit_code) == ("again", 1)
    assert [(then["number"], now and now["number"]) for then, now in outcome.pairs] == [(14, 4)]


def test_another_deviation_from_the_requirement_is_no_acquittal() -> None:
    failure = Judgement(REQUIREMENT, False, "the key reads back as enabled", "it is gone", (3,))
    outcome = judge(found(), RerunResult(replace(FAILED, failures=(failure,)), (refusal(),)))
    assert (outcome.seen, outcome.exit_code, outcome.now) == ("otherwise", 1, failure)


def test_a_requirement_that_holds_now_is_shown_by_the_exchange_that_proves_it() -> None:
    outcome = judge(found(), RerunResult(HELD, (samples.record(1), refusal(2, operation="DescribeKey"), refusal(3))))
    assert (outcome.seen, outcome.exit_code, outcome.reason) == ("gone", 0, "")
    assert [now and now["number"] for _, now in outcome.pairs] == [3]


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        (RerunResult(None), "The check did not run"),
        (RerunResult(None, refusal="The target needs your word."), "The target needs your word."),
        (
            RerunResult(
                replace(FAILED, outcome="inconclusive", failures=(), reason="throttled", inconclusive=(REQUIREMENT,))
            ),
            "throttled",
        ),
        (RerunResult(replace(HELD, productive={REQUIREMENT: 0})), "No exchange of the check could be judged"),
        (
            RerunResult(samples.failing(samples.OTC, "cancel.effect", name=FAILED.check)),
            "other deviations first: cancel.effect",
        ),
    ],
    ids=["not asked", "refused", "inconclusive", "nothing proved", "other failure"],
)
def test_what_was_not_judged_again_is_no_acquittal(again: RerunResult, reason: str) -> None:
    outcome = judge(found(), again)
    assert (outcome.seen, outcome.exit_code) == ("unclear", 3)
    assert reason in outcome.reason


def test_of_drawn_requests_little_follows() -> None:
    assert "proves little" in judge(found(), RerunResult(replace(HELD, family="lifecycle"), (refusal(),))).reason


def test_the_exit_code_says_what_the_words_say_also_where_a_key_is_left() -> None:
    left = ("otc: the key 1 is not scheduled for deletion.",)
    failure = replace(FAILED.failures[0], exchanges=(3,))
    again = judge(found(), RerunResult(replace(FAILED, failures=(failure,)), (refusal(),), left=left))
    gone = judge(found(), RerunResult(HELD, (refusal(),), left=left))
    said = [[line.plain for line in lines(found(), outcome, "", 100)] for outcome in (again, gone)]
    assert (again.exit_code, "✗ Seen again." in said[0]) == (1, True)
    assert (gone.exit_code, any(line.startswith("? Not seen again") for line in said[1])) == (3, True)
    assert all(any("not scheduled for deletion" in line for line in shown) for shown in said)


def test_a_key_that_is_left_is_told_and_counts() -> None:
    outcome = judge(found(), RerunResult(HELD, (refusal(),), left=("otc: the key 1 is not scheduled for deletion.",)))
    assert (outcome.seen, outcome.exit_code) == ("gone", 3)
    assert any("is not scheduled" in line.plain for line in lines(found(), outcome, "", 80))


def test_replies_stand_side_by_side_and_ids_alone_are_no_difference() -> None:
    then = samples.record(14, reply=f'{{"key_id": "{samples.KEY}", "state": 4, "tags": [{{"a": "x"}}]}}')
    now = samples.record(3, 400, f'{{"key_id": "{NEW_KEY}", "state": 3, "tags": [{{"a": "x"}}]}}')
    assert list(rows(then, now))[3:] == [
        ReplayRow("status", "200 OK", "400 Bad Request", "≠"),
        ReplayRow("key_id", samples.KEY, NEW_KEY, "~"),
        ReplayRow("state", "4", "3", "≠"),
        ReplayRow("tags.0.a", "x", "x"),
    ]
    assert list(rows(then, None))[3] == ReplayRow("status", "200 OK", "-")
    assert ReplayRow("status", "200 OK", "no reply (timeout)", "≠") in rows(then, samples.record(3, None))
    assert ReplayRow("body", "a", "b \\x1b[2J", "≠") in rows(
        samples.record(1, reply="a"), samples.record(2, reply="b \x1b[2J")
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    then = samples.record(14, reply=json.dumps({"a" * 70: "b" * 300, "c": "d " * 200}))
    check = replace(FAILED, exchanges=(then,))
    outcome = judge(found(check), RerunResult(HELD, (refusal(),)))
    shown = [line.plain for line in lines(found(check), outcome, "a note", width)]
    assert max(map(len, shown)) <= width
    assert any(re.match(r"  ≠ status +200 OK +400 Bad Request$", line) for line in shown)
    assert shown[-1] == "✓ Not seen again: the requirement held this time."


def test_a_failure_is_found_by_its_id_and_others_are_named(tmp_path: Path) -> None:
    write(tmp_path, [samples.nonconformant()])
    name = found().id
    assert find(tmp_path, name.upper()).failure == FAILED.failures[0]
    with pytest.raises(ReportError, match=f"{name}  otc-eu-de  {REQUIREMENT}"):
        find(tmp_path, "000000")
    write(tmp_path, [samples.conformant()])
    with pytest.raises(ReportError, match="It holds no failures"):
        find(tmp_path, name)


def test_the_target_file_is_the_runs_own_unless_another_is_given(tmp_path: Path) -> None:
    huawei, alibaba = tmp_path / "h.yaml", tmp_path / "a.yaml"
    huawei.write_text(
        "name: x\ndialect: huawei\nbase_url: http://127.0.0.1:1\nauth: {token: tttttttttt, project_id: '0123456789'}\n"
    )
    alibaba.write_text(
        "name: x\ndialect: alibaba\nbase_url: http://127.0.0.1:1\n"
        "auth: {access_key_id: aaaaaaaaaa, access_key_secret: bbbbbbbbbb}\n"
    )
    with pytest.raises(ReportError, match="Name the target file with --target"):
        target_file(tmp_path, found(), None)
    write_replay_file(tmp_path, {"otc-eu-de": huawei, "emulator-huawei": None})
    assert target_file(tmp_path, found(), None) == huawei
    assert target_file(tmp_path / "results.json", found(), None) == huawei
    with pytest.raises(ReportError, match="Its dialect is alibaba"):
        target_file(tmp_path, found(), alibaba)
    huawei.unlink()
    with pytest.raises(TargetError):
        target_file(tmp_path, found(), None)


def test_a_real_account_is_not_asked_again_without_its_owners_word(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(
        "name: otc-eu-de\ndialect: huawei\nbase_url: https://kms.invalid\n"
        "auth: {token: tttttttttt, project_id: '0123456789'}\n"
    )
    write(tmp_path, [samples.nonconformant()])
    write_replay_file(tmp_path, {"otc-eu-de": tmp_path / "real.yaml"})
    failure = json.loads((tmp_path / "results.json").read_text())["targets"][0]["checks"][-1]["failures"][0]
    with pytest.raises(TargetError, match="needs your consent"):
        command.main([str(tmp_path), failure["id"]], standalone_mode=False)
