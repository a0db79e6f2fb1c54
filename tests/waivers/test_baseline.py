"""A baseline accepts what failed in a run and nothing that passed; a merged file keeps what its owners wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kms_conformance.target import TargetError
from kms_conformance.verdict.waivers import Waiver, parse_waivers
from kms_conformance.verdict.waivers.baseline import (
    DraftedWaiver,
    Outcomes,
    drafts,
    is_needed,
    matches_failure,
    renewed,
)
from kms_conformance.verdict.waivers.merging import WaiversFile

LAST = date(2027, 3, 31)
FILE = """\
# Waivers of the storage team.

waivers:
  # Ticket 17
  # (found at night)
  - requirement: schedule.twice   # inline
    reason: >
      Mended in
      release 7.
    owner: us
    expires: 2027-01-01
    # said by the vendor
    link: https://tracker.example.com/17

  - {requirement: cancel.effect, reason: known, owner: b, expires: 2026-01-01}
# The end.
"""


def outcomes(
    *failed: str, passed: tuple[str, ...] = (), not_judged: tuple[str, ...] = (), target: str = "otc"
) -> Outcomes:
    ids = {name: (f"{number:06x}",) for number, name in enumerate(failed, 1)}
    reasons = dict.fromkeys(failed, "expected a; received b")
    return Outcomes(target, "huawei", ids, frozenset(passed), frozenset(not_judged), reasons)


def written(*found: Outcomes, known: tuple[Waiver, ...] = (), **options) -> list[tuple[str, tuple[str, ...]]]:
    return [(d.waiver.requirement, d.waiver.targets) for d in drafts(found, known, "us", LAST, **options)]


@pytest.mark.parametrize(
    ("failed", "passed", "patterns"),
    [
        (["cancel.effect"], [], ["cancel.effect"]),
        (["cancel.effect", "cancel.uri"], [], ["cancel.*"]),
        (["cancel.uri", "cancel.effect"], ["cancel.date-cleared"], ["cancel.effect", "cancel.uri"]),
        (["cancel.not-pending.a", "cancel.not-pending.b"], ["cancel.uri"], ["cancel.not-pending.*"]),
        (["cancel.not-pending.a", "cancel.uri", "pending.use"], [], ["cancel.*", "pending.use"]),
        (["cancelled.a", "cancelled.b"], ["cancel.a"], ["cancelled.*"]),
    ],
)
def test_group_is_a_glob_where_all_that_was_judged_failed(failed, passed, patterns) -> None:
    assert [name for name, _ in written(outcomes(*failed, passed=tuple(passed)))] == patterns


def test_targets_are_named_and_joined() -> None:
    both = written(outcomes("cancel.uri"), outcomes("cancel.uri", target="ali"), outcomes("use.a", target="ali"))
    assert both == [("cancel.uri", ("ali", "otc")), ("use.a", ("ali",))]


def test_what_a_waiver_accepts_is_not_drafted_again() -> None:
    known = Waiver("cancel.*", "known", "us", LAST, targets=("otc",))
    assert written(outcomes("cancel.uri"), known=(known,)) == []
    assert written(outcomes("cancel.uri", target="ali"), known=(known,)) == [("cancel.uri", ("ali",))]
    other = replace(known, failures=("ffffff",))
    assert written(outcomes("cancel.uri"), known=(other,)) == [("cancel.uri", ("otc",))]


def test_exact_waiver_names_its_failures() -> None:
    (draft,) = drafts([outcomes("cancel.uri", "cancel.effect")], (), "us", LAST, exact=True)
    assert (draft.waiver.requirement, draft.waiver.failures) == ("cancel.*", ("000001", "000002"))


def test_entry_is_needed_unless_all_that_it_covers_was_judged_and_passed() -> None:
    entry = Waiver("cancel.*", "known", "us", LAST)
    assert is_needed(entry, [outcomes("cancel.uri")])
    assert is_needed(entry, [outcomes(not_judged=("cancel.effect",))])
    assert is_needed(replace(entry, targets=("other",)), [outcomes()]), "nothing is known of other targets"
    assert not is_needed(entry, [outcomes("use.a", passed=("cancel.uri",))])
    assert not is_needed(replace(entry, failures=("ffffff",)), [outcomes("cancel.uri")])
    assert matches_failure(entry, [outcomes("cancel.uri")])
    assert not matches_failure(entry, [outcomes("use.a")])


def test_merged_file_is_sorted_and_keeps_its_comments() -> None:
    before = WaiversFile.parse(FILE, "w.yaml")
    new = drafts([outcomes("error.shape")], before.waivers, "me: too", LAST)
    text = before.changed(new)
    assert text == (
        "# Waivers of the storage team.\n\nwaivers:\n\n"
        "  - {requirement: cancel.effect, reason: known, owner: b, expires: 2026-01-01}\n"
        "  # expected a; received b\n  - requirement: error.shape\n    reason: TODO\n    owner: 'me: too'\n"
        '    expires: 2027-03-31\n    targets: ["otc"]\n'
        + FILE.partition("waivers:\n")[2].partition("\n  - {")[0]
        + "# The end.\n"
    )
    assert WaiversFile.parse(text, "w.yaml").changed(()) == text


def test_removed_entry_takes_its_comments_along() -> None:
    before = WaiversFile.parse(FILE, "w.yaml")
    left = before.changed((), removed=[waiver for waiver in before.waivers if waiver.requirement == "schedule.twice"])
    assert "Ticket 17" not in left
    assert "# The end." in left
    assert parse_waivers(WaiversFile.parse(FILE, "w").changed((), removed=before.waivers), "w") == ()


@pytest.mark.parametrize(
    "reason", ["known", "'known'", ">\n      known\n      since May", "|-\n      known # no comment"]
)
def test_expired_entry_is_renewed_for_somebody_to_think(reason: str) -> None:
    text = (
        f"waivers:\n- requirement: cancel.uri\n  expires: 2026-01-01   # quarterly\n  reason: {reason}\n"
        "  owner: us   # ours\n"
    )
    before = WaiversFile.parse(text, "w.yaml")
    (old,) = before.waivers
    after = before.changed((), renewed={old: renewed(old, LAST)})
    assert "expires: 2027-03-31   # quarterly\n" in after
    assert "owner: us   # ours\n" in after
    (new,) = parse_waivers(after, "w.yaml", undecided=True)
    assert new.reason.startswith("TODO: decide again. Until 2026-01-01 it was: known")
    with pytest.raises(TargetError, match=r"Nobody has decided yet why `cancel\.uri`"):
        parse_waivers(after, "w.yaml")


@pytest.mark.parametrize("reason", ["TODO", "todo", "'TODO: ask'", "TODO later"])
def test_reason_that_nobody_has_written_is_refused_where_the_file_is_used(reason: str) -> None:
    text = f"waivers:\n  - requirement: cancel.uri\n    owner: us\n    reason: {reason}\n    expires: 2027-01-01\n"
    with pytest.raises(TargetError) as caught:
        parse_waivers(text, "w.yaml")
    assert "Line 4: " in caught.value.why
    assert caught.value.hint == "Write the reason, or remove the entry and mend the target."
    assert len(parse_waivers(text, "w.yaml", undecided=True)) == 1
    assert parse_waivers(text.replace(reason, "Todos are settled."), "w.yaml")


@pytest.mark.parametrize("empty", ["waivers: []\n", "# ours\nwaivers: []  # none\n", "---\nwaivers:\n  []\n"])
def test_empty_list_is_merged(empty: str) -> None:
    new = DraftedWaiver(Waiver("cancel.uri", "TODO", "us", LAST, targets=("otc",)), "note")
    text = WaiversFile.parse(empty, "w.yaml").changed([new])
    assert [waiver.requirement for waiver in parse_waivers(text, "w.yaml", undecided=True)] == ["cancel.uri"]
    assert text.count("#") == 1 + empty.count("#")


@pytest.mark.parametrize(
    "text",
    [
        "waivers: [{requirement: cancel.uri, reason: known, owner: us, expires: 2027-01-01}]\n",
        """waivers:
- {requirement: cancel.uri, reason: &why known, owner: us, expires: 2027-01-01}
- {requirement: cancel.effect, reason: *why, owner: us, expires: 2027-01-01}
""",
    ],
)
def test_file_that_cannot_be_merged_is_told(text: str) -> None:
    with pytest.raises(TargetError, match="cannot be merged"):
        WaiversFile.parse(text, "w.yaml").changed(())
