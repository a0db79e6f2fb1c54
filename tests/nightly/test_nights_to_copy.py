"""The nightly workflow's own steps, run as its runner would: red only where something regressed, until it is mended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from commands import ROOT
from workflow import Done, Hub, run_workflow

from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Decisions, Emulator

NIGHTLY = ROOT / "examples" / "github" / "nightly.yml"
TARGET = "otc-eu-de"
FAULT = "window-below-minimum-accepted"


class Repository:
    """A repository with the workflow and one target, whose endpoint is another one each night."""

    def __init__(self, folder: Path) -> None:
        (folder / "targets").mkdir()
        self._hub = Hub(folder, folder / "targets", {"KMS_ACCESS_KEY_ID": "id", "KMS_ACCESS_KEY_SECRET": "secret"})
        self._nights = 0

    def night(self, *faults: str, **inputs: str) -> list[Done]:
        self._nights += 1
        wanted = [fault for fault in FAULTS if fault.name in faults]
        decisions = type("Deviating", (*(each for fault in wanted for each in fault.decisions), Decisions), {})
        with Emulator("huawei", decisions=decisions) as emulator:
            # The same address every night, and no clock to move, as of a cloud.
            target = emulator.target() | {"name": TARGET, "limits": {"max_keys": 7}}
            del target["time_control"]
            (self._hub.targets / f"{TARGET}.yaml").write_text(yaml.safe_dump(target))
            done = run_workflow(NIGHTLY, self._hub, self._nights, tier="smoke", **inputs)
        for job in done:
            assert "usage" not in job.said.lower(), job.said
        return done


@pytest.mark.skipif(
    os.environ.get("KMS_CONFORMANCE_SHARDS") != "all", reason="takes minutes: `tox run -e shards` asks it"
)
def test_nights_are_red_while_something_is_regressed(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    first = repository.night()
    assert [job.name for job in first] == [*(f"shard-{TARGET}-{n}" for n in (1, 2, 3)), f"verdict-{TARGET}"]
    assert [job.green for job in first] == [True] * 4, "\n".join(job.said for job in first)
    for attempt in range(2):
        regressed = repository.night(FAULT)
        # A shard is not red for what the whole is judged for.
        assert [job.green for job in regressed] == [True, True, True, False], (attempt, regressed[-1].said)
        assert "schedule.window.below-minimum" in regressed[-1].summary
    accepted = repository.night(FAULT, accept="true")
    assert [job.green for job in accepted] == [True] * 4, accepted[-1].said
    assert [job.green for job in repository.night(FAULT)] == [True] * 4
    mended = repository.night()
    assert [job.green for job in mended] == [True] * 4, mended[-1].said
