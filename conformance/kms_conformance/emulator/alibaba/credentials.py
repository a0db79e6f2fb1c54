"""Credentials and seed data of the Alibaba dialect: the constants are published here, and therefore no secrets."""

# ruff: noqa: S105 - see above

from __future__ import annotations

from dataclasses import dataclass

from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.seed_data import SeedData

ACCOUNT_ID = "1000000000000000"
REGION = "cn-hangzhou"

ACCESS_KEY_ID = "EXAMPLEACCESSKEYID01"
ACCESS_KEY_SECRET = "EXAMPLE-ACCESS-KEY-SECRET-OF-THE-EMULATOR"

STS_ACCESS_KEY_ID = "STS.EXAMPLEACCESSKEYID02"
STS_ACCESS_KEY_SECRET = "EXAMPLE-TEMPORARY-SECRET-OF-THE-EMULATOR"
STS_SECURITY_TOKEN = "EXAMPLE-SECURITY-TOKEN-OF-THE-EMULATOR"


@dataclass(frozen=True)
class AlibabaAccessKey:
    """One access key; a temporary one comes with a security token, which each of its requests has to show."""

    secret: str
    security_token: str | None = None


ACCESS_KEYS = {
    ACCESS_KEY_ID: AlibabaAccessKey(ACCESS_KEY_SECRET),
    STS_ACCESS_KEY_ID: AlibabaAccessKey(STS_ACCESS_KEY_SECRET, STS_SECURITY_TOKEN),
}

SEED = SeedData(
    auth={
        "v3": {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET, "signature": "v3"},
        "v1": {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET, "signature": "v1"},
        "sts": {
            "access_key_id": STS_ACCESS_KEY_ID,
            "access_key_secret": STS_ACCESS_KEY_SECRET,
            "security_token": STS_SECURITY_TOKEN,
            "signature": "v3",
        },
    },
    foreign=KeyDraft(
        spec="Aliyun_AES_256", usage="ENCRYPT/DECRYPT", alias="alias/payroll-{number}", description="Not yours."
    ),
    # No own keys: this service makes its own only when another of the vendor's services asks for one.
)
