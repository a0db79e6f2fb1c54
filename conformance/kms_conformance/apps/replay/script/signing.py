"""Signers of reproducing scripts. The function of a way to sign in is copied into the script, with what it calls.

So this module uses the standard library only. Tests compare each function with the signer of `kms_conformance.auth`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, unquote_to_bytes, urlsplit

Headers = list[tuple[str, str]]
Signed = tuple[str, Headers]


def hmac_sha256(key: bytes, text: str) -> bytes:
    """HMAC-SHA-256."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sha256_hex(data: bytes) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def pairs_of(query: str) -> list[tuple[bytes, bytes]]:
    """The decoded parameters of a query or a form."""
    found = []
    for piece in query.split("&"):
        if piece:
            name, _, value = piece.replace("+", " ").partition("=")
            found.append((unquote_to_bytes(name), unquote_to_bytes(value)))
    return found


def canonical_query(pairs: list[tuple[bytes, bytes]]) -> str:
    """The parameters sorted, encoded and joined."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(pairs))


def canonical_path(path: str) -> str:
    """The path decoded, and each segment encoded."""
    return "/".join(quote(segment, safe="~") for segment in unquote_to_bytes(path).split(b"/")) or "/"


def canonical_headers(url: str, headers: Headers, prefixes: tuple[str, ...]) -> tuple[str, str]:
    """The lines of the signed headers (host, content type, and those with a prefix), and their names."""
    found = {"host": urlsplit(url).netloc}
    names = [name.lower() for name, _ in headers]
    for name, value in headers:
        signed = name.lower() == "content-type" or (name.lower().startswith(prefixes) and "_" not in name)
        if signed and names.count(name.lower()) == 1 and value.isascii():
            found[name.lower()] = value.strip()
    return "".join(f"{name}:{found[name]}\n" for name in sorted(found)), ";".join(sorted(found))


def sign_token(
    method: str, url: str, headers: Headers, body: bytes, auth: dict[str, str], now: datetime, nonce: str
) -> Signed:
    """A token in X-Auth-Token."""
    del method, body, now, nonce
    return url, [*headers, ("X-Auth-Token", auth["token"])]


def sign_aksk(
    method: str, url: str, headers: Headers, body: bytes, auth: dict[str, str], now: datetime, nonce: str
) -> Signed:
    """SDK-HMAC-SHA256 (Huawei Cloud, "API Request Signing Guide")."""
    del nonce
    date = f"{now:%Y%m%dT%H%M%SZ}"
    headers = [*headers, ("X-Sdk-Date", date), ("X-Project-Id", auth["project_id"])]
    if "security_token" in auth:
        headers = [*headers, ("X-Security-Token", auth["security_token"])]
    parts = urlsplit(url)
    lines, names = canonical_headers(url, headers, ("x-",))
    path = canonical_path(parts.path)
    path = path if path.endswith("/") else f"{path}/"
    request = "\n".join((method, path, canonical_query(pairs_of(parts.query)), lines, names, sha256_hex(body)))
    text = f"SDK-HMAC-SHA256\n{date}\n{sha256_hex(request.encode())}"
    signature = hmac_sha256(auth["access_key_secret"].encode(), text).hex()
    written = f"SDK-HMAC-SHA256 Access={auth['access_key_id']}, SignedHeaders={names}, Signature={signature}"
    return url, [*headers, ("Authorization", written)]


def sign_rpc_v1(
    method: str, url: str, headers: Headers, body: bytes, auth: dict[str, str], now: datetime, nonce: str
) -> Signed:
    """The signature of RPC calls, version 1 (Alibaba Cloud, "Signature mechanism")."""
    own = {
        "AccessKeyId": auth["access_key_id"],
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": nonce,
        "SignatureVersion": "1.0",
        "Timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    if "security_token" in auth:
        own["SecurityToken"] = auth["security_token"]
    added = "&".join(f"{name}={quote(value, safe='~')}" for name, value in own.items())
    url = f"{url}{'&' if urlsplit(url).query else '?'}{added}"
    form = any(
        name.lower() == "content-type" and value.startswith("application/x-www-form-urlencoded")
        for name, value in headers
    )
    pairs = [*pairs_of(urlsplit(url).query), *(pairs_of(body.decode("latin-1")) if form else [])]
    text = f"{method}&%2F&{quote(canonical_query(pairs), safe='~')}"
    digest = hmac.new(f"{auth['access_key_secret']}&".encode(), text.encode(), hashlib.sha1).digest()
    return f"{url}&Signature={quote(base64.b64encode(digest), safe='~')}", headers


def sign_rpc_v3(
    method: str, url: str, headers: Headers, body: bytes, auth: dict[str, str], now: datetime, nonce: str
) -> Signed:
    """ACS3-HMAC-SHA256 (Alibaba Cloud, "Request syntax and signature method V3")."""
    date = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    own = [("x-acs-date", date), ("x-acs-signature-nonce", nonce), ("x-acs-content-sha256", sha256_hex(body))]
    if "security_token" in auth:
        own += [("x-acs-security-token", auth["security_token"]), ("x-acs-accesskey-id", auth["access_key_id"])]
    headers = [*headers, *own]
    parts = urlsplit(url)
    lines, names = canonical_headers(url, headers, ("x-acs-",))
    query = canonical_query(pairs_of(parts.query))
    request = "\n".join((method, canonical_path(parts.path), query, lines, names, sha256_hex(body)))
    text = f"ACS3-HMAC-SHA256\n{sha256_hex(request.encode())}"
    signature = hmac_sha256(auth["access_key_secret"].encode(), text).hex()
    written = f"ACS3-HMAC-SHA256 Credential={auth['access_key_id']},SignedHeaders={names},Signature={signature}"
    return url, [*headers, ("Authorization", written)]


def sign_sigv4(
    method: str, url: str, headers: Headers, body: bytes, auth: dict[str, str], now: datetime, nonce: str
) -> Signed:
    """AWS4-HMAC-SHA256 (AWS, "Signature Version 4 for API requests")."""
    del nonce
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    headers = [*headers, ("X-Amz-Date", stamp)]
    if "security_token" in auth:
        headers = [*headers, ("X-Amz-Security-Token", auth["security_token"])]
    parts = urlsplit(url)
    found = {"host": parts.netloc}
    for name, value in headers:
        written = " ".join(value.split())
        found[name.lower()] = f"{found[name.lower()]},{written}" if name.lower() in found else written
    lines, names = "".join(f"{name}:{found[name]}\n" for name in sorted(found)), ";".join(sorted(found))
    query = "&".join(
        f"{name}={value}" for name, _, value in sorted(each.partition("=") for each in _pieces(parts.query))
    )
    request = "\n".join((method, quote(parts.path or "/", safe="/~"), query, lines, names, sha256_hex(body)))
    scope = (stamp[:8], auth["region"], "kms", "aws4_request")
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, "/".join(scope), sha256_hex(request.encode())))
    key = f"AWS4{auth['access_key_secret']}".encode()
    for part in scope:
        key = hmac_sha256(key, part)
    credential = "/".join((auth["access_key_id"], *scope))
    signature = hmac_sha256(key, text).hex()
    written = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return url, [*headers, ("Authorization", written)]


def _pieces(query: str) -> list[str]:
    return query.split("&") if query else []
