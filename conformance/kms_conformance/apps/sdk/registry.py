"""Registry of the adapters, one for each client; a vendor's package is imported only when its adapter is needed."""

from __future__ import annotations

import shlex
from importlib import import_module, metadata

from packaging.requirements import Requirement

from kms_conformance.apps.sdk.driver import Driver
from kms_conformance.apps.sdk.vendor_clients import VendorClient, clients
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.target import Target

# Name of this package, and of the extra in pyproject.toml that installs the vendors' clients.
_PACKAGE, _EXTRA = "kms-conformance", "clients"


class ClientError(UserMistake):
    """A client cannot be used; the text has three lines: what happened, why, what to do next."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(f"{what}\n{why}\n{hint}")


def client_names() -> tuple[str, ...]:
    """The names of all clients of all dialects."""
    return tuple(client.name for dialect in specs.dialects() for client in clients(dialect))


def clients_for(target: Target, only: str | None) -> tuple[VendorClient, ...]:
    """The clients that can sign in at a target, installed or not; if `only` is given, only the client of this name."""
    named = (client for client in clients(target.dialect) if only in (None, client.name))
    return tuple(client for client in named if target.auth.way in client.ways)


def adapter_of(client: VendorClient) -> type[Driver]:
    """The adapter class of a client. Raises `ClientError` if one of its packages is not installed."""
    missing = [name for name in client.distributions if not _is_installed(name)]
    if missing:
        raise ClientError(
            f"The client {client.name} cannot be used.",
            f"Not installed: {', '.join(missing)}.",
            f"Install the vendors' clients with: {_install()}",
        )
    module, _, name = client.driver.partition(":")
    try:
        found: type[Driver] = getattr(import_module(module, __package__), name)
    except ImportError as error:
        raise ClientError(
            f"The client {client.name} cannot be used.",
            f"It is installed but cannot be imported: {error}",
            f"Install the vendors' clients again, in a new virtual environment: {_install()}",
        ) from error
    return found


def _install() -> str:
    """The command that installs the tested releases of all clients, but not this package."""
    found = map(Requirement, metadata.requires(_PACKAGE) or ())
    wanted = [each for each in found if each.marker is not None and each.marker.evaluate({"extra": _EXTRA})]
    return shlex.join(["pip", "install", *(f"{each.name}{each.specifier}" for each in wanted)])


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
