"""Variants of the sixth blind set about errors that come and go, codes left open, dates, and late readers."""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kms_conformance.apps.selftest.blind.fifth.wire import with_exponents
from kms_conformance.apps.selftest.blind.sixth_variants.forms import Counting, in_objects, json_body, variant
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import header, on, on_all, on_refusal, without
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Key, RefusalAnswer

_NUMBERS = itertools.count()
_COMING = "throttled internal_error"


def _refusing_now_and_then(name: str, period: int, burst: int, operations: str = "") -> type[Decisions]:
    """Of each `period` decisions about keys, `burst` in a row give this refusal."""

    class Refusing(Counting):
        _decided = 0

        def refusal_for(self, operation: str, key: Key) -> str | None:
            if operations and operation not in operations.split():
                return super().refusal_for(operation, key)
            self._decided += 1
            return name if self._decided % period < burst else super().refusal_for(operation, key)

    return Refusing


class _Alternating(Decisions):
    """Each refusal is answered by the documented alternates in turn."""

    def answer(self, refusal: str) -> RefusalAnswer:
        answers = specs.facts(self.rules.dialect, self.rules.profile)["refusals"][refusal]["answers"]
        chosen = answers[next(_NUMBERS) % len(answers)]
        return RefusalAnswer(chosen["status"], chosen["code"])


class _LastAlternate(Decisions):
    """Each refusal is answered by the last of the documented alternates."""

    def answer(self, refusal: str) -> RefusalAnswer:
        chosen = specs.facts(self.rules.dialect, self.rules.profile)["refusals"][refusal]["answers"][-1]
        return RefusalAnswer(chosen["status"], chosen["code"])


class _RoundedUp(Decisions):
    """Deletion dates are rounded up, to a minute for odd windows, to an hour for the others."""

    def deletion_date(self, now: datetime, days: int) -> datetime:
        exact = super().deletion_date(now, days)
        step = 60 if days % 2 else 3600
        return exact + timedelta(seconds=-exact.timestamp() % step)


class _SomewhatLater(Decisions):
    """Deletion dates are later than the window by some hours, each by another number."""

    def deletion_date(self, now: datetime, days: int) -> datetime:
        return super().deletion_date(now, days) + timedelta(seconds=next(_NUMBERS) * 7919 % 82800)


class _GoneByTurns(Counting):
    """Keys are deleted some hours after their date, each after another time; from the date on, nothing cancels that."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        late = timedelta(hours=zlib.crc32(key.id.encode()) % 20)
        visible = super().key_visible(key, now - late)
        self.now = now
        return visible

    def refusal_for(self, operation: str, key: Key) -> str | None:
        over = operation == "cancel" and key.deletion is not None and self.now >= key.deletion
        return "not_pending" if over else super().refusal_for(operation, key)


class _ClockAhead(Decisions):
    """The clock of the service is 40 seconds ahead of the client's."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        ahead = timedelta(seconds=40)
        deletion = None if found.deletion is None else found.deletion + ahead
        return replace(found, created=found.created + ahead, deletion=deletion)

    def key_visible(self, key: Key, now: datetime) -> bool:
        # A key lives until the date that it shows.
        return super().key_visible(key, now - timedelta(seconds=40))


