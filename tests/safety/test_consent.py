"""No account that may be somebody's is run against without its owner's word, nor while another run is at work there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from suite_commands import ENTRY, command

from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.consent import question
from kms_conformance.target import load_target


def file_of(folder: Path, emulator: Emulator, **changes: object) -> Path:
    path = folder / "t.yaml"
    path.write_text(yaml.safe_dump(emulator.target() | changes))
    return path


def beyond_loopback(emulator: Emulator) -> dict[str, object]:
    """An address that leads here and is none of this machine's own, as far as a target file tells."""
    url = emulator.base_url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - connected to, and not listened on
    return {"base_url": url, "allow_plain_http": True}


def run(folder: Path, *arguments: str, plain: bool = False) -> subprocess.CompletedProcess[str]:
    head = () if plain else ("run",)
    return command(folder, *head, "--target", "t.yaml", *arguments, plain=plain)


@pytest.mark.parametrize("plain", [False, True], ids=["run", "pytest"])
def test_without_a_word_nothing_is_sent(tmp_path: Path, plain: bool) -> None:
    with Emulator("huawei") as emulator:
        file_of(tmp_path, emulator, **beyond_loopback(emulator))
        done = run(tmp_path, *(ENTRY[:4] if plain else ENTRY), plain=plain)
        assert emulator.requests_served == 0
    assert done.returncode == 2
    assert "is not on this machine" in done.stderr
    assert "--yes" in done.stderr
    assert "real_account: true" in done.stderr


@pytest.mark.parametrize("word", ["--yes", "real_account"])
def test_with_a_word_it_runs(tmp_path: Path, word: str) -> None:
    with Emulator("huawei") as emulator:
        told = {"real_account": True} if word == "real_account" else {}
        file_of(tmp_path, emulator, **beyond_loopback(emulator), **told)
        done = run(tmp_path, *(["--yes"] if word == "--yes" else []), *ENTRY)
        assert emulator.requests_served > 3
    assert done.returncode == 3, "a narrowed run is inconclusive, and it was a run"


def test_the_question_names_keys_and_days(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        target = load_target(file_of(tmp_path, emulator, **beyond_loopback(emulator)))
    asked = question(target, "standard")
    assert "at most 6 keys" in asked
    assert "gone after 7 days" in asked


def test_an_account_in_which_another_run_is_at_work_is_refused_until_its_keys_wait_for_deletion(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        target = load_target(file_of(tmp_path, emulator, real_account=True))
        other = TargetSession(target, Ledger.of(target, tmp_path / "elsewhere"), keys=2)
        other.open()
        key = other.pool.create()
        before = emulator.store.keys
        done = run(tmp_path, *ENTRY)
        assert emulator.store.keys == before
        assert done.returncode == 2
        assert key in done.stderr
        assert "in use by another run" in done.stderr
        assert other.end() == ()
        assert run(tmp_path, *ENTRY).returncode == 3


def test_keys_of_our_own_ledger_are_no_collision(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        target = load_target(file_of(tmp_path, emulator, real_account=True))
        killed = TargetSession(target, Ledger.of(target, tmp_path / "state"), keys=2)
        killed.open()
        killed.pool.create()
        assert run(tmp_path, *ENTRY).returncode == 3
