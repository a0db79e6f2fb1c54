"""Signing keys of certificates: Ed25519 keys in PEM files, in the form that openssl writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.report.files import ReportError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, Key

_HOW = "Make one with `kms-conformance certify --new-key FILE`, or `openssl genpkey -algorithm ed25519 -out FILE`."
_HOW_PUBLIC = "Name the file that ends in .pub, or the output of `openssl pkey -in FILE -pubout`."


def new_key(path: Path) -> Path:
    """Write a new private key (mode 0600) and its public key beside it; returns the path of the public key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - rarely needed
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - rarely needed
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    public = path.with_name(f"{path.name}.pub")
    contents = {
        path: (0o600, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
        public: (0o644, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
    }
    for file, (mode, data) in contents.items():
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as written:
                written.write(data)
        except OSError as error:
            raise ReportError(
                f"{file} cannot be written.",
                f"{error.strerror or error}.",
                "Name another file: existing files are not replaced.",
            ) from error
    return public


def signer_of(path: Path) -> CryptoSigner:
    """The signer with the private key in a file. Raises `ReportError` if the key cannot be used."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - rarely needed
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - rarely needed
    from securesystemslib.signer import CryptoSigner  # noqa: PLC0415 - rarely needed

    try:
        key = load_pem_private_key(_content(path, _HOW), None)
    except (ValueError, TypeError) as error:
        raise ReportError(f"{path} is not a usable private key.", f"{error}.", _HOW) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ReportError(f"{path} is not a usable private key.", "It is not an Ed25519 key.", _HOW)
    return CryptoSigner(key)


def public_key(path: Path) -> Key:
    """The public key in a file. Raises `ReportError` if the key cannot be used."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - rarely needed
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - rarely needed
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415 - rarely needed

    try:
        key = load_pem_public_key(_content(path, _HOW_PUBLIC))
    except (ValueError, TypeError) as error:
        raise ReportError(f"{path} is not a usable public key.", f"{error}.", _HOW_PUBLIC) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ReportError(f"{path} is not a usable public key.", "It is not an Ed25519 key.", _HOW_PUBLIC)
    return SSlibKey.from_crypto(key)


def _content(path: Path, how: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path} cannot be read.", f"{error.strerror or error}.", how) from error
