from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kms_conformance.emulator import Emulator


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path of a target file of an emulator."""
    path: Path = tmp_path_factory.mktemp("target") / "target.yaml"
    with Emulator("huawei") as emulator:
        path.write_text(emulator.target_yaml())
        yield str(path)
