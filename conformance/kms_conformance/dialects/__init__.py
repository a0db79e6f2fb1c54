"""One adapter a dialect: abstract operations to wire requests, wire replies to abstract answers."""

from __future__ import annotations

from kms_conformance.catalogue.profile import Profile
from kms_conformance.dialects.alibaba import Alibaba
from kms_conformance.dialects.aws import Aws
from kms_conformance.dialects.base import Dialect
from kms_conformance.dialects.huawei import Huawei

ADAPTERS: dict[str, type[Dialect]] = {"alibaba": Alibaba, "aws": Aws, "huawei": Huawei}


def adapter(profile: Profile, base_url: str, scope: str) -> Dialect:
    """The adapter for the dialect of a profile."""
    return ADAPTERS[profile.dialect](base_url, scope, profile)
