"""`run --failed`, `--only` and `--until-fixed`: what was red comes first, a confined run is never conformant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from forked import forked

from kms_conformance.catalogue.families import FAMILIES
from kms_conformance.cli.loop import LoopOptions
from kms_conformance.emulator import Emulator
from kms_conformance.emulator.messages import Inbound, Outbound
from kms_conformance.run.first_checks import place

HERE = Path(__file__).parent


class Serving:
    """An emulator that refuses `encrypt` of enabled keys until it is repaired."""

    def __init__(self, port: int = 0, *, broken: bool = True) -> None:
        self.broken = broken
        self.emulator = Emulator("huawei", port=port, filters=[self._changed])

    def _changed(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, status=418) if self.broken and inbound.operation == "encrypt" else outbound


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    served = Serving()
    (tmp_path / "t.yaml").write_text(served.emulator.target_yaml())
    with served.emulator:
        yield served


def command(reports: str, *options: str) -> list[str]:
    fixed = ["run", "--target", "t.yaml", "--tier", "smoke", "--seed", "1", "--reports", reports]
    return [*fixed, *options, "--", "-p", "small_suite"]


def checks(folder: Path) -> list[dict[str, Any]]:
    (target,) = json.loads((folder / "results.json").read_text())["targets"]
    return list(target["checks"])


def test_what_failed_is_asked_first_and_alone_it_is_no_verdict_on_the_whole(tmp_path: Path, serving: Serving) -> None:
    """Three short runs, because each option is about the run before."""
    code, _ = forked(*command("out"), cwd=tmp_path)
    before = checks(tmp_path / "out")
    red = [check["check"] for check in before if check["outcome"] != "passed"]
    assert code == 1
    assert 1 < len(red) < len(before) - 3

    serving.broken = False
    code, said = forked(*command("only", "--failed", "out", "--only"), cwd=tmp_path)
    assert code == 3, said
    assert f"{len(red)} checks failed or open in out: asked first; the run stops after them and is partial" in said
    asked = checks(tmp_path / "only")
    assert {check["check"] for check in asked} == set(red)
    assert {check["outcome"] for check in asked} == {"passed"}
    verdict = json.loads((tmp_path / "only" / "verdict.json").read_text())
    assert (verdict["result"], verdict["filters"]) == ("inconclusive", {"failed": "--only"})
    assert "Options left checks out (failed: --only)" in " ".join(said.split())

    environment = json.loads((tmp_path / "only" / "environment.json").read_text())
    assert environment["partial"][-1].endswith(f"of {len(before)} checks did not run"), "no certificate is made of it"

    code, said = forked(*command("again", "--failed", "out"), cwd=tmp_path)
    assert "No MUST requirement failed" in said
    order = [check["check"] for check in checks(tmp_path / "again")]
    assert sorted(order) == sorted(check["check"] for check in before)
    families = [check.partition("::")[0] for check in order]
    assert families[-1] == "afterwards"
    moved = [check for check in order if check.partition("::")[0] not in ("contact", "entry", "afterwards")]
    assert set(moved[: len(set(red) & set(moved))]) == set(red) & set(moved)


def test_the_loop_asks_again_after_a_restart_and_ends_with_a_whole_run(tmp_path: Path) -> None:
    """A process of its own, because a forked one would keep the port of the emulator open: three runs and a start."""
    broken = Serving()
    (tmp_path / "t.yaml").write_text(broken.emulator.target_yaml())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    environment |= {"KMS_CONFORMANCE_STATE": str(tmp_path / "state"), "PYTHONPATH": path, "COLUMNS": "80"}
    log = tmp_path / "log.txt"
    with broken.emulator, log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "kms_conformance", *command("out", "--until-fixed")],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        _wait_for(log, "this is asked again when it is back")
    port = int(broken.emulator.base_url.rpartition(":")[2])
    with Serving(port, broken=False).emulator:
        code = process.wait(60)
    said = log.read_text()
    assert code == 3, f"a few families are never conformant: {said}"
    assert "the first failure at emulator-huawei" not in said.partition("Repair and restart")[0], "no terminal"
    (line,) = [line for line in said.splitlines() if line.startswith("round 1: ")]
    assert " fixed, 0 still failing, 0 new · " in line
    assert "in all 2 runs, " in line
    assert "No MUST requirement failed" in said.partition("all green: the whole run follows")[2]
    assert {check["outcome"] for check in checks(tmp_path / "out")} == {"passed"}


def _wait_for(log: Path, text: str) -> None:
    for _ in range(600):
        if text in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"not told in 60 s: {log.read_text()}")


def test_families_that_protect_keys_or_rest_on_the_others_keep_their_place() -> None:
    first = frozenset({f"{family}::test_x" for family in ("afterwards", "waiting_period", "isolation", "use")})
    order = sorted(FAMILIES, key=lambda family: place(family, f"{family}::test_x", first))
    assert order[:4] == ["contact", "entry", "isolation", "use"]
    assert order[4:7] == ["states", "survives", "history"]
    assert order[-3:] == ["waiting_period", "planted", "afterwards"]
    assert sorted(FAMILIES, key=lambda family: place(family, f"{family}::x", frozenset())) == list(FAMILIES)


@pytest.mark.parametrize(
    ("options", "others", "said"),
    [
        (LoopOptions(None, only=True, until_fixed=False), {"target": ("t",)}, "Add --failed DIR"),
        (LoopOptions(None, only=False, until_fixed=True), {"target": ()}, "name your server with"),
        (LoopOptions(None, only=False, until_fixed=True), {"target": ("t",), "plant": 1}, "--plant cannot be used"),
        (LoopOptions(Path("x"), only=False, until_fixed=False), {"target": (), "shard": "1/2"}, "--shard cannot"),
    ],
)
def test_options_that_exclude_each_other_are_a_mistake(
    options: LoopOptions, others: dict[str, object], said: str
) -> None:
    with pytest.raises(click.UsageError, match=said):
        options.refuse_together(**others)
