"""Variants: emulators that conform in another way, where the documents leave a choice. All of them must pass."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import (
    PENDING,
    LaggingReads,
    Mixin,
    admitting,
    answering,
    dating,
    listing,
    reading_windows,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, BOTH, HUAWEI, Variant
from kms_conformance.apps.selftest.overloaded_variants import OVERLOADED
from kms_conformance.apps.selftest.reply_mutations import body, field, header, on_all, on_errors, saying, where
from kms_conformance.apps.selftest.written_variants import TYPED
from kms_conformance.core import specs
from kms_conformance.emulator import ABSENT, Decisions, Inbound, Key, Outbound, RefusalAnswer, Rules, State

# --- encoding of replies ----------------------------------------------------------------------------------------------


def _with_more(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Add an undocumented field to every object."""
    if isinstance(value, list):
        return [_with_more(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {"x_added": "1", **{name: _with_more(item) for name, item in value.items()}}


def _reversed(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Reverse the order of the fields of every object."""
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _reversed(item) for name, item in reversed(value.items())}


def _is_xml(_: Inbound, outbound: Outbound) -> bool:
    return any(name == "Content-Type" and "xml" in value for name, value in outbound.headers)


def _empty_date(reply: Outbound) -> Outbound:
    value = reply.value
    if "KeyMetadata" not in value or "DeleteDate" in value["KeyMetadata"]:
        return reply
    return reply.with_value({**value, "KeyMetadata": {**value["KeyMetadata"], "DeleteDate": ""}})


def _a_minute_ago() -> str:
    return format_datetime(datetime.now(UTC) - timedelta(minutes=1), usegmt=True)


_WRITING = (
    Variant("more-fields", "Every object has an undocumented field.", filters=(on_all(saying(_with_more)),)),
    Variant("other-order", "Fields have the opposite order.", filters=(on_all(saying(_reversed)),)),
    Variant(
        "spaces-and-lines",
        "JSON is spread over several lines.",
        filters=(
            where(
                lambda i, o: bool(o.body) and not _is_xml(i, o),
                body(lambda data: data.replace(b'", "', b'",\n\t "') + b"\n"),
            ),
        ),
    ),
    Variant(
        "other-messages",
        "Error messages are in another language.",
        filters=(
            on_errors(field("error.error_msg", lambda _: "参数错误"), field("Message", lambda _: "参数错误")),
            on_errors(field("error_msg", lambda _: "参数错误"), field("message", lambda _: "参数错误")),
        ),
    ),
    Variant("chunked", "Bodies are sent in chunks.", filters=(on_all(lambda reply: replace(reply, chunked=True)),)),
    Variant(
        "closing", "Each reply closes its connection.", filters=(on_all(lambda reply: replace(reply, close=True)),)
    ),
    Variant(
        "closing-untold",
        "Each connection is closed after its reply, without a Connection header.",
        filters=(on_all(lambda reply: replace(reply, close_unannounced=True)),),
    ),
    Variant(
        "slow",
        "Each reply takes 30 ms.",
        filters=(on_all(lambda reply: replace(reply, delay_seconds=0.03)),),
        families=("cancel", "window"),
        alone=True,
    ),
    Variant(
        "declared-with-charset",
        "The media type has a charset and is written in capitals.",
        dialects=(HUAWEI,),
        filters=(on_all(header("Content-Type", "Application/JSON; Charset=UTF-8")),),
    ),
    Variant(
        "declared-as-text-xml",
        "XML is declared as text/xml.",
        dialects=(ALIBABA,),
        filters=(where(_is_xml, header("Content-Type", "text/xml;charset=utf-8")),),
    ),
    Variant(
        "no-request-ids", "Replies have no request id.", (HUAWEI,), filters=(on_all(header("X-Request-Id", None)),)
    ),
    Variant(
        "gateway-fields",
        "Errors have the fields of the gateway, and no HttpStatus.",
        dialects=(ALIBABA,),
        filters=(
            on_errors(
                saying(
                    lambda value: {
                        **{name: item for name, item in value.items() if name != "HttpStatus"},
                        "HostId": "kms.example.com",
                        "Recommend": "https://example.com/",
                    }
                )
            ),
        ),
    ),
    Variant(
        "date-header-off",
        "The Date header is a minute behind.",
        filters=(on_all(header("Date", _a_minute_ago())),),
    ),
    Variant(
        "empty-delete-date", "A key that is not pending has an empty date.", (ALIBABA,), filters=(on_all(_empty_date),)
    ),
)


# --- choice among documented answers ----------------------------------------------------------------------------------


def _listed_answer(position: int) -> Mixin:
    """Refusals use the answer at this position in the profile, or the last answer if the profile lists fewer."""

    class Listed(Decisions):
        def answer(self, refusal: str) -> RefusalAnswer:
            answers = specs.facts(self.rules.dialect, self.rules.profile)["refusals"][refusal]["answers"]
            chosen = answers[min(position, len(answers) - 1)]
            return RefusalAnswer(chosen["status"], chosen["code"])

    return Listed


_CREDENTIALS = (
    "no_credentials",
    "bad_token",
    "expired_token",
    "wrong_project",
    "unknown_access_key",
    "wrong_signature",
)


class _OtherRoots(Decisions):
    def __init__(self, rules: Rules) -> None:
        super().__init__(replace(rules, xml_success_root="{action}Response", xml_error_root="Error"))


class _AnyForm(Decisions):
    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        return None if found in {"malformed_key", "bad_sequence"} else super().parameter_problem(found, name, value)


class _NothingUnknown(Decisions):
    """The undocumented fields that the suite sends are refused."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return "unknown_field" if "no_such_field" in inbound.parameters else super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        odd = bool({"NoSuchParameter", "NoSuchField"} & set(inbound.parameters))
        return "unknown_field" if odd else super().signature_problem(found, inbound)


class _NoNumbers(Decisions):
    """A window (waiting period) that is sent as a JSON number is refused."""

    def window_problem(self, value: object) -> str | None:
        return "window_other_type" if isinstance(value, int) else super().window_problem(value)


_ANSWERING = (
    *(
        Variant(
            f"answer-{position + 1}",
            f"Refusals use the accepted answer number {position + 1}.",
            decisions=(_listed_answer(position),),
            about="answers",
        )
        for position in (1, 2, 4)
    ),
    Variant(
        "answers-401-flat",
        "The API gateway answers bad credentials with 401.",
        (HUAWEI,),
        (answering(401, "APIGW.0301", *_CREDENTIALS),),
        about="answers",
    ),
    Variant(
        "answers-401-nested",
        "The service answers bad credentials with 401.",
        (HUAWEI,),
        (answering(401, "KMS.0301", *_CREDENTIALS[:2]),),
        about="answers",
    ),
    Variant("other-xml-roots", "The XML root element is named after the action.", (ALIBABA,), (_OtherRoots,)),
    Variant("any-form", "Malformed ids and sequences are accepted as unknown values.", decisions=(_AnyForm,)),
    Variant("no-unknown-fields", "Undocumented fields are refused.", decisions=(_NothingUnknown,)),
    Variant("no-numbers", "A window as a JSON number is refused.", (HUAWEI,), (_NoNumbers,)),
    Variant("nonces-forgotten", "Repeated nonces are accepted.", (ALIBABA,), (admitting("replayed_nonce"),)),
    Variant(
        "window-default",
        "Without a window, or with an empty one, 30 days apply.",
        (ALIBABA,),
        (reading_windows(lambda value, _: 30 if value is ABSENT or value == "" else None),),
    ),
)


# --- dates and states -------------------------------------------------------------------------------------------------


def _rounded_up(seconds: int) -> Mixin:
    def date(now: datetime, days: int) -> datetime:
        exact = (now + timedelta(days=days)).timestamp()
        return datetime.fromtimestamp(-(-exact // seconds) * seconds, now.tzinfo)

    return dating(date)


class _StateFromBefore(Decisions):
    """Cancelling restores the state before scheduling: a disabled key is disabled again."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._before: dict[str, State] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._before[after.id] = before.state
        return super().effects(operation, before, after, keys)

    def state_after_cancel(self, key: Key) -> State:
        return self._before.get(key.id, super().state_after_cancel(key))


class _GoneWithinADay(Decisions):
    """A key is gone 23 hours after its deletion date; in these hours, its deletion cannot be cancelled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._now: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._now = now
        return super().key_visible(key, now - timedelta(hours=23))

    def refusal_for(self, operation: str, key: Key) -> str | None:
        over = self._now is not None and key.state is PENDING and key.deletion is not None and self._now >= key.deletion
        return "not_pending" if operation == "cancel" and over else super().refusal_for(operation, key)


_LIVING = (
    *(
        Variant(
            f"date-rounded-up-to-{name}",
            f"Dates are rounded up to the {name}.",
            # In the AWS dialect, a date that is hours late is allowed, but it fails the SHOULD schedule.window.exact.
            dialects=ALL if seconds <= 60 else BOTH,
            decisions=(_rounded_up(seconds),),
            about="dates",
        )
        for name, seconds in (("minute", 60), ("hour", 3600), ("day", 86400))
    ),
    Variant(
        "clock-ahead",
        "The service's clock is a minute ahead.",
        decisions=(dating(lambda now, d: now + timedelta(days=d, minutes=1)),),
        about="dates",
    ),
    Variant(
        "clock-behind",
        "The service's clock is a minute behind.",
        decisions=(dating(lambda now, d: now + timedelta(days=d, minutes=-1)),),
        about="dates",
    ),
    Variant("state-from-before", "Cancelling restores the state before scheduling.", (ALIBABA,), (_StateFromBefore,)),
    Variant(
        "gone-within-a-day", "A key is gone some hours after its deletion date.", (ALIBABA, AWS), (_GoneWithinADay,)
    ),
    Variant(
        "lagging", "Reads lag behind by 300 ms.", decisions=(LaggingReads,), families=("cancel", "schedule"), alone=True
    ),
)


# --- account and sign-in ----------------------------------------------------------------------------------------------


class _RoomForTwo(Decisions):
    """The quota allows two keys more than exist at the first creation; keys pending deletion count."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._there_before: int | None = None

    def quota_left(self, keys: Collection[Key]) -> bool:
        if self._there_before is None:
            self._there_before = len(keys)
        return len(keys) < self._there_before + 2


class _SmallPages(Decisions):
    """Pages have at most five keys; every service may return fewer keys than requested."""

    def page_size(self, requested: int) -> int:
        return min(super().page_size(requested), 5)


_AROUND = (
    Variant("quota-of-two", "The quota leaves room for two keys.", decisions=(_RoomForTwo,), alone=True),
    Variant("no-other-keys", "The account has no other keys.", foreign_keys=0, about="other keys"),
    Variant("many-other-keys", "The account has 30 other keys.", (ALIBABA,), foreign_keys=30, about="other keys"),
    Variant(
        "small-pages", "Lists come in pages of five.", foreign_keys=12, decisions=(_SmallPages,), about="other keys"
    ),
    Variant(
        "newest-first", "Lists begin with the newest key.", decisions=(listing(lambda keys: tuple(reversed(keys))),)
    ),
    *(
        Variant(f"signed-in-by-{kind}", f"The caller signs in by {kind}.", (HUAWEI,), auth=kind, about="sign-in")
        for kind in ("password", "aksk")
    ),
    *(
        Variant(f"signed-in-by-{kind}", f"The caller signs in by {kind}.", (ALIBABA,), auth=kind, about="sign-in")
        for kind in ("v1", "sts")
    ),
    Variant("signed-in-by-sts", "The caller signs in by sts.", (AWS,), auth="sts", about="sign-in"),
    *(
        Variant(f"profile-{name}", f"The cloud is {name}.", (dialect,), profile=name, about="profile")
        for dialect in ALL
        for name in specs.profile_names(dialect)
    ),
)

# This group comes last in `VARIANTS`, because filters after it would have to decompress the body.
_PACKED = (
    Variant(
        "gzip",
        "Bodies are compressed with gzip, although the request does not ask for it.",
        filters=(where(lambda _, o: bool(o.body), body(gzip.compress), header("Content-Encoding", "gzip")),),
    ),
)

_GROUPS = {
    "writing": (*_WRITING, *TYPED),
    "answering": (*_ANSWERING, *OVERLOADED),
    "living": _LIVING,
    "around": _AROUND,
    "packed": _PACKED,
}

VARIANTS: tuple[Variant, ...] = tuple(
    replace(variant, group=group) for group, variants in _GROUPS.items() for variant in variants
)
