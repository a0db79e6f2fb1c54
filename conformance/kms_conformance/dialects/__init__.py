"""Adapters, one for each dialect: they translate operations to HTTP requests, and replies to common values."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs
from kms_conformance.dialects.base import Dialect


@cache
def adapter_class(dialect: str) -> type[Dialect]:
    """The adapter class of a dialect: `ADAPTER` in the module that `specs.locate` names."""
    found: type[Dialect] = import_module(specs.locate(dialect).adapter).ADAPTER
    return found


def adapter(profile: Profile, base_url: str, scope: str) -> Dialect:
    """A new adapter for the dialect of a profile. `Dialect` explains `scope`."""
    return adapter_class(profile.dialect)(base_url, scope, profile)
