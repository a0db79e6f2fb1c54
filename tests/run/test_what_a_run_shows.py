"""Terminal output at the end of a run."""

from __future__ import annotations

import json
from pathlib import Path

from forked import forked

from kms_conformance import __version__
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator


def test_a_needless_waiver_is_a_mistake_of_its_file_and_an_earlier_release_decides(tmp_path: Path) -> None:
    waiver = "requirement: schedule.window.minimum, reason: known, owner: storage team, expires: 2099-12-31"
    (tmp_path / "w.yaml").write_text(f"waivers:\n  - {{{waiver}}}\n")
    frozen = (specs.SPECS / "huawei" / "frozen" / f"{__version__}.yaml").read_text()
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        kept = (line for line in frozen.splitlines(keepends=True) if "cancel.effect:" not in line)
        (tmp_path / "old.yaml").write_text("".join(kept))
        options = ["--target", "t.yaml", "--reports", "out", "--tier", "smoke", "--waivers", "w.yaml"]
        options += ["--requirements", "old.yaml"]
        code, text = forked("run", *options, "--", "-k", "test_bound_is_accepted", cwd=tmp_path)
    assert code == 2, text
    assert (
        "  ✗ line 2: schedule.window.minimum, storage team\n"
        "    Every requirement that it covers passed on emulator-huawei.\n"
        "    → Remove line 2: it is no longer needed.\n"
    ) in text
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert (verdict["result"], verdict["frozen"]["version"]) == ("inconclusive", __version__)
    assert [entry["id"] for entry in verdict["requirements"] if "decides" in entry] == ["cancel.effect"]
    assert f"release {__version__}" in text
    (found,) = json.loads((tmp_path / "out" / "results.json").read_text())["stale_waivers"]
    assert found["waiver"]["owner"] == "storage team"


def test_a_run_of_nothing_says_why(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        code, text = forked("run", "--target", "t.yaml", "--", "-k", "no_such_check", cwd=tmp_path)
    assert code == 3
    assert "emulator-huawei: inconclusive" in text
    assert "Traceback" not in text
