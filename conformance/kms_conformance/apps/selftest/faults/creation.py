"""Faults of creation: a key is created, but the reply is a refusal."""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, every, on, saying, status

_fault = partial(
    Fault,
    fault_class="creation",
    severity="critical",
    families=("isolation",),
    requirements=frozenset({"refused.changes-nothing"}),
)


def _alibaba(value: dict[str, object]) -> dict[str, object]:
    said = {"Code": "Rejected.LimitExceeded", "Message": "No room is left.", "HostId": "localhost"}
    return {"RequestId": value["RequestId"], **said}


_NO_ROOM: dict[str, tuple[int, Rewrite]] = {
    HUAWEI: (400, saying(lambda _: {"error": {"error_code": "KMS.1105", "error_msg": "No room is left."}})),
    ALIBABA: (400, saying(_alibaba)),
    AWS: (400, saying(lambda _: {"__type": "LimitExceededException", "message": "No room is left."})),
}

FAULTS = tuple(
    fault
    for dialect, (number, refused) in _NO_ROOM.items()
    for fault in (
        _fault(
            name="create-refused-but-done",
            title="Creating a key is refused, but the key is created.",
            dialects=(dialect,),
            filters=(on("create", refused, status(number)),),
        ),
        _fault(
            name="second-create-refused-but-done",
            title="Creating every second key is refused, but the key is created.",
            dialects=(dialect,),
            filters=(every(2, on("create", refused, status(number))),),
        ),
    )
)
