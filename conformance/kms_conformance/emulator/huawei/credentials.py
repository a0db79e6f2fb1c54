"""Credentials and seed data of the Huawei dialect. They are no secrets, because this source publishes them."""

# ruff: noqa: S105 - see above

from __future__ import annotations

from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.seed_data import SeedData

# The project of the credentials, another project, and the account (domain) of both.
PROJECT_ID = "e1a0000000000000000000000000e1a0"
OTHER_PROJECT_ID = "e2b0000000000000000000000000e2b0"
DOMAIN_ID = "d0a0000000000000000000000000d0a0"
REGION = "eu-example"

# A valid token, an expired token, and a token of the other project.
TOKEN = "EXAMPLE-TOKEN-OF-THE-EMULATOR"
EXPIRED_TOKEN = "EXAMPLE-TOKEN-THAT-HAS-EXPIRED"
OTHER_PROJECT_TOKEN = "EXAMPLE-TOKEN-OF-ANOTHER-PROJECT"

# The user and the password for which the identity service (IAM) issues tokens.
USERNAME = "EXAMPLE-USER"
PASSWORD = "EXAMPLE-PASSWORD"
DOMAIN = "EXAMPLE-DOMAIN"

# An access key for SDK-HMAC-SHA256 signatures.
ACCESS_KEY_ID = "EXAMPLEACCESSKEY0001"
ACCESS_KEY_SECRET = "EXAMPLE-SECRET-ACCESS-KEY-OF-THE-EMULATOR"


def _auth(base_url: str) -> dict[str, dict[str, str]]:
    """The `auth` sections of target files; the ways to sign in are token, password, and aksk (an access key)."""
    return {
        "token": {"token": TOKEN, "project_id": PROJECT_ID, "expired_token": EXPIRED_TOKEN},
        "password": {
            "username": USERNAME,
            "password": PASSWORD,
            "domain": DOMAIN,
            "project": REGION,
            "iam_url": base_url,
            "expired_token": EXPIRED_TOKEN,
        },
        "aksk": {
            "access_key_id": ACCESS_KEY_ID,
            "access_key_secret": ACCESS_KEY_SECRET,
            "project_id": PROJECT_ID,
        },
    }


def _environment(base_url: str) -> dict[str, str]:
    return {
        "HUAWEICLOUD_SDK_AK": ACCESS_KEY_ID,
        "HUAWEICLOUD_SDK_SK": ACCESS_KEY_SECRET,
        "HUAWEICLOUD_SDK_PROJECT_ID": PROJECT_ID,
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": base_url,
        # `KmsRegion.value_of("eu-example")` of huaweicloudsdkkms.
        f"HUAWEICLOUD_SDK_REGION_KMS_{REGION.upper().replace('-', '_')}": base_url,
        # `openstack.connect()` with otcextensions.
        "OS_AUTH_URL": f"{base_url}/v3",
        "OS_USERNAME": USERNAME,
        "OS_PASSWORD": PASSWORD,
        "OS_USER_DOMAIN_NAME": DOMAIN,
        "OS_PROJECT_NAME": REGION,
        "OS_REGION_NAME": REGION,
    }


SEED = SeedData(
    auth=_auth,
    environment=_environment,
    # The first is that of the library requests, which huaweicloudsdkkms uses; the second that of openstacksdk.
    trusting=("REQUESTS_CA_BUNDLE", "OS_CACERT"),
    foreign=KeyDraft(spec="AES_256", usage="ENCRYPT_DECRYPT", alias="payroll-{number}", description="Not yours."),
    # The default key of the service itself.
    own=(KeyDraft(spec="AES_256", usage="ENCRYPT_DECRYPT", alias="kms/default", default=True),),
)
