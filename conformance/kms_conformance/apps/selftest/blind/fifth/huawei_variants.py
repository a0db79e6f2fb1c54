"""The fifth blind set of variants: conforming behaviours of the Huawei dialect.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, answering, dating
from kms_conformance.apps.selftest.blind.fifth.account import Change, as_key, created, holding, state_named, with_states
from kms_conformance.apps.selftest.blind.fifth.service import (
    denying,
    enabled_late,
    one_reader_behind,
    rated,
)
from kms_conformance.apps.selftest.blind.fifth.wire import headed, in_object, variant
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each
from kms_conformance.apps.selftest.deviation import HUAWEI
from kms_conformance.apps.selftest.lag import steady
from kms_conformance.apps.selftest.reply_mutations import body, field, header, on, on_all, on_refusal, saying, without
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Key, Outbound, Rules, State

_huawei = partial(variant, of=(HUAWEI,))
_cloud = partial(_huawei, profile="huawei-cloud")
_RECORDED = "a recorded reply of the public cloud"
_PAGES = "the public cloud's pages"
_IMPORT = State.PENDING_IMPORT
# The time of the movable clock when a reply was made, by thread.
_ANSWERED = threading.local()


class Timed(Decisions):
    """Tells the rewrites the time of the movable clock."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        _ANSWERED.now = now
        return super().key_visible(key, now)