def _reading_late(operations: str, seconds: float, share: float = 1.0) -> type[Decisions]:
    """These operations find the keys as they were some time ago, by a share of their replicas."""
    drawn = random.Random(6)  # noqa: S311 - no secret

    class ReadingLate(Decisions):
        def memory_seconds(self) -> float:
            return 2 * seconds

        def found(
            self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            late = operation in operations.split() and drawn.random() < share
            return super().found(operation, earlier(seconds) if late else keys, earlier)

    return ReadingLate


def _fractions(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"CreationDate": value["CreationDate"] + 0.437} if "CreationDate" in value else value


def _newer_alibaba(value: dict[str, Any]) -> dict[str, Any]:
    if "KeyState" not in value:
        return value
    more = {"RotationInterval": "", "NextRotationDate": "", "DKMSInstanceId": "", "KeyStorageMechanism": "Kms"}
    return value | more


def _newer_huawei(value: dict[str, Any]) -> dict[str, Any]:
    if "key_state" not in value or "domain_id" not in value:
        return value
    more: dict[str, Any] = {
        "sys_enterprise_project_id": "0",
        "keystore_id": "0",
        "key_label": None,
        "partition_type": "1",
        "key_rotation_enabled": "false",
        "pending_days": "",
        "key_material_id": None,
    }
    return value | more


ANSWER_VARIANTS = (
    variant(
        "errors-in-bursts",
        "Of 120 requests on keys, two in a row fail with a temporary error of the service.",
        "Huawei FAQ and AWS errors: 500 is to be retried",
        on_refusal(_COMING, header("Retry-After", "0")),
        does=(_refusing_now_and_then("internal_error", 120, 2),),
    ),
    variant(
        "throttled-until-a-date",
        "Some requests are throttled, and told to come again at a date.",
        "RFC 9110, 10.2.3: Retry-After may be a date",
        on_refusal(_COMING, header("Retry-After", "Tue, 01 Dec 2026 00:00:00 GMT")),
        does=(_refusing_now_and_then("throttled", 90, 1),),
    ),
    variant(
        "throttled-on-describe",
        "One description of a key in 15 is throttled.",
        "quotas by operation in each cloud",
        on_refusal(_COMING, header("Retry-After", "1")),
        does=(_refusing_now_and_then("throttled", 15, 1, "describe"),),
    ),
    variant("alternating-codes", "Errors have the documented alternates in turn.", "specs", does=(_Alternating,)),
    variant("last-codes", "Errors have the last of their documented alternates.", "specs", does=(_LastAlternate,)),
    variant(
        "dates-rounded-by-turns",
        "Some deletion dates are full minutes, others full hours.",
        "the documents give days, not seconds",
        does=(_RoundedUp,),
        of=(HUAWEI, ALIBABA),
    ),
    variant(
        "dates-hours-later",
        "Deletion dates are some hours later than the window.",
        "AWS, deleting keys: the actual waiting period might be up to 24 hours longer",
        does=(_SomewhatLater,),
        of=(AWS,),
    ),
    variant(
        "gone-by-turns",
        "Keys are deleted some hours after their date, each after another time.",
        "AWS: up to 24 hours longer; Alibaba: within 24 hours after the date",
        does=(_GoneByTurns,),
        of=(ALIBABA, AWS),
    ),
    variant("clock-ahead", "The service's clock is 40 s ahead.", "clocks of machines drift", does=(_ClockAhead,)),
    variant(
        "late-lists",
        "Lists are a second late, everything else is not.",
        "AWS, eventual consistency",
        does=(_reading_late("list list_aliases", 1.0),),
    ),
    variant(
        "late-belongings",
        "Tags, grants, policies and aliases read back a second late.",
        "AWS, eventual consistency",
        does=(_reading_late("list_tags list_grants get_policy list_aliases rotation_status", 1.0),),
        of=(ALIBABA, AWS),
    ),
    variant(
        "late-use",
        "The data plane learns of changes 0.8 s later.",
        "facts: the data plane is later",
        does=(_reading_late("encrypt decrypt generate_data_key generate_data_key_without_plaintext", 0.8),),
    ),
    variant(
        "one-late-replica",
        "One replica in four is 0.7 s behind.",
        "AWS, eventual consistency",
        does=(_reading_late("describe list", 0.7, 0.25),),
    ),
    variant(
        "exponents-and-fractions",
        "Dates have fractions and exponents.",
        "recorded replies of AWS",
        on("describe create", in_objects(_fractions)),
        on_all(json_body(with_exponents)),
        of=(AWS,),
    ),
    variant(
        "newer-alibaba-fields",
        "Keys have the fields of newer editions, empty.",
        "Alibaba DescribeKey of 2025",
        on("describe create", in_objects(_newer_alibaba)),
        of=(ALIBABA,),
    ),
    variant(
        "newer-huawei-fields",
        "Keys have the fields of newer editions, null or empty.",
        "Huawei Cloud ShowKeyDetail",
        on("describe list", in_objects(_newer_huawei)),
        of=(HUAWEI,),
    ),
    variant(
        "no-optional-fields",
        "Optional fields of keys are missing.",
        "KeyMetadata: members that are not required",
        on(
            "describe create",
            without("KeyMetadata.CustomerMasterKeySpec"),
            without("KeyMetadata.MaterialExpireTime"),
            without("KeyMetadata.LastRotationDate"),
            without("KeyMetadata.DeletionProtectionDescription"),
            without("KeyMetadata.AutomaticRotation"),
            without("key_info.expiration_time"),
        ),
    ),
    variant(
        "key-material-ids",
        "Replies name the material of the key.",
        "AWS changelog 2025-06: KeyMaterialId",
        on(
            "encrypt decrypt generate_data_key re_encrypt",
            lambda reply: reply.with_value(
                {**reply.value, "KeyMaterialId": "0b7fd7ddbac6eef27907413567cad8c810e2883dc8a7534067a82ee1142fc1e6"}
            ),
        ),
        of=(AWS,),
    ),
    variant(
        "signed-by-key", "Requests are signed.", "Huawei: AK/SK", auth="aksk", of=(HUAWEI,), does=(_LastAlternate,)
    ),
    variant("temporary-key", "Requests carry a token.", "STS", auth="sts", of=(ALIBABA, AWS), does=(_Alternating,)),
)
