"""An endpoint that conforms: nothing is accused, nothing of anybody else's is touched, nothing is left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis.configuration import set_hypothesis_home_dir, storage_directory

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.core import specs
from kms_conformance.core.tier import EFFORTS
from kms_conformance.emulator import Inbound, Outbound, State
from kms_conformance.suite.checks import operation_names
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.fuzz.hypothesis_settings import set_hypothesis_storage


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", specs.dialects())
def test_nothing_is_accused_nor_left_behind(scene, dialect: str) -> None:
    seen: list[tuple[Inbound, Outbound]] = []

    def note(inbound: Inbound, outbound: Outbound) -> Outbound:
        seen.append((inbound, outbound))
        return outbound

    at = scene(dialect, filters=[note])
    kms, pool = at.kms, at.target_session.pool
    others = {key.id: key for key in at.emulator.store.keys if key.id not in pool.held}
    assert at.fuzz("schedule", "cancel", "chains") == set()
    kms.effort = replace(kms.effort, fuzz_coverage=False, fuzz_examples=4)
    assert at.fuzz(*(name for name in kms.client.api.operations if name not in ("schedule", "cancel"))) == set()
    assert {key.id: key for key in at.emulator.store.keys if key.id in others} == others

    created = [key for key in at.emulator.store.keys if key.id not in others]
    assert len(created) == pool.created <= at.kms.effort.keys
    assert {key.id for key in created} == pool.held
    assert not any(key.protected for key in created)
    assert all(alias.removeprefix("alias/").startswith(MARKER_PREFIX) for key in created for alias in key.aliases)
    assert at.target_session.end() == ()
    assert all(key.state is State.PENDING_DELETION for key in at.emulator.store.keys if key.id not in others)
    assert at.target_session.ledger.unfinished() == ()
    assert at.emulator.failures == []

    # Silence proves something only where requests were both carried out and refused.
    accepted = {inbound.operation for inbound, outbound in seen if outbound.refusal is None}
    refused = {inbound.operation for inbound, outbound in seen if outbound.refusal is not None}
    assert accepted >= set(operation_names(dialect))
    assert refused >= set(operation_names(dialect)) - kms.client.api.read_only - {"create"}


def test_no_key_is_created_where_the_effort_allows_none(scene) -> None:
    at = scene("alibaba", effort=EFFORTS["smoke"])
    assert at.fuzz("create", "schedule", "cancel", "chains") == set()
    assert at.target_session.pool.created == 1


def test_a_stray_configuration_is_ignored_and_the_folder_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = tmp_path / "schemathesis.toml"
    stray.write_text('[generation]\nmode = "positive"\n[phases.coverage]\nenabled = false\n')
    monkeypatch.chdir(tmp_path)
    # Hypothesis's folder of old is the one in which the process began; ours must take its location.
    set_hypothesis_home_dir(tmp_path / ".hypothesis")
    set_hypothesis_storage.cache_clear()
    drafts = Generator(Api.load(Profile.load("huawei"))).drafts("cancel-key-deletion", 3, 7, thorough=True)
    assert {False, True} == {draft.positive for draft in drafts}
    assert any(draft.origin.startswith("coverage") for draft in drafts)
    assert list(tmp_path.iterdir()) == [stray]
    # A path in older releases of Hypothesis, an object that holds one in newer ones.
    found = storage_directory("constants")
    assert Path(getattr(found, "path", found)).is_relative_to(set_hypothesis_storage())
