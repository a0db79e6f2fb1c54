"""The draw cache changes the time of a run and nothing else: same seed, same requests, whatever the folder holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.apps.selftest.deviation import serving
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.suite import draw_cache
from kms_conformance.suite.draw_cache import NO_CACHE, SUFFIX, DrawCache, chosen_cache
from kms_conformance.suite.fuzz.chain_steps import drawn_chains, with_values
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.generator import Generator
from kms_conformance.suite.walk_steps import drawn_steps

API = Api.load(Profile.load("huawei"))
OPERATIONS = ("schedule", "cancel")
# Prints the requests of both operations, in another order than here; another process has another order of sets.
ELSEWHERE = """
import json, sys
from pathlib import Path
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.suite.draw_cache import DrawCache
from kms_conformance.suite.fuzz.generator import Generator

api = Api.load(Profile.load("huawei"))
generator, cache = Generator(api), DrawCache(Path(sys.argv[1]), shipped=None)
drafts = {name: generator.drafts(api[name].id, 3, 9, thorough=False, cache=cache) for name in ("cancel", "schedule")}
print(json.dumps({name: [draft.to_json() for draft in found] for name, found in drafts.items()}))
"""


def drawn(cache: DrawCache, *operations: str) -> dict[str, Any]:
    """The requests of operations as a process generates them that has generated nothing before."""
    generator = Generator(API)
    return {
        name: [draft.to_json() for draft in generator.drafts(API[name].id, 3, 9, thorough=False, cache=cache)]
        for name in operations or OPERATIONS
    }


def numbers(cache: DrawCache, count: int = 3) -> list[int]:
    """Values that take no time to draw."""
    return cache.drawn({"count": count}, lambda: list(range(count)), to_json=list, from_json=list)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "draws"


def test_same_seed_same_requests_cold_or_warm_in_one_process_or_two(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = drawn(NO_CACHE)
    command = [sys.executable, "-c", ELSEWHERE, str(folder)]
    found = subprocess.run(
        command, env=os.environ | {"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout) == bare
    assert len(list(folder.iterdir())) == len(OPERATIONS)
    # The entries of the other process are enough here: nothing is generated any more.
    monkeypatch.delattr(Generator, "_generated")
    assert drawn(DrawCache(folder, shipped=None)) == bare
    # A shard that has only one of the checks sends the same requests for it.
    assert drawn(DrawCache(folder, shipped=None), "schedule") == {"schedule": bare["schedule"]}


def test_walks_are_the_same_cold_and_warm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = DrawCache(folder, shipped=None)
    cold = drawn_steps(5, 6, 9, cache)
    assert cold == drawn_steps(5, 6, 9, NO_CACHE)
    assert cold != drawn_steps(5, 6, 8, NO_CACHE)
    monkeypatch.delattr("kms_conformance.suite.walk_steps._generated")
    assert drawn_steps(5, 6, 9, cache) == cold


def test_chains_are_the_same_cold_and_warm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = DrawCache(folder, shipped=None)
    cold = drawn_chains(Generator(API), 2, 9, cache)
    assert any(step and step["operation"] == "cancel" for step in cold)
    monkeypatch.delattr("kms_conformance.suite.fuzz.chain_steps._generated")
    assert drawn_chains(Generator(API), 2, 9, cache) == cold


def test_a_chain_gets_the_values_of_its_target() -> None:
    key, ciphertext = "kms-conformance-key-of-the-chain", "kms-conformance-ciphertext-of-the-chain"
    draft = Draft("POST", query=f"KeyId={key}&b=1", body=json.dumps({"a": key, "c": [ciphertext]}).encode())
    without = with_values(draft, "k/1", None)
    assert (without.query, json.loads(without.body)) == ("KeyId=k%2F1&b=1", {"a": "k/1", "c": [ciphertext]})
    assert json.loads(with_values(draft, "k", 'x+/="').body) == {"a": "k", "c": ['x+/="']}


def test_other_inputs_and_other_versions_miss(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Generator(API)
    asked = [("schedule-key-deletion", 3, 9, False), ("schedule-key-deletion", 4, 9, False)]
    asked += [("schedule-key-deletion", 3, 8, False), ("schedule-key-deletion", 3, 9, True)]
    asked += [("cancel-key-deletion", 3, 9, False)]
    names = {draw_cache.entry_name(generator.draw_inputs(*given, thorough=thorough)) for *given, thorough in asked}
    assert len(names) == len(asked)
    numbers(DrawCache(folder))
    other = {"hypothesis": "1.0"}
    monkeypatch.setattr(draw_cache, "versions_digest", lambda: "0" * 12)
    monkeypatch.setattr(draw_cache, "versions", lambda: other)
    numbers(DrawCache(folder))
    assert len(list(folder.iterdir())) == 2


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut short": lambda raw: raw[:-3],
    "one bit": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "of another program": lambda _: b"\x7fELF" * 40,
    "another digest": lambda raw: raw.replace(raw.split(b"\n")[1], b"0" * 64),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_ignored_and_made_again(damage: str, folder: Path) -> None:
    cache = DrawCache(folder)
    numbers(cache)
    (entry,) = folder.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(DAMAGES[damage](whole))
    assert numbers(cache) == [0, 1, 2]
    assert entry.read_bytes() == whole


@pytest.mark.parametrize("values", [None, 3, [3, 3], {"a": 1}])
def test_an_entry_is_not_trusted_beyond_its_digest(values: object, folder: Path) -> None:
    """The digest of these entries is right, and their values are not what the code expects."""
    cache = DrawCache(folder)
    expected = drawn_steps(1, 3, 9, cache)
    (entry,) = folder.iterdir()
    draw_cache._write(entry, values)  # noqa: SLF001 - an entry of another program, with its digest
    assert drawn_steps(1, 3, 9, cache) == expected


def test_an_entry_under_the_name_of_another_is_ignored(folder: Path) -> None:
    cache = DrawCache(folder)
    numbers(cache, 3)
    (entry,) = folder.iterdir()
    entry.rename(folder / draw_cache.entry_name({"count": 4}))
    assert numbers(cache, 4) == [0, 1, 2, 3]


def test_the_folder_is_bounded_and_files_of_others_stay(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine" * 10_000)
    cache = DrawCache(folder, most_bytes=3000)
    for number in range(20):
        numbers(cache, number)
        newest = folder / draw_cache.entry_name({"count": number})
        os.utime(newest, (number, number))
    kept = {path for path in folder.iterdir() if path.suffix == SUFFIX}
    assert newest in kept
    assert sum(path.stat().st_size for path in kept) <= 3000
    assert folder / draw_cache.entry_name({"count": 0}) not in kept
    assert (folder / "notes.txt").exists()


def test_a_file_of_a_process_that_died_is_removed_and_one_under_way_stays(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, age in (("old.tmp", 1.0), ("new.tmp", None)):
        (folder / name).write_bytes(b"half")
        if age is not None:
            os.utime(folder / name, (age, age))
    numbers(DrawCache(folder))
    assert sorted(path.name for path in folder.glob("*.tmp")) == ["new.tmp"]


def test_many_write_one_entry_at_once(folder: Path) -> None:
    found: list[list[int]] = []
    many = [threading.Thread(target=lambda: found.append(numbers(DrawCache(folder), 5000))) for _ in range(8)]
    for each in many:
        each.start()
    for each in many:
        each.join()
    assert found == [list(range(5000))] * 8
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    assert numbers(DrawCache(tmp_path / "state" / "draws")) == [0, 1, 2]


def test_the_folder_is_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path))
    assert chosen_cache("user").folder == tmp_path / "draws"
    assert chosen_cache("package").folder is None
    assert chosen_cache("none") == NO_CACHE


@pytest.mark.parametrize("option", [(), ("--no-cache",)])
def test_a_run_keeps_its_requests_unless_told_not_to(option: tuple[str, ...], tmp_path: Path) -> None:
    check = ("-k", "test_contact.py or (test_fuzzing.py and cancel)")
    run_suite(serving("huawei"), seed=9, arguments=(*option, *check), state=tmp_path, in_real_time=False)
    assert (tmp_path / "draws").is_dir() == (not option)
