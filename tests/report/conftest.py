from __future__ import annotations

from pathlib import Path

import pytest
import sample_runs as samples

from kms_conformance.report.store import write


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reports folder of each sample, to be read or copied and not to be changed."""
    directory = tmp_path_factory.mktemp("samples")
    for name, decided in samples.runs().items():
        write(directory / name, decided)
    return directory
