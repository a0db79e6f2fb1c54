"""The Huawei dialect of the emulator, under the names that `service.emulated` loads."""

from kms_conformance.emulator.huawei.api import HuaweiApi
from kms_conformance.emulator.huawei.credentials import SEED

API = HuaweiApi

__all__ = ["API", "SEED"]
