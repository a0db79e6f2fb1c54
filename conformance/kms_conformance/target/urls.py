"""The URLs of a target file: absolute, without credentials, and in the clear only to this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from kms_conformance.target.errors import Problem

_SENDABLE = re.compile(r"[!-~]+")


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def problem_with(url: str, where: str, *, allow_plain_http: bool) -> Problem | None:
    """What is wrong with the URL of the key `where`; None if nothing is."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return Problem(f"`{where}` is no URL.", _form(where), where)
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits or not _SENDABLE.fullmatch(url):
        return Problem(
            f"`{where}` is no URL with http or https and a host, in plain ASCII.",
            _form(where),
            where,
        )
    if "@" in parts.netloc:
        hint = "Credentials stand under `auth`; remove them from the URL."
        return Problem(f"`{where}` has credentials in it.", hint, where)
    if "?" in url or "#" in url:
        return Problem(f"`{where}` has a query or a fragment.", "Remove what begins with ? or #.", where)
    if parts.scheme == "http" and not (is_loopback(url) or allow_plain_http):
        return Problem(
            f"`{where}` would send credentials over a network in the clear.",
            "Use https, or say `allow_plain_http: true` for a network that you trust.",
            where,
        )
    return None


def _form(where: str) -> str:
    return f"Write it like `{where.rpartition('.')[2]}: https://kms.example.com`."