def as_recorded(details: dict[str, Any]) -> dict[str, Any]:
    """The fields that recorded replies have beyond the pages, in another order."""
    until = details["scheduled_deletion_date"]
    left = datetime.fromtimestamp(int(until) / 1000, _ANSWERED.now.tzinfo) - _ANSWERED.now if until else None
    more = {
        "key_rotation_enabled": "false",
        "sys_enterprise_project_id": "0",
        "pending_days": "" if left is None else str(-(-left // timedelta(days=1))),
        "keystore_type": "DEFAULT",
        "keystore_id": "0",
        "multi_region_key_type": "SINGLE",
    }
    return dict(sorted((details | more).items(), key=lambda item: item[0][::-1]))


def _by_the_newest_pages(details: dict[str, Any]) -> dict[str, Any]:
    named = {"key_label": "", "partition_type": "1", "keystore_id": "0", "sys_enterprise_project_id": "0"}
    return {**details, **named, "key_rotation_enabled": "false"}


class AesListed(Decisions):
    """A list has the keys of AES_256 alone, unless the request asks for another algorithm or for ALL.

    It conforms: the page on listing keys gives this default (vendor's page). The keys of a run are of AES_256.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._asked = threading.local()

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "list":
            self._asked.spec = sent.get("key_spec", "AES_256")
        return super().parameters(operation, sent)

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        found = tuple(super().listed(keys))
        return found if self._asked.spec == "ALL" else [key for key in found if key.spec == self._asked.spec]


class _ActivatedLater(Decisions):
    """A new key shows the state to be activated for 0.6 seconds.

    It conforms for this cloud: its page on describing keys lists the state, and clients wait for its end.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._since: dict[str, float] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self._since[after.id] = REAL.monotonic()
        return super().effects(operation, before, after, keys)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        young = REAL.monotonic() - self._since.get(key.id, -1.0) < 0.6
        waits = young and key.state is ENABLED and operation in {"describe", "list"}
        return replace(found, state=state_named("activated")) if waits else found


def in_chunks(reply: Outbound) -> Outbound:
    """The head and the end of line of recorded replies; the body is in chunks."""
    return replace(reply, chunked=True, body=reply.body + b"\n")


def _whole_minute(now: datetime, days: int) -> datetime:
    exact = now + timedelta(days=days)
    return exact.replace(second=0) + timedelta(minutes=1 if exact.second else 0)


def default_key(alias: str, text: str) -> Change:
    """A default key of a service."""
    return as_key(default=True, state=ENABLED, deletion=None, window_days=None, aliases=(alias,), description=text)


GATEWAY_HEADERS = (
    ("Connection", "keep-alive"),
    ("Server", "api-gateway"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubdomains;"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Download-Options", "noopen"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-XSS-Protection", "1; mode=block;"),
)

HUAWEI_VARIANTS = (
    _cloud(
        "huawei-recorded-head",
        "Replies have the head of the public cloud's gateway, chunks, and a line end after the body.",
        _RECORDED,
        on_all(headed(*GATEWAY_HEADERS), in_chunks),
    ),
    _cloud(
        "huawei-recorded-details",
        "Details of keys have six more fields, such as the days left, in the order of a hash table.",
        _RECORDED,
        on("describe", in_object("key_info", as_recorded)),
        on("list", in_object("key_details", as_recorded)),
        does=(Timed,),
    ),
    _cloud(
        "huawei-newest-details",
        "Details of keys have the fields of the newest pages.",
        _PAGES,
        on("describe", in_object("key_info", _by_the_newest_pages)),
        on("list", in_object("key_details", _by_the_newest_pages)),
    ),
    _cloud(
        "huawei-default-keys-of-services",
        "The account has default keys of three more services, with descriptions in Chinese.",
        _RECORDED,
        does=(
            holding(
                default_key("evs/default", "用于云硬盘加密的默认主密钥。"),
                default_key("kps/default", ""),
                default_key("csms/default", "默认"),
            ),
        ),
        foreign_keys=6,
    ),
    _cloud(
        "huawei-aes-listed",
        "A list without an algorithm has the keys of AES_256 alone; the account has keys of four others.",
        "the public cloud's page on listing keys",
        does=(
            AesListed,
            holding(
                as_key(spec="RSA_3072", usage="SIGN_VERIFY"),
                as_key(spec="EC_P256", usage="SIGN_VERIFY"),
                as_key(spec="HMAC_256", usage="GENERATE_VERIFY_MAC"),
                as_key(spec="SM4"),
            ),
        ),
        foreign_keys=7,
    ),
    _cloud(
        "huawei-frozen-keys",
        "Two keys of other users are frozen, as those of an account in debt.",
        "the public cloud's pages, which list the state 7",
        does=(
            with_states(frozen="7"),
            holding(as_key(state=state_named("frozen")), as_key(state=state_named("frozen"), created=created(2019))),
        ),
        foreign_keys=5,
    ),
    _huawei(
        "huawei-keys-without-material",
        "Keys of other users wait for their material or had it imported; one of them is to be activated.",
        "the pages of Open Telekom Cloud, which list the states 1 and 5",
        does=(
            with_states(activated="1"),
            holding(
                as_key(state=_IMPORT, external=True),
                as_key(state=DISABLED, external=True, created=created(2018)),
                as_key(external=True),
                as_key(state=state_named("activated")),
            ),
        ),
        foreign_keys=6,
        profile="otc",
    ),
    _huawei(
        "huawei-activated-later",
        "A new key shows the state 1 for 0.6 seconds.",
        "the pages of Open Telekom Cloud, which list the state, and clients that wait for its end",
        does=(with_states(activated="1"), _ActivatedLater),
        profile="otc",
    ),
    _cloud(
        "huawei-twenty-a-second",
        "More than twenty requests a second are 429 APIGW.0308.",
        "the public cloud's page on constraints, and its questions and answers",
        does=(rated(others=20),),
    ),
    _cloud(
        "huawei-gateway-timeouts",
        "One request in 200 is 504 APIGW.0201 of the gateway, and has no effect.",
        "the page of the gateway's codes, and the advice to try a 504 again",
        does=(refusing_each("internal_error", 200), answering(504, "APIGW.0201", "internal_error")),
    ),
    _cloud(
        "huawei-overloaded-for-a-moment",
        "One request in 150 is 503 KMS.0104, with Retry-After.",
        "the table of error codes, and RFC 9110",
        on_refusal("internal_error", header("Retry-After", "1")),
        does=(refusing_each("internal_error", 150), answering(503, "KMS.0104", "internal_error")),
    ),
    _cloud(
        "huawei-counts-denied",
        "The caller may neither read quotas nor count keys; the error explains itself.",
        "the public cloud's page on permissions, and a field that its client reads",
        on_refusal("not_permitted", saying(lambda value: {**value, "encoded_authorization_message": "AQIC3x9v"})),
        does=(denying("quotas instances"), answering(403, "KMS.0306", "not_permitted")),
    ),
    _cloud(
        "huawei-list-behind",
        "Lists are 1.5 seconds behind.",
        "clients of the public cloud, which poll after a change",
        does=(steady(1.5, ("list",)),),
    ),
    _cloud(
        "huawei-one-reader-behind",
        "One of four readers is two seconds behind.",
        "clients of the public cloud, which poll after a change",
        does=(one_reader_behind(2, 4, ("describe", "list")),),
    ),
    _huawei(
        "huawei-stack-details",
        "Details of keys have the project of the enterprise; codes of the gateway begin with APIG.",
        "the vendor's provider for private installations, and the page of the gateway's codes",
        on("describe", in_object("key_info", lambda details: {**details, "sys_enterprise_project_id": "0"})),
        on("list", in_object("key_details", lambda details: {**details, "sys_enterprise_project_id": "0"})),
        does=(
            answering(404, "APIG.0101", "unknown_path", "wrong_method"),
            answering(401, "APIG.0301", "no_credentials", "bad_token", "expired_token"),
        ),
        profile="huawei-cloud-stack",
    ),
    _huawei(
        "huawei-use-learns-late",
        "Encryption and decryption learn 0.8 seconds later that a key is enabled.",
        "clients of Open Telekom Cloud, which poll after a change",
        does=(enabled_late(0.8, ("encrypt", "decrypt", "generate_data_key")),),
        profile="otc",
    ),
    _cloud(
        "huawei-create-tells-more",
        "The reply to create has the region, the key store and the project as well.",
        "the newest model of the public cloud's client",
        on(
            "create",
            in_object(
                "key_info", lambda info: {**info, "region_id": "eu-example", "keystore_id": "0", "realm": "eu-example"}
            ),
        ),
    ),
    _huawei(
        "huawei-whole-minutes",
        "Deletion dates are rounded up to whole minutes.",
        "no page says how exact the date is",
        does=(dating(_whole_minute),),
    ),
    _huawei(
        "huawei-expiry-of-example",
        "Every key has the expiration time of the example, though its material does not expire.",
        "the example of the page on describe-key",
        on("describe", field("key_info.expiration_time", lambda _: "1501578672000")),
        on("list", field("key_details.expiration_time", lambda _: "1501578672000")),
    ),
    _huawei(
        "huawei-older-details",
        "Details of keys lack algorithm, usage, origin and expiration; lists lack the total.",
        "the samples of the older region books, and older models of clients",
        on(
            "describe",
            *(without(f"key_info.{name}") for name in ("key_spec", "key_usage", "origin", "expiration_time")),
        ),
        on(
            "list",
            *(without(f"key_details.{name}") for name in ("key_spec", "key_usage", "origin", "expiration_time")),
            without("total"),
        ),
        profile="flexible-engine",
    ),
    _huawei(
        "huawei-error-reversed",
        "The message of an error comes first, and the body ends with a line end.",
        "a recorded error of Open Telekom Cloud",
        on_refusal(
            "unknown_key not_pending already_pending pending_use window_out_of_range",
            saying(lambda value: {"error": dict(reversed(value["error"].items()))}),
            body(lambda raw: raw + b"\r\n"),
        ),
        profile="otc",
    ),
)
