"""Target without operations that the lifecycle does not need: their requirements are inconclusive, not failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kms_conformance.apps.selftest.deviation import AWS, only, serving
from kms_conformance.apps.selftest.reply_mutations import saying, status, where
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.emulator import Decisions, Filter, Key

TAGS = ("tag", "untag", "list_tags")
# What small emulators of AWS KMS leave out.
ALL = (
    *TAGS,
    *("set_alias", "update_alias", "delete_alias", "list_aliases", "create_grant", "revoke_grant", "list_grants"),
    *("enable_rotation", "disable_rotation", "rotation_status", "get_policy", "put_policy", "list_policies"),
    *("re_encrypt", "generate_data_key_without_plaintext", "update_description"),
)


def lacking(operations: tuple[str, ...]) -> Filter:
    return where(
        lambda inbound, _: inbound.operation in operations,
        saying(lambda _: {"__type": "UnknownOperationException"}),
        status(400),
    )


class _WithoutEffect(Decisions):
    """The missing operations change nothing; the filter makes their replies."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return () if operation in ALL else super().effects(operation, before, after, keys)


def test_missing_operations_are_inconclusive() -> None:
    outcome = run_suite(
        serving(AWS, filters=[lacking(TAGS)]), arguments=only(["belongings", "pending_belongings"]), in_real_time=False
    )
    verdicts = {entry["id"]: entry for entry in outcome.verdict["requirements"]}
    assert outcome.failed == set()
    for name in ("untag.reply", "pending.tag", "pending.untag", "pending.list-tags"):
        assert verdicts[name]["verdict"] == "inconclusive"
        assert "The target does not have " in verdicts[name]["reason"]
    assert verdicts["put-policy.reply"]["verdict"] == verdicts["pending.create-grant"]["verdict"] == "passed"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("profile", ["documents", "aws-kms"])
def test_a_target_that_has_the_lifecycle_alone_is_accused_of_nothing(profile: str) -> None:
    """What depends on missing operations is open and says why; the lifecycle itself is judged."""
    served = serving(AWS, decisions=[_WithoutEffect], filters=[lacking(ALL)], profile=profile)
    outcome = run_suite(served, in_real_time=False)
    verdicts = {entry["id"]: entry for entry in outcome.verdict["requirements"]}
    assert outcome.failed == set()
    assert outcome.exit_code == 3
    for name in ("set-alias.reply", "disabled.create-grant", "cancel.rotation-restored", "pending.update-alias-away"):
        assert verdicts[name]["verdict"] == "inconclusive"
        assert "The target does not have " in verdicts[name]["reason"]
    for name in ("schedule.state-after", "cancel.effect", "cancel.state-after", "expiry.gone", "pending.encrypt"):
        assert verdicts[name]["verdict"] == "passed", name


def test_a_profile_that_names_them_makes_a_target_with_the_lifecycle_alone_conformant(tmp_path: Path) -> None:
    """A whole run, because each check must know what it cannot ask."""
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"name: mine\ntitle: Mine\nfacts:\n  lacks: [{', '.join(ALL)}]\n")
    served = serving(AWS, decisions=[_WithoutEffect], filters=[lacking(ALL)])

    @contextmanager
    def with_profile() -> Iterator[str]:
        with served() as target:
            yield f"{target}\nprofile: {profile}\n"

    outcome = run_suite(with_profile, in_real_time=False)
    verdicts = {entry["id"]: entry for entry in outcome.verdict["requirements"]}
    left = [name for name, each in verdicts.items() if each["level"] == "MUST" and each["verdict"] != "passed"]
    assert {verdicts[name]["verdict"] for name in left} == {"not_applicable"}, left
    assert outcome.exit_code == 0
    for name in ("isolation.other-keys", "key-id.exact", "disabled.every-name", "decrypt.key-id", "lifecycle.sequence"):
        assert verdicts[name]["verdict"] == "passed", name
    words = ("alias", "tag", "grant", "rotation", "polic", "re-encrypt", "without-plaintext", "description")
    assert [name for name in left if not any(word in name for word in words)] == []
