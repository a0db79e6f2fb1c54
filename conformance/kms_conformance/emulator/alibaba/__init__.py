"""The Alibaba dialect of the emulator, under the names that `service.emulated` loads."""

from kms_conformance.emulator.alibaba.api import AlibabaApi
from kms_conformance.emulator.alibaba.credentials import SEED

API = AlibabaApi

__all__ = ["API", "SEED"]
