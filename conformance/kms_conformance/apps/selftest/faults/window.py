"""Faults of the window (waiting period): wrong bounds, accepted invalid values, refused requests with an effect."""

from __future__ import annotations

from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    PENDING,
    answering,
    changing_though_refused,
    ranging,
    reading_windows,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on_refusal
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import ABSENT, Rules

_fault = partial(Fault, fault_class="window", severity="critical", families=("window",))


def _ids(*cases: str) -> frozenset[RequirementId]:
    return frozenset(as_id(f"schedule.window.{case}") for case in cases)


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _fraction(value: object, _: Rules) -> int | None:
    try:
        return None if _number(value) is not None else int(float(str(value)))
    except ValueError:
        return None


def _text(value: object, rules: Rules) -> int | None:
    return rules.window_minimum if isinstance(value, str) and value.isalpha() else None


def _raised(value: object, rules: Rules) -> int | None:
    number = _number(value)
    return rules.window_minimum if number is not None and number < rules.window_minimum else None


def _lowered(value: object, rules: Rules) -> int | None:
    number = _number(value)
    return rules.window_maximum if number is not None and number > rules.window_maximum else None


def _huge(value: object, rules: Rules) -> int | None:
    text = str(value)
    return rules.window_maximum if text.isdigit() and len(text) > 9 else None


def _number_as_maximum(value: object, rules: Rules) -> int | None:
    return rules.window_maximum if isinstance(value, int) else None


