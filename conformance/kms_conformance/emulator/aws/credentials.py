"""Credentials and seed data of the AWS dialect: the constants are published here, and therefore no secrets."""

# ruff: noqa: S105 - see above

from __future__ import annotations

from dataclasses import dataclass

from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.seed_data import SeedData

ACCOUNT_ID = "111122223333"
REGION = "us-east-1"

ACCESS_KEY_ID = "AKIAEXAMPLEEMULATOR1"
ACCESS_KEY_SECRET = "EXAMPLE-ACCESS-KEY-SECRET-OF-THE-EMULATOR"

STS_ACCESS_KEY_ID = "ASIAEXAMPLEEMULATOR2"
STS_ACCESS_KEY_SECRET = "EXAMPLE-TEMPORARY-SECRET-OF-THE-EMULATOR"
STS_SECURITY_TOKEN = "EXAMPLE-SECURITY-TOKEN-OF-THE-EMULATOR"


@dataclass(frozen=True)
class AwsAccessKey:
    """One access key; a temporary one comes with a security token, which each of its requests has to show."""

    secret: str
    security_token: str | None = None


ACCESS_KEYS = {
    ACCESS_KEY_ID: AwsAccessKey(ACCESS_KEY_SECRET),
    STS_ACCESS_KEY_ID: AwsAccessKey(STS_ACCESS_KEY_SECRET, STS_SECURITY_TOKEN),
}

SYMMETRIC = "SYMMETRIC_DEFAULT"
SEED = SeedData(
    auth={
        "permanent": {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET, "region": REGION},
        "sts": {
            "access_key_id": STS_ACCESS_KEY_ID,
            "access_key_secret": STS_ACCESS_KEY_SECRET,
            "security_token": STS_SECURITY_TOKEN,
            "region": REGION,
        },
    },
    foreign=KeyDraft(spec=SYMMETRIC, usage="ENCRYPT_DECRYPT", alias="alias/payroll-{number}", description="Not yours."),
    # The AWS managed key of another service.
    own=(KeyDraft(spec=SYMMETRIC, usage="ENCRYPT_DECRYPT", alias="alias/aws/s3", default=True),),
)
