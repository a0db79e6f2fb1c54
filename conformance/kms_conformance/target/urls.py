"""Validation of URLs: absolute, without credentials, and https unless the host is this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from kms_conformance.target.errors import Problem

_SENDABLE = re.compile(r"[!-~]+")


def is_loopback(url: str) -> bool:
    """Whether the host of a URL is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def problem_with(url: str, where: str, *, allow_plain_http: bool) -> Problem | None:
    """The problem with the URL at the key `where`; None for a valid URL."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return Problem(f"`{where}` is not a URL.", _form(where), where)
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits or not _SENDABLE.fullmatch(url):
        return Problem(
            f"`{where}` is not a URL with http or https and a host, in ASCII.",
            _form(where),
            where,
        )
    if "@" in parts.netloc:
        hint = "Remove them from the URL; credentials belong under `auth`."
        return Problem(f"`{where}` contains credentials.", hint, where)
    if "?" in url or "#" in url:
        return Problem(f"`{where}` has a query or a fragment.", "Remove the part that begins with ? or #.", where)
    if parts.scheme == "http" and not (is_loopback(url) or allow_plain_http):
        return Problem(
            f"`{where}` would send credentials unencrypted over a network.",
            "Use https, or set `allow_plain_http: true` for a trusted network.",
            where,
        )
    return None


def _form(where: str) -> str:
    return f"Write it like `{where.rpartition('.')[2]}: https://kms.example.com`."
