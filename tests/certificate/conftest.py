from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sealing_runs import run

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.certify import certify

ISSUED = datetime(2026, 2, 1, 8, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _environment_as_it_was() -> Iterator[None]:
    before = dict(os.environ)
    yield
    assert dict(os.environ).get("PYTEST_ADDOPTS") == before.get("PYTEST_ADDOPTS")


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key, with its public key beside it."""
    path = tmp_path_factory.mktemp("keys") / "ours.pem"
    keys.new_key(path)
    return path


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports folder of a small run at the huawei emulator; tests must not change it."""
    return run(tmp_path_factory.mktemp("huawei"), "huawei")


@pytest.fixture(scope="session")
def plain(reports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sealed file of this run, without a signature; tests must not change it."""
    folder = tmp_path_factory.mktemp("plain") / "reports"
    shutil.copytree(reports, folder)
    return certify(folder, issued=ISSUED)[0].path


@pytest.fixture(scope="session")
def signed(reports: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sealed file of this run, signed; tests must not change it."""
    folder = tmp_path_factory.mktemp("signed") / "reports"
    shutil.copytree(reports, folder)
    return certify(folder, key=key, issued=ISSUED)[0].path
