"""TLS probe of an endpoint before the first request: protocol version and days until the certificate expires."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from kms_conformance.wire.messages import port_of

if TYPE_CHECKING:
    from pathlib import Path

_DAY = 86400


@dataclass(frozen=True)
class Tls:
    """Result of a handshake. `days_left`: whole days until the certificate expires, rounded down."""

    version: str
    days_left: int


class Unreachable(Exception):  # noqa: N818 - an outcome of the probe
    """The endpoint cannot be reached over a trusted connection. `why` is the reason, `hint` the user's next step."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why, hint)
        self.why = why
        self.hint = hint


def probe(url: str, verify: Literal[True] | Path, timeout_seconds: float) -> Tls | None:
    """Connect to the host of a URL and hang up; None for plain HTTP. Raises `Unreachable`.

    The trusted authorities are the same as for all other requests: those in the file `verify`, or those in the bundle
    of the HTTP library. Authorities that environment variables name are not trusted.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        with socket.create_connection((host, port_of(url)), timeout_seconds) as connection:
            if parts.scheme != "https":
                return None
            context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify))
            with context.wrap_socket(connection, server_hostname=host) as secured:
                return _seen(secured)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"its certificate is not trusted: {error.verify_message}",
            "Check base_url; for a private cloud, name the file of its authority in `verify`.",
        ) from error
    except ssl.SSLError as error:
        raise Unreachable(
            f"no TLS there: {error.reason or error}",
            "Is it the right port in base_url? A port without TLS needs http:// there.",
        ) from error
    except socket.gaierror as error:
        raise Unreachable(
            f"the host name {host} is not known", "Is the region in base_url right, and does this machine have DNS?"
        ) from error
    except OSError as error:
        reason = error.strerror or "no connection in time"
        raise Unreachable(
            f"no connection to {host}: {reason}", "Is it running there, and does a firewall stand between?"
        ) from error


def _seen(secured: ssl.SSLSocket) -> Tls:
    certificate = secured.getpeercert() or {}
    expires = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return Tls(secured.version() or "TLS", int((expires - time.time()) // _DAY))
