"""Variants of the JSON 1.1 encoding that clients treat alike, such as error types with a namespace."""

from __future__ import annotations

from typing import Any

from kms_conformance.apps.selftest.deviation import AWS, Variant
from kms_conformance.apps.selftest.reply_mutations import (
    Rewrite,
    body,
    field,
    on,
    on_errors,
    renamed,
    saying,
    where,
    without,
)


def _nulls(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    absent = {"DeletionDate": None, "ValidTo": None, "ExpirationModel": None}
    return {**value, "KeyMetadata": {**absent, **value["KeyMetadata"]}}


def _whole(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    dates = {name: int(date) for name, date in value["KeyMetadata"].items() if name.endswith("Date") and date}
    return {**value, "KeyMetadata": {**value["KeyMetadata"], **dates}}


def _instead(content: bytes) -> Rewrite:
    return body(lambda _: content)


def _typed(namespace: str) -> Rewrite:
    return field("__type", lambda name: f"{namespace}#{name}")


TYPED: tuple[Variant, ...] = (
    Variant(
        "types-with-namespace", "Error types have a namespace.", (AWS,), filters=(on_errors(_typed("com.aws.kms")),)
    ),
    Variant(
        "message-in-capitals",
        "The message field of errors is named Message.",
        (AWS,),
        filters=(on_errors(renamed("message", "Message")),),
    ),
    Variant("errors-without-message", "Errors have no message.", (AWS,), filters=(on_errors(without("message")),)),
    *(
        Variant(
            f"nothing-is-{written.decode()}",
            f"The body of an empty result is {written.decode()}.",
            (AWS,),
            filters=(where(lambda _, o: o.refusal is None and not o.body, _instead(written)),),
            about="nothing",
        )
        for written in (b"{}", b"null")
    ),
    Variant(
        "null-for-absent",
        "Absent fields of a key are null.",
        (AWS,),
        filters=(on("describe create", saying(_nulls)),),
    ),
    Variant("whole-seconds", "Dates are whole numbers.", (AWS,), filters=(on("describe create", saying(_whole)),)),
)
