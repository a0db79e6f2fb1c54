"""What a file of own faults imports: the values that describe faults and variants, and the parts they are made of.

The file is written by a user, and run by `kms-conformance selftest --faults FILE`; docs/your-own-faults.md explains it.
The names here stay the same within a major version.
"""

from __future__ import annotations

from kms_conformance.apps.selftest.behaviour_mutations import (
    accepting,
    answering,
    changing_others,
    changing_though_refused,
    dating,
    doing,
    doing_nothing,
    listing,
    ranging,
    reading_windows,
    refusing,
    showing,
    visible,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Fault, Variant
from kms_conformance.apps.selftest.reply_mutations import (
    every,
    field,
    header,
    on,
    on_all,
    on_errors,
    on_refusal,
    status,
    without,
)
from kms_conformance.emulator import ABSENT, Decisions, Filter, Inbound, Key, Outbound, RefusalAnswer, Rules, State

__all__ = [
    "ABSENT",
    "ALIBABA",
    "ALL",
    "AWS",
    "HUAWEI",
    "Decisions",
    "Fault",
    "Filter",
    "Inbound",
    "Key",
    "Outbound",
    "RefusalAnswer",
    "Rules",
    "State",
    "Variant",
    "accepting",
    "answering",
    "changing_others",
    "changing_though_refused",
    "dating",
    "doing",
    "doing_nothing",
    "every",
    "field",
    "header",
    "listing",
    "on",
    "on_all",
    "on_errors",
    "on_refusal",
    "ranging",
    "reading_windows",
    "refusing",
    "showing",
    "status",
    "visible",
    "with_",
    "without",
]
