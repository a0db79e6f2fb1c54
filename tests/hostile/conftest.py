from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hostile_samples import Samples

from kms_conformance.emulator import Emulator, Inbound, Outbound

WAIVERS = """waivers:
- requirement: cancel.state
  reason: a known fault, to be mended
  owner: nobody
  expires: 2099-12-31
- requirement: cancel.date-cleared
  reason: a known fault, to be mended
  owner: nobody
  expires: 2099-12-31
"""


def wrong(inbound: Inbound, outbound: Outbound) -> Outbound:
    """A cancelled key is told of by a message that is none: something has to fail."""
    if inbound.operation == "cancel" and isinstance(outbound.value, dict) and outbound.status == 200:
        return outbound.with_value({"key_id": 1})
    return outbound


def run(folder: Path, *arguments: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "KMS_"))}
    done = subprocess.run(
        [sys.executable, "-m", "kms_conformance", *arguments],
        cwd=folder,
        env=environment | {"KMS_CONFORMANCE_STATE": str(folder / "state"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samples]:
    folder = tmp_path_factory.mktemp("samples")
    with Emulator("huawei", filters=(wrong,)) as emulator:
        target = folder / "target.yaml"
        target.write_text(yaml.safe_dump(emulator.target()))
        few = ("--", "-k", "test_cancel.py or test_entry.py or missing")
        asked = ("run", "--target", "target.yaml", "--tier", "smoke", "--seed", "1")
        run(folder, *asked, "--reports", "reports", *few)
        run(folder, "certify", "reports", "--evidence")
        for index in (1, 2):
            run(folder, *asked, "--reports", f"shard{index}", "--shard", f"{index}/2", *few)
            run(folder, "record", "--target", "target.yaml", "--out", f"recording{index}.json")
        waivers = folder / "waivers.yaml"
        waivers.write_text(WAIVERS)
        results = json.loads((folder / "reports" / "results.json").read_text())
        page = (folder / "reports" / "index.html").read_text()
        assert any(check["failures"] for check in results["targets"][0]["checks"])
        yield Samples(
            reports=folder / "reports",
            sealed=next((folder / "reports").glob("*.zip")),
            shards=(folder / "shard1", folder / "shard2"),
            recordings=(folder / "recording1.json", folder / "recording2.json"),
            target=target,
            waivers=waivers,
            ledger=next((folder / "state").glob("*.jsonl")),
            failure=re.findall(r"kms-conformance replay \S+ ([0-9a-f]{6,})", page)[0],
            emulator=emulator,
        )
