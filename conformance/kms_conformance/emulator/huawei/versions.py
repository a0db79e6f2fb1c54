"""What the addresses without a project tell: which versions of the service and of the identity service there are."""

from __future__ import annotations

from typing import Any


def kms(base_url: str) -> dict[str, Any]:
    """The one version of this service."""
    return _version("v1.0", f"{base_url}/v1.0/", "2018-09-05T08:18:05Z")


def identity(base_url: str) -> dict[str, Any]:
    """What clients look for before they sign in."""
    media = {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
    return {**_version("v3.14", f"{base_url}/v3/", "2020-04-07T00:00:00Z"), "media-types": [media]}


def _version(name: str, address: str, updated: str) -> dict[str, Any]:
    return {
        "id": name,
        "links": [{"href": address, "rel": "self"}],
        "min_version": "",
        "status": "CURRENT",
        "updated": updated,
        "version": "",
    }
