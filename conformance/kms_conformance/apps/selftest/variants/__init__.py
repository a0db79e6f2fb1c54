"""Variants: emulators that conform in another way, where the documents leave a choice. All of them must pass."""

from __future__ import annotations

import gzip
from dataclasses import replace

from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.reply_mutations import body, header, where
from kms_conformance.apps.selftest.variants.alibaba_clouds import ALIBABA_CLOUDS
from kms_conformance.apps.selftest.variants.answering import ANSWERING
from kms_conformance.apps.selftest.variants.around import AROUND
from kms_conformance.apps.selftest.variants.aws_clouds import AWS_CLOUDS
from kms_conformance.apps.selftest.variants.encoding import TYPED
from kms_conformance.apps.selftest.variants.failing import FAILING
from kms_conformance.apps.selftest.variants.front import FRONT
from kms_conformance.apps.selftest.variants.huawei_clouds import HUAWEI_CLOUDS
from kms_conformance.apps.selftest.variants.lagging import LAGGING
from kms_conformance.apps.selftest.variants.living import LIVING
from kms_conformance.apps.selftest.variants.others import OTHERS
from kms_conformance.apps.selftest.variants.overloaded import OVERLOADED
from kms_conformance.apps.selftest.variants.together import TOGETHER
from kms_conformance.apps.selftest.variants.unknown_fields import UNKNOWN_FIELDS
from kms_conformance.apps.selftest.variants.writing import WRITING

# This group comes last in `VARIANTS`, because filters after it would have to decompress the body.
_PACKED = (
    Variant(
        "gzip",
        "Bodies are compressed with gzip, although the request does not ask for it.",
        filters=(where(lambda _, o: bool(o.body), body(gzip.compress), header("Content-Encoding", "gzip")),),
    ),
)

_GROUPS = {
    "writing": (*WRITING, *TYPED),
    "answering": (*ANSWERING, *OVERLOADED, *FAILING),
    "living": LIVING,
    "around": AROUND,
    "lagging": LAGGING,
    "aws clouds": AWS_CLOUDS,
    "clouds": HUAWEI_CLOUDS,
    "alibaba clouds": ALIBABA_CLOUDS,
    "front": FRONT,
    "others": OTHERS,
    "together": TOGETHER,
    "unknown fields": UNKNOWN_FIELDS,
    "packed": _PACKED,
}

VARIANTS: tuple[Variant, ...] = tuple(
    replace(variant, group=group) for group, variants in _GROUPS.items() for variant in variants
)
