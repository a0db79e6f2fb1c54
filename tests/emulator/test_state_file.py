"""Keys of the emulator in a file: written by hand, or saved and loaded again."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Key, State
from kms_conformance.emulator.state_file import StateFileError

BY_HAND = """
keys:
  - id: 0d0466b0-e727-4d9c-b35d-f84bb474a37f
    description: for the tests
    aliases: [alias/app]
    tags: {stage: test}
    created_days_ago: 30
  - state: disabled
  - state: pending_deletion
    deletion_in_days: 3
"""


@pytest.mark.parametrize("dialect", specs.emulated())
def test_keys_written_by_hand_are_the_only_ones_and_the_rest_is_as_in_a_new_key(tmp_path: Path, dialect: str) -> None:
    (tmp_path / "keys.yaml").write_text(BY_HAND)
    with Emulator(dialect, state=tmp_path / "keys.yaml") as emulator:
        first, second, third = emulator.store.keys
        now = emulator.clock.now()
    assert (first.id, first.aliases, first.tags) == (
        "0d0466b0-e727-4d9c-b35d-f84bb474a37f",
        ("alias/app",),
        (("stage", "test"),),
    )
    assert (first.state, second.state, third.state) == (State.ENABLED, State.DISABLED, State.PENDING_DELETION)
    assert abs(now - first.created - timedelta(days=30)) < timedelta(seconds=5)
    assert third.deletion is not None
    assert abs(third.deletion - now - timedelta(days=3)) < timedelta(seconds=5)
    assert first.spec
    assert len({first.material, second.material, third.material}) == 3


def test_saved_keys_are_loaded_as_they_were(tmp_path: Path) -> None:
    saved = tmp_path / "saved.yaml"
    with Emulator("aws") as emulator:
        key = emulator.store.keys[1]
        emulator.store.schedule(key.id, 7)
        emulator.store.tag(emulator.store.keys[2].id, {"a": "1"})
        before: tuple[Key, ...] = emulator.store.keys
        emulator.save(saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with Emulator("aws", state=saved) as emulator:
        assert emulator.store.keys == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keys: [", "is no YAML"),
        ("- id: x", "must have one key, `keys`"),
        ("keys: [{stat: enabled}]", "the unknown field 'stat'. Did you mean state?"),
        ("keys: [{state: on}]", "keys[0] has a value that cannot be used"),
        ("keys: [{}, {state: pending_deletion}]", "keys[1] must have `deletion` or `deletion_in_days`"),
        ("keys: [{created: yesterday}]", "keys[0] has a value that cannot be used"),
        ("keys: [{material: '%'}]", "keys[0] has a value that cannot be used"),
        ("keys: [{id: a}, {id: a}]", "two keys with one id"),
        ("keys: [7]", "keys[0] must be a mapping"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    with pytest.raises(StateFileError) as refused:
        Emulator("huawei", state=tmp_path / "keys.yaml")
    assert said in str(refused.value)
