"""Variants (conforming emulators) that seem overloaded: they throttle some requests or close their connections."""

from __future__ import annotations

from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import answering
from kms_conformance.apps.selftest.deviation import ALIBABA, Variant
from kms_conformance.apps.selftest.reply_mutations import header, where
from kms_conformance.emulator import Decisions, Filter, Inbound


class _Throttling(Decisions):
    """One request in `each` is throttled."""

    each = 60

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return "throttled" if inbound.number % self.each == 0 else super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return "throttled" if inbound.number % self.each == 0 else super().signature_problem(found, inbound)


class _ThrottlingAtAnyRate(_Throttling):
    """One request in fifteen is throttled, however slowly they come: others use up the quota of the account."""

    each = 15


class _ThrottlingOften(_Throttling):
    """One request in eight is throttled."""

    each = 8


class _Dropping(_Throttling):
    """One request in sixty is not carried out; the filter `_unanswered` closes its connection."""


class _DroppingWhatThrottles(_Throttling):
    """One request in sixty is throttled. The next one is not carried out; `_unanswered` closes its connection."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return "throttled" if inbound.number % 60 == 1 else super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return "throttled" if inbound.number % 60 == 1 else super().signature_problem(found, inbound)


def _unanswered(remainder: int) -> Filter:
    """Throttled requests whose number modulo 60 is `remainder` get no reply; their connection is closed."""
    return where(
        lambda i, o: o.refusal == "throttled" and i.number % 60 == remainder,
        lambda reply: replace(reply, silence="closed"),
    )


OVERLOADED: tuple[Variant, ...] = (
    Variant("throttling", "One request in sixty is throttled.", decisions=(_Throttling,)),
    Variant(
        "throttling-at-any-rate",
        "One request in fifteen is throttled, however slowly they come.",
        decisions=(_ThrottlingAtAnyRate,),
        about="overload",
        alone=True,
    ),
    Variant(
        "throttling-for-minutes",
        "One request in eight is throttled, and asks to wait 130 s, longer than a deletion date may be off.",
        decisions=(_ThrottlingOften,),
        filters=(where(lambda _, o: o.refusal == "throttled", header("Retry-After", "130")),),
        families=("window", "schedule"),
        further={"limits": {"timeout_seconds": 300}},
        alone=True,
    ),
    Variant(
        "throttling-429",
        "One request in sixty is throttled by the service itself.",
        (ALIBABA,),
        (_Throttling, answering(429, "Rejected.Throttling", "throttled")),
        about="answers",
    ),
    Variant(
        "dropping",
        "One request in sixty is not carried out, and its connection is closed.",
        decisions=(_Dropping,),
        filters=(_unanswered(0),),
        families=("cancel", "window"),
        alone=True,
    ),
    Variant(
        "throttling-by-closing",
        "One request in sixty is throttled, and the connection of the next one is closed.",
        decisions=(_DroppingWhatThrottles,),
        filters=(_unanswered(1),),
        families=("cancel", "window"),
        alone=True,
    ),
)
