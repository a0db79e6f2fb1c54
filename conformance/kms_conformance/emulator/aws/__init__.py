"""The AWS dialect of the emulator, under the names that `service.emulated` loads."""

from kms_conformance.emulator.aws.api import AwsApi
from kms_conformance.emulator.aws.credentials import SEED

API = AwsApi

__all__ = ["API", "SEED"]
