"""What pytest loads in each of its sessions: our plugin, or nothing where `conformance` is somebody else's."""

from __future__ import annotations

from kms_conformance.own import shadowed_by

if shadowed_by() is None:
    from conformance.plugin import pytest_addoption, pytest_configure

    __all__ = ["pytest_addoption", "pytest_configure"]
