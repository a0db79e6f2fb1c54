"""Who may use the emulator in this dialect: constants that are published here, and therefore no secrets."""

# ruff: noqa: S105 - see above

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT_ID = "111122223333"
REGION = "us-east-1"

ACCESS_KEY_ID = "AKIAEXAMPLEEMULATOR1"
ACCESS_KEY_SECRET = "EXAMPLE-ACCESS-KEY-SECRET-OF-THE-EMULATOR"

STS_ACCESS_KEY_ID = "ASIAEXAMPLEEMULATOR2"
STS_ACCESS_KEY_SECRET = "EXAMPLE-TEMPORARY-SECRET-OF-THE-EMULATOR"
STS_SECURITY_TOKEN = "EXAMPLE-SECURITY-TOKEN-OF-THE-EMULATOR"


@dataclass(frozen=True)
class AccessKey:
    """One access key; a temporary one comes with a security token, which each of its requests has to show."""

    secret: str
    security_token: str | None = None


ACCESS_KEYS = {
    ACCESS_KEY_ID: AccessKey(ACCESS_KEY_SECRET),
    STS_ACCESS_KEY_ID: AccessKey(STS_ACCESS_KEY_SECRET, STS_SECURITY_TOKEN),
}
