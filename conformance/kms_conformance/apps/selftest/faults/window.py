"""Faults of the window: bounds that are off, values that are guessed at, refusals that act."""

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
        title="One day below the smallest window is accepted.",
        requirements=_ids("below-minimum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum - 1 <= days <= rules.window_maximum),),
    ),
    _fault(
        name="window-above-maximum-accepted",
        title="One day above the largest window is accepted.",
        requirements=_ids("above-maximum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum <= days <= rules.window_maximum + 1),),
    ),
    _fault(
        name="window-minimum-refused",
        title="The smallest window is refused: its bound is off by one.",
        severity="major",
        requirements=_ids("minimum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum < days <= rules.window_maximum),),
    ),
    _fault(
        name="window-maximum-refused",
        title="The largest window is refused: its bound is off by one.",
        severity="major",
        requirements=_ids("maximum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum <= days < rules.window_maximum),),
    ),
    _fault(
        name="window-lower-bound-missing",
        title="Every window up to the largest is accepted, nothing and negative ones too.",
        requirements=_ids("below-minimum", "zero", "negative"),
        decisions=(ranging(lambda days, rules: days <= rules.window_maximum),),
    ),
    _fault(
        name="window-upper-bound-missing",
        title="Every window from the smallest on is accepted, up to nine digits.",
        requirements=_ids("above-maximum"),
        decisions=(ranging(lambda days, rules: rules.window_minimum <= days < 3000),),
    ),
    _fault(
        name="window-raised-to-minimum",
        title="A window that is too small is taken for the smallest instead of being refused.",
        requirements=_ids("below-minimum", "zero", "negative"),
        decisions=(reading_windows(_raised),),
    ),
    _fault(
        name="window-lowered-to-maximum",
        title="A window that is too large is taken for the largest instead of being refused.",
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
        title="A negative window is accepted without its sign.",
        requirements=_ids("negative"),
        decisions=(reading_windows(lambda value, _: 7 if str(value).startswith("-") else None),),
    ),
    _fault(
        name="window-fraction-accepted",
        title="A window of seven and a half days is cut to seven.",
        severity="major",
        dialects=BOTH,
        requirements=_ids("fraction"),
        decisions=(reading_windows(_fraction),),
    ),
    _fault(
        name="window-text-accepted",
        title="A window that is a word is taken for the smallest one.",
        severity="major",
        requirements=_ids("text"),
        decisions=(reading_windows(_text),),
    ),
    _fault(
        name="window-huge-accepted",
        title="A window beyond every integer type is taken for the largest one.",
        requirements=_ids("huge"),
        decisions=(reading_windows(_huge),),
    ),
    _fault(
        name="window-empty-accepted",
        title="An empty window is taken for the smallest one.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=_ids("empty"),
        decisions=(reading_windows(lambda value, rules: rules.window_minimum if value == "" else None),),
    ),
    _fault(
        name="window-absent-accepted",
        title="Without a window, the smallest one applies.",
        dialects=(HUAWEI,),
        requirements=_ids("absent"),
        decisions=(reading_windows(lambda value, rules: rules.window_minimum if value is ABSENT else None),),
    ),
    _fault(
        name="window-default-below-bounds",
        title="Without a window, the key is gone after a day.",
        dialects=(ALIBABA,),
        requirements=_ids("absent"),
        decisions=(reading_windows(lambda value, _: 1 if value is ABSENT else None),),
    ),
    _fault(
        name="window-default-above-bounds",
        title="Without a window, the key stays for a year.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=_ids("absent"),
        decisions=(reading_windows(lambda value, _: 365 if value is ABSENT else None),),
    ),
    _fault(
        name="window-empty-is-zero",
        title="An empty window is accepted and counts as one day.",
        dialects=(ALIBABA,),
        requirements=_ids("empty"),
        exit_code=0,
        decisions=(reading_windows(lambda value, _: 1 if value == "" else None),),
    ),
    _fault(
        name="window-number-misread",
        title="A window sent as a JSON number is accepted and taken for the largest one.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=_ids("other-type"),
        exit_code=0,
        decisions=(reading_windows(_number_as_maximum),),
    ),
    _fault(
        name="window-malformed-refused-but-done",
        title="A window that is no number is refused, and the key is pending all the same.",
        requirements=_ids("text", "fraction"),
        decisions=(changing_though_refused({"window_malformed"}, with_(state=PENDING)),),
    ),
    _fault(
        name="window-absent-refused-but-done",
        title="A request without a window is refused, and the key is pending all the same.",
        dialects=BOTH,
        requirements=_ids("absent"),
        decisions=(changing_though_refused({"window_missing"}, with_(state=PENDING)),),
    ),
    _fault(
        name="window-out-of-range-refused-but-done",
        title="A window out of range is refused, and the key is pending all the same.",
        requirements=_ids("below-minimum", "above-maximum"),
        families=("window", "replies"),
        decisions=(changing_though_refused({"window_out_of_range"}, with_(state=PENDING)),),
        why_more="Five requirements speak of windows out of range, and one of refusals that change something.",
    ),
    _fault(
        name="window-wrong-code",
        title="A window out of range is refused with a code that means something else.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(400, "KMS.0210", "window_out_of_range"),),
    ),
    _fault(
        name="window-wrong-code",
        title="A window out of range is refused with a code that means something else.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(400, "UnsupportedOperation", "window_out_of_range"),),
    ),
    _fault(
        name="window-wrong-status",
        title="A window out of range is refused with the status of a key that is not there.",
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
        title="Without a window, the key is gone after a week.",
        dialects=(AWS,),
        requirements=_ids("default"),
        decisions=(reading_windows(lambda value, _: 7 if value is ABSENT else None),),
    ),
    _fault(
        name="window-default-above-bounds",
        title="Without a window, the key stays for a year.",
        severity="major",
        dialects=(AWS,),
        requirements=_ids("default"),
        decisions=(reading_windows(lambda value, _: 365 if value is ABSENT else None),),
    ),
    _fault(
        name="window-wrong-code",
        title="A window out of range is refused with a code that means something else.",
        severity="minor",
        dialects=(AWS,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(400, "KMSInvalidStateException", "window_out_of_range"),),
    ),
    _fault(
        name="window-wrong-status",
        title="A window out of range is refused with the status of a thing that is not there.",
        severity="major",
        dialects=(AWS,),
        requirements=_ids("below-minimum", "above-maximum"),
        decisions=(answering(404, "ValidationException", "window_out_of_range"),),
    ),
    _fault(
        name="window-odd-fails",
        title="A window of another JSON type meets an internal error.",
        severity="major",
        dialects=(AWS,),
        requirements=_ids("text") | {"reply.no-server-error"},
        decisions=(answering(500, "KMSInternalException", "window_malformed"),),
    ),
)
