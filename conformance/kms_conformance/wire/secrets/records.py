"""Where credentials stand in requests and replies: the one list of these headers, parameters and fields."""

from __future__ import annotations

#: Headers of requests by which somebody signs in.
SIGNING_HEADERS = (
    "Authorization",
    "X-Auth-Token",
    "X-Security-Token",
    "x-acs-security-token",
    "x-acs-accesskey-id",
    "X-Amz-Security-Token",
)
#: Those of them that hold a token as it is, in lower case: it may have been fetched, so that no target file names it.
TOKEN_HEADERS = frozenset({"x-auth-token", "x-security-token", "x-acs-security-token", "x-amz-security-token"})
#: All headers whose values are credentials, or let others in.
HEADERS = (*SIGNING_HEADERS, "X-Subject-Token", "Cookie", "Set-Cookie")
#: Parameters of a query or a form by which somebody signs in.
SIGNING_PARAMETERS = ("Signature", "SecurityToken", "AccessKeyId")
#: Fields of a body that hold what somebody signs in with at an identity service.
FIELDS = ("password",)
