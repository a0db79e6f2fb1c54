from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_clients import Alibaba, Aws, Huawei

from kms_conformance.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def huawei() -> Iterator[Huawei]:
    with Emulator("huawei") as emulator:
        client = Huawei(emulator)
        yield client
        client.close()
        assert emulator.failures == []


@pytest.fixture
def alibaba() -> Iterator[Alibaba]:
    with Emulator("alibaba") as emulator:
        client = Alibaba(emulator)
        yield client
        client.close()
        assert emulator.failures == []


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Emulator("aws") as emulator:
        client = Aws(emulator)
        yield client
        client.close()
        assert emulator.failures == []
