"""Credentials and seed data of the AWS dialect. They are no secrets, because this source publishes them."""

# ruff: noqa: S105 - see above

from __future__ import annotations

from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.seed_data import AccessKey, SeedData

# The account and the region in key ARNs.
ACCOUNT_ID = "111122223333"
REGION = "us-east-1"

# A permanent access key.
ACCESS_KEY_ID = "AKIAEXAMPLEEMULATOR1"
ACCESS_KEY_SECRET = "EXAMPLE-ACCESS-KEY-SECRET-OF-THE-EMULATOR"

# A temporary access key, as the vendor's token service (STS) issues it.
STS_ACCESS_KEY_ID = "ASIAEXAMPLEEMULATOR2"
STS_ACCESS_KEY_SECRET = "EXAMPLE-TEMPORARY-SECRET-OF-THE-EMULATOR"
STS_SECURITY_TOKEN = "EXAMPLE-SECURITY-TOKEN-OF-THE-EMULATOR"

# The secret of each access key and, for a temporary key, its security token.
ACCESS_KEYS = {
    ACCESS_KEY_ID: AccessKey(ACCESS_KEY_SECRET),
    STS_ACCESS_KEY_ID: AccessKey(STS_ACCESS_KEY_SECRET, STS_SECURITY_TOKEN),
}

SYMMETRIC = "SYMMETRIC_DEFAULT"


def _auth(_: str) -> dict[str, dict[str, str]]:
    """The `auth` sections of target files; the ways to sign in are permanent and sts (a temporary access key)."""
    return {
        "permanent": {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET, "region": REGION},
        "sts": {
            "access_key_id": STS_ACCESS_KEY_ID,
            "access_key_secret": STS_ACCESS_KEY_SECRET,
            "security_token": STS_SECURITY_TOKEN,
            "region": REGION,
        },
    }


def _environment(base_url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_KMS": base_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY_SECRET,
        # boto3 and the command line read the second name, other SDKs the first.
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


SEED = SeedData(
    auth=_auth,
    environment=_environment,
    trusting=("AWS_CA_BUNDLE",),
    foreign=KeyDraft(spec=SYMMETRIC, usage="ENCRYPT_DECRYPT", alias="alias/payroll-{number}", description="Not yours."),
    # A key that AWS manages for another service (S3).
    own=(KeyDraft(spec=SYMMETRIC, usage="ENCRYPT_DECRYPT", alias="alias/aws/s3", default=True),),
)