FAULTS = (
    _fault(
        name="window-below-minimum-accepted",
        title="A window of one day less than the minimum is accepted.",
        requirements=_ids("below-minimum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum - 1 <= days <= rules.window_maximum),),
    ),
    _fault(
        name="window-above-maximum-accepted",
        title="A window of one day more than the maximum is accepted.",
        requirements=_ids("above-maximum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum <= days <= rules.window_maximum + 1),),
    ),
    _fault(
        name="window-minimum-refused",
        title="The minimum window is refused.",
        severity="major",
        requirements=_ids("minimum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum < days <= rules.window_maximum),),
    ),
    _fault(
        name="window-maximum-refused",
        title="The maximum window is refused.",
        severity="major",
        requirements=_ids("maximum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum <= days < rules.window_maximum),),
    ),
    _fault(
        name="window-lower-bound-missing",
        title="Every window up to the maximum is accepted, including zero and negative ones.",
        requirements=_ids("below-minimum", "zero", "negative"),
        decisions=(ranging(lambda days, rules: days <= rules.window_maximum),),
    ),
    _fault(
        name="window-upper-bound-missing",
        title="Every window from the minimum up to 2999 days is accepted.",
        requirements=_ids("above-maximum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum <= days < 3000),),
    ),
    _fault(
        name="window-raised-to-minimum",
        title="A window that is too small counts as the minimum instead of being refused.",
        requirements=_ids("below-minimum", "zero", "negative"),
        decisions=(reading_windows(_raised),),
    ),
    _fault(
        name="window-lowered-to-maximum",
        title="A window that is too large counts as the maximum instead of being refused.",
        requirements=_ids("above-maximum", "huge"),
        decisions=(reading_windows(_lowered),),
    ),
    _fault(
        name="window-zero-accepted",
        title="A window of 0 is accepted, and the key is gone at once.",
        requirements=_ids("zero"),
        decisions=(reading_windows(lambda value, _: 0 if str(value) == "0" else None),),
    ),
    _fault(
        name="window-negative-accepted",
        title="A negative window is accepted as 7 days.",
        requirements=_ids("negative"),
        decisions=(reading_windows(lambda value, _: 7 if str(value).startswith("-") else None),),
    ),
    _fault(
        name="window-fraction-accepted",
        title="A fractional window is accepted and rounded down.",
        severity="major",
        dialects=BOTH,
        requirements=_ids("fraction"),
        decisions=(reading_windows(_fraction),),
    ),
    _fault(
        name="window-text-accepted",
        title="A window that is a word counts as the minimum.",
        severity="major",
        requirements=_ids("text"),
        decisions=(reading_windows(_text),),
    ),
    _fault(
        name="window-huge-accepted",
        title="A window of more than nine digits counts as the maximum.",
        requirements=_ids("huge"),
        decisions=(reading_windows(_huge),),
    ),
    _fault(
        name="window-empty-accepted",
        title="An empty window counts as the minimum.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=_ids("empty"),
        decisions=(reading_windows(lambda value, rules: rules.window_minimum if value == "" else None),),
    ),
    _fault(
        name="window-absent-accepted",
        title="Without a window, the minimum applies.",
        dialects=(HUAWEI,),
        requirements=_ids("absent"),
        decisions=(reading_windows(lambda value, rules: rules.window_minimum if value is ABSENT else None),),
    ),
    _fault(
        name="window-default-below-bounds",
        title="Without a window, the default is one day, below the minimum.",
        dialects=(ALIBABA,),
        requirements=_ids("absent"),
        decisions=(reading_windows(lambda value, _: 1 if value is ABSENT else None),),
    ),
    _fault(
        name="window-default-above-bounds",
        title="Without a window, the default is 365 days.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=_ids("absent"),
        decisions=(reading_windows(lambda value, _: 365 if value is ABSENT else None),),
    ),
    _fault(
        name="window-empty-is-zero",
        title="An empty window counts as one day.",
        dialects=(ALIBABA,),
        requirements=_ids("empty"),
        exit_code=0,
        decisions=(reading_windows(lambda value, _: 1 if value == "" else None),),
    ),
    _fault(
        name="window-number-misread",
        title="A window sent as a JSON number counts as the maximum.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=_ids("other-type"),
        exit_code=0,
        decisions=(reading_windows(_number_as_maximum),),
    ),
    _fault(
        name="window-malformed-refused-but-done",
        title="Scheduling with a window that is no number is refused, but the key is pending.",
        requirements=_ids("text", "fraction"),
        decisions=(changing_though_refused({"window_malformed"}, with_(state=PENDING)),),
    ),
    _fault(
        name="window-absent-refused-but-done",
        title="Scheduling without a window is refused, but the key is pending.",
        dialects=BOTH,
        requirements=_ids("absent"),
        decisions=(changing_though_refused({"window_missing"}, with_(state=PENDING)),),
    ),
    _fault(
        name="window-out-of-range-refused-but-done",
        title="Scheduling with a window out of range is refused, but the key is pending.",
        requirements=_ids("below-minimum", "above-maximum"),
        families=("window", "replies"),
        decisions=(changing_though_refused({"window_out_of_range"}, with_(state=PENDING)),),
        why_more="Five requirements are about windows out of range, and one about refusals that change something.",
    ),
    _fault(
        name="window-wrong-code",
        title="A window out of range is refused with a wrong code.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(400, "KMS.0210", "window_out_of_range"),),
    ),
    _fault(
        name="window-wrong-code",
        title="A window out of range is refused with a wrong code.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(400, "UnsupportedOperation", "window_out_of_range"),),
    ),
    _fault(
        name="window-wrong-status",
        title="A window out of range is refused with 404.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(404, "KMS.1401", "window_out_of_range"),),
    ),
    _fault(
        name="window-refused-without-code",
        title="A window that is no number is refused with an error whose code is empty.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"error.shape"}),
        filters=(on_refusal("window_malformed", field("Code", lambda _: "")),),
    ),
    _fault(
        name="window-default-below-bounds",
        title="Without a window, the default is 7 days instead of 30.",
        dialects=(AWS,),
        requirements=_ids("default"),
        decisions=(reading_windows(lambda value, _: 7 if value is ABSENT else None),),
    ),
    _fault(
        name="window-default-above-bounds",
        title="Without a window, the default is 365 days.",
        severity="major",
        dialects=(AWS,),
        requirements=_ids("default"),
        decisions=(reading_windows(lambda value, _: 365 if value is ABSENT else None),),
    ),
    _fault(
        name="window-wrong-code",
        title="A window out of range is refused with a wrong code.",
        severity="minor",
        dialects=(AWS,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(400, "KMSInvalidStateException", "window_out_of_range"),),
    ),
    _fault(
        name="window-wrong-status",
        title="A window out of range is refused with 404.",
        severity="major",
        dialects=(AWS,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(404, "ValidationException", "window_out_of_range"),),
    ),
    _fault(
        name="window-odd-fails",
        title="A window of another JSON type causes an internal error.",
        severity="major",
        dialects=(AWS,),
        requirements=_ids("text") | {"reply.no-server-error"},
        decisions=(answering(500, "KMSInternalException", "window_malformed"),),
    ),
)
