"""TLS of the emulator: an authority and a certificate that are made for one emulator and thrown away with it.

The keys of both exist in this process only. OpenSSL reads a key from a file and from nowhere else, so that of the
certificate is in a file of a private folder while OpenSSL reads it.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.core.runtime import REAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509 import Certificate, GeneralName

_DAYS = 365
# A client whose clock is behind must find the certificate valid.
_EARLIER = timedelta(days=1)


class UnwritableAuthority(ValueError):  # noqa: N818 - a mistake of the user
    """The file for the certificate of the authority cannot be written; the message says why."""


class ServerTls:
    """A TLS context for a server, and the file of the authority that its clients must trust.

    - host: the address that the server listens at. The certificate also names `localhost`, 127.0.0.1, ::1, and this
      machine by its host name.
    - authority: a file for the certificate of the authority, which stays; None: a file in a folder of its own, which
      `close` removes.

    The attribute `authority` is the absolute path of the file. Raises `UnwritableAuthority` if it cannot be written.
    """

    def __init__(self, host: str, authority: Path | None = None) -> None:
        # Removed at the end of the process at the latest.
        self._folder = tempfile.TemporaryDirectory(prefix="kms-emulator-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self.authority = (authority or folder / "ca.pem").absolute()
        self.context = _context(folder, self.authority, host)

    def close(self) -> None:
        """Remove the folder; a file that the caller named stays."""
        self._folder.cleanup()


def _context(folder: Path, authority: Path, host: str) -> ssl.SSLContext:
    # Imported late, because the library takes a tenth of a second and most emulators serve plain HTTP.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    above, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _certified("kms-conformance emulator, throw-away authority", above, above)
    certificate = _certified("kms-conformance emulator", own, above, issuer, _names(host))
    pem = serialization.Encoding.PEM
    try:
        authority.write_bytes(issuer.public_bytes(pem))
    except OSError as error:
        raise UnwritableAuthority(f"{authority} cannot be written: {error.strerror}.") from error
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = folder / "chain.pem"
    # Only the owner can enter the folder.
    chain.write_bytes(key + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    chain.unlink()
    return context


def _certified(
    title: str,
    key: ec.EllipticCurvePrivateKey,
    above: ec.EllipticCurvePrivateKey,
    issuer: Certificate | None = None,
    names: Iterable[GeneralName] = (),
) -> Certificate:
    """A certificate for `key`, signed by `above`: of an authority without `issuer`, else of a server with `names`."""
    from cryptography import x509  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415 - as above

    # All extensions that RFC 5280 demands: clients such as Python 3.13 refuse certificates that lack one.
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, title)])
    is_authority = issuer is None
    usages = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    ) | {"decipher_only": False}
    usage = x509.KeyUsage(
        digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, **usages
    )
    now = REAL.now()
    builder = (
        x509.CertificateBuilder(subject if issuer is None else issuer.subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)
    )
    if not is_authority:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        ).add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(above, hashes.SHA256())


def _names(host: str) -> Iterable[GeneralName]:
    """What clients may call the server: by address or by name."""
    from cryptography import x509  # noqa: PLC0415 - as above

    for each in dict.fromkeys(("127.0.0.1", "::1", "localhost", socket.gethostname(), host)):
        try:
            yield x509.IPAddress(ipaddress.ip_address(each))
        except ValueError:
            # A name of other letters than those of DNS cannot stand in a certificate.
            if each and each.isascii():
                yield x509.DNSName(each)
