"""The Huawei dialect of the emulator, under the names by which `service.emulated` finds it."""

from kms_conformance.emulator.huawei.api import HuaweiApi
from kms_conformance.emulator.huawei.credentials import SEED

API = HuaweiApi

__all__ = ["API", "SEED"]
