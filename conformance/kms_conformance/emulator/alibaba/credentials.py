"""Credentials and seed data of the Alibaba dialect. They are no secrets, because this source publishes them."""

# ruff: noqa: S105 - see above

from __future__ import annotations

from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.seed_data import AccessKey, SeedData

# The account and the region in key ARNs.
ACCOUNT_ID = "1000000000000000"
REGION = "cn-hangzhou"

# A permanent access key.
ACCESS_KEY_ID = "EXAMPLEACCESSKEYID01"
ACCESS_KEY_SECRET = "EXAMPLE-ACCESS-KEY-SECRET-OF-THE-EMULATOR"

# A temporary access key, as the vendor's token service (STS) issues it.
STS_ACCESS_KEY_ID = "STS.EXAMPLEACCESSKEYID02"
STS_ACCESS_KEY_SECRET = "EXAMPLE-TEMPORARY-SECRET-OF-THE-EMULATOR"
STS_SECURITY_TOKEN = "EXAMPLE-SECURITY-TOKEN-OF-THE-EMULATOR"

# The secret of each access key and, for a temporary key, its security token.
ACCESS_KEYS = {
    ACCESS_KEY_ID: AccessKey(ACCESS_KEY_SECRET),
    STS_ACCESS_KEY_ID: AccessKey(STS_ACCESS_KEY_SECRET, STS_SECURITY_TOKEN),
}


def _auth(_: str) -> dict[str, dict[str, str]]:
    """The `auth` sections of target files. Ways to sign in: signature v3 or v1, and sts (a temporary access key)."""
    return {
        "v3": {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET, "signature": "v3"},
        "v1": {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET, "signature": "v1"},
        "sts": {
            "access_key_id": STS_ACCESS_KEY_ID,
            "access_key_secret": STS_ACCESS_KEY_SECRET,
            "security_token": STS_SECURITY_TOKEN,
            "signature": "v3",
        },
    }


def _environment(_: str) -> dict[str, str]:
    return {"ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET}


SEED = SeedData(
    auth=_auth,
    environment=_environment,
    # Read by aliyun-python-sdk-kms.
    trusting=("ALIBABA_CLOUD_CA_BUNDLE",),
    set_in_code="Alibaba Cloud's clients take the endpoint from code, and alibabacloud_kms20160120 an authority.",
    foreign=KeyDraft(
        spec="Aliyun_AES_256", usage="ENCRYPT/DECRYPT", alias="alias/payroll-{number}", description="Not yours."
    ),
    # `own` stays empty: this service creates default keys only for other services of the vendor.
)
