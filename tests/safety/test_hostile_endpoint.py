"""An endpoint that answers so as to break, fill or fool whoever asks it: every command ends with its sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kms_conformance.emulator import Emulator, Inbound, Outbound
from tools import forked

LONG = 100_000
_CONTROLS = {chr(code) for code in range(32)} - {"\n"} | {"\x7f", "\x9b"}


def dated(date: str) -> Callable[[Inbound, Outbound], Outbound]:
    """Every reply is of this date, and asks to come again at it."""

    def say(_: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, headers=(*outbound.headers, ("Date", date), ("Retry-After", date)))

    return say


def with_fields(**fields: object) -> Callable[[Inbound, Outbound], Outbound]:
    """These fields stand wherever a reply has fields of such names, at any depth."""

    def changed(value: object) -> object:
        if isinstance(value, dict):
            return {name: fields.get(name, changed(inner)) for name, inner in value.items()}
        return [changed(inner) for inner in value] if isinstance(value, list) else value

    return lambda _, outbound: outbound.with_value(changed(outbound.value))


def long_headers(inbound: Inbound, outbound: Outbound) -> Outbound:
    return outbound.with_header("X-Request-Id", f"{inbound.number}-" + "r" * 50_000)


HOSTILE: dict[str, Callable[[Inbound, Outbound], Outbound]] = {
    "the last date": dated("Fri, 31 Dec 9999 23:59:59 -2359"),
    "deletion dates beyond all": with_fields(scheduled_deletion_date="99999999999999", creation_date="0"),
    "orders to the terminal": with_fields(
        key_state="\x1b]0;owned\x07\x1b[2J",
        key_description="\x1b[31m\r::error::x",
        error_msg="\x1b[2J",
        error_code="\x1b[1m",
    ),
    "long states, and long ids of requests": lambda inbound, outbound: long_headers(
        inbound, with_fields(key_state="s" * LONG)(inbound, outbound)
    ),
    "long descriptions, codes and messages": with_fields(
        key_description="d" * LONG, error_msg="m" * LONG, error_code="c" * LONG
    ),
    "long ids of keys": with_fields(key_id="k" * LONG),
}


def command(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.command(*arguments, cwd=cwd, environment={"KMS_CONFORMANCE_STATE": str(cwd / "state")})


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_every_command_ends_with_its_sentence_and_small_reports(
    tmp_path: Path, hostile: Callable[[Inbound, Outbound], Outbound]
) -> None:
    with Emulator("huawei", filters=(hostile,)) as emulator:
        (tmp_path / "target.yaml").write_text(emulator.target_yaml())
        families = "entry or schedule or cancel or unknown_keys or waiting_period or protocol"
        options = ["--target", "target.yaml", "--tier", "smoke", "--seed", "1", "--reports", "out"]
        done = [
            command(tmp_path, "doctor", "--target", "target.yaml"),
            command(tmp_path, "run", *options, "--", "-k", families),
            command(tmp_path, "sweep", "--target", "target.yaml"),
        ]
    for each in done:
        said = each.stdout + each.stderr
        assert each.returncode in (0, 1, 3), said
        assert "Traceback" not in said
        assert "please report it" not in said.lower(), said
        assert not _CONTROLS & set(said), sorted(_CONTROLS & set(said))
        assert len(said) < 40_000
    assert done[1].returncode in (1, 3), "a run of some families is never conformant"
    assert size_of(tmp_path / "out") < 12 << 20, size_of(tmp_path / "out")
    assert size_of(tmp_path / "state") < 1 << 20
    written = (tmp_path / "out" / "results.json").read_text() + (tmp_path / "out" / "verdict.json").read_text()
    assert "The suite itself failed" not in written
