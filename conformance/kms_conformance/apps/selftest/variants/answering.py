"""Variants that choose another of the documented answers to a request that must be refused, or may be."""

from __future__ import annotations

from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import (
    Mixin,
    admitting,
    answering,
    reading_windows,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI, Variant
from kms_conformance.core import specs
from kms_conformance.emulator import ABSENT, Decisions, Inbound, RefusalAnswer, Rules


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


ANSWERING: tuple[Variant, ...] = (
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
