"""Vendors' clients at the emulator: without network, without the user's environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kms_conformance.emulator import Emulator, Inbound, Outbound

# Environment variables that the clients and their HTTP libraries read: accounts, endpoints, proxies, files.
_READ = (
    "OS_",
    "HC_",
    "HUAWEICLOUD_",
    "ALIBABA_CLOUD_",
    "ALIYUN_",
    "AWS_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NETRC",
)


@pytest.fixture(autouse=True)
def _as_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith(_READ)]:
        monkeypatch.delenv(name)
    # A .netrc in the home directory would replace a signature by a password.
    monkeypatch.setenv("HOME", str(tmp_path))
    # Tests over TLS name their authority. One client loads all CA certificates for each server: 2 of 7 s of its tests.
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


@pytest.fixture
def seen() -> list[Inbound]:
    """The requests that the emulator has answered."""
    return []


@pytest.fixture
def huawei(seen: list[Inbound]) -> Iterator[Emulator]:
    yield from _open("huawei", seen)


@pytest.fixture
def alibaba(seen: list[Inbound]) -> Iterator[Emulator]:
    yield from _open("alibaba", seen)


@pytest.fixture
def aws(seen: list[Inbound]) -> Iterator[Emulator]:
    yield from _open("aws", seen)


def _open(dialect: str, seen: list[Inbound]) -> Iterator[Emulator]:
    def note(inbound: Inbound, outbound: Outbound) -> Outbound:
        seen.append(inbound)
        return outbound

    with Emulator(dialect, filters=[note]) as emulator:
        yield emulator
        assert emulator.failures == []
