"""Faults of replies that contradict themselves: what the body says of the reply is not what the reply is."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.deviation import ALIBABA, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, on_refusal, where
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Inbound, Outbound

_SHAPE: frozenset[RequirementId] = frozenset({"error.shape"})
_fault = partial(
    Fault, fault_class="errors", severity="minor", requirements=_SHAPE, dialects=(ALIBABA,), families=("schedule",)
)


def _other_status(_: Inbound, outbound: Outbound) -> bool:
    return outbound.refusal is not None


def _told(status: int) -> Fault:
    return _fault(
        name=f"error-says-status-{status}",
        title=f"The field `HttpStatus` of errors is always {status}.",
        filters=(where(_other_status, field("HttpStatus", lambda _: status)),),
    )


def _root_of(action: str) -> Rewrite:
    def rewrite(reply: Outbound) -> Outbound:
        ends = re.match(rb"(<\?.*?\?>)?<(\w+)>.*</\2>\s*$", reply.body, re.DOTALL)
        if ends is None:
            return reply
        opened, root = f"<{action}Response>".encode(), ends[2]
        return replace(
            reply, body=reply.body.replace(b"<%b>" % root, opened).replace(b"</%b>" % root, b"</" + opened[1:])
        )

    return rewrite


FAULTS = (
    _fault(
        name="xml-root-of-another-action",
        title="XML replies have the root of another action.",
        requirements=frozenset({"reply.encoding"}),
        families=("replies", "protocol"),
        filters=(where(lambda _, o: o.refusal is None and o.body.startswith(b"<"), _root_of("CreateKey")),),
    ),
    _told(200),
    _told(400),
    _told(500),
    _fault(
        name="error-says-status-of-another",
        title="The error for a second scheduling says that its status is 404.",
        filters=(on_refusal("already_pending", field("HttpStatus", lambda _: 404)),),
    ),
)
