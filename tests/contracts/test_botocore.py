"""Our signer makes what the vendor's own makes of the same request at the same moment, to the byte.

The vendor's is asked as its users ask it, by `add_auth`: it takes its own clock's time, which X-Amz-Date tells.
"""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kms_conformance.auth.sigv4 import SigV4Signer
from kms_conformance.wire.messages import Request

ACCESS_KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKENS = st.none() | st.just("AQoDYXdzEPT//////////wEXAMPLE")
# What generated requests are made of: dots, repeated slashes and names, stray escapes, blanks within values.
PATHS = st.lists(st.sampled_from(["", ".", "..", "a", "a%20b", "%2F", "~x", "é".encode().hex()]), max_size=5)
QUERIES = st.lists(st.sampled_from(["a=1", "a=", "a", "B=%7E", "=x", "", "a=0", "c=a=b"]), max_size=4)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["X-Amz-Target", "content-type", "My-Header", "my-header", "User-Agent", "TE", "Host"]),
        st.text(" \t,;=abcXYZ09\xa0\xff", max_size=8).map(str.strip),
    ),
    max_size=5,
)


def by_the_vendor(request: Request, token: str | None) -> tuple[str, str]:
    """(the moment, the Authorization header) of botocore."""
    theirs = AWSRequest(method=request.method, url=request.url, data=request.body)
    for name, value in request.headers:
        theirs.headers.add_header(name, value)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET, token), "kms", "eu-central-1").add_auth(theirs)
    return theirs.headers["X-Amz-Date"], theirs.headers["Authorization"]


@settings(deadline=None, max_examples=300)
@given(
    method=st.sampled_from(["GET", "POST", "put", "PROPFIND"]),
    host=st.sampled_from(["https://kms.eu-central-1.amazonaws.com", "http://127.0.0.1:8080", "http://[::1]:80"]),
    path=PATHS,
    query=QUERIES,
    headers=HEADERS,
    body=st.binary(max_size=20),
    token=TOKENS,
)
@example("POST", "http://127.0.0.1:8080", [""], [], [("X-Amz-Target", "TrentService.ListKeys")], b"{}", None)
@example("GET", "https://kms.eu-central-1.amazonaws.com", ["a", "..", "b", ""], ["b=2", "a=1"], [], b"", None)
def test_our_signature_is_that_of_the_vendors_own_signer(
    method: str,
    host: str,
    path: list[str],
    query: list[str],
    headers: list[tuple[str, str]],
    body: bytes,
    token: str | None,
) -> None:
    text = "&".join(query)
    url = f"{host}/{'/'.join(path)}{'?' if text else ''}{text}"
    request = Request(method, url, tuple(headers), body)
    stamp, authorization = by_the_vendor(request, token)
    moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signed = SigV4Signer(ACCESS_KEY, SECRET, "eu-central-1", token, lambda: moment).sign(request)
    assert signed.header("Authorization") == authorization
