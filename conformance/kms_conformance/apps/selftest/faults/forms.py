"""Faults of reading: windows in odd notations, other forms of a request, and parameters that are extra."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import Mixin, reading_windows
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import status, text, where
from kms_conformance.apps.selftest.request_mutations import Seeing
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import ABSENT, Decisions, Inbound, Key, Outbound, Rules, State

_window = partial(Fault, fault_class="window", severity="major", families=("window",))
_request = partial(Fault, fault_class="protocol", severity="critical", families=("protocol",))
_Read = Callable[[str, Rules], int | None]


def _ids(*names: str) -> frozenset[RequirementId]:
    return frozenset(map(as_id, names))


def _texts(pattern: str, days: _Read) -> Mixin:
    """Windows that are texts of this form count as `days`, if these are in the range."""

    def read(value: object, rules: Rules) -> int | None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            return None
        found = days(value, rules)
        return found if found is not None and rules.window_minimum <= found <= rules.window_maximum else None

    return reading_windows(read)


def _maximum(_: str, rules: Rules) -> int:
    return rules.window_maximum


# name -> (title, the form of the text, the number of days that it counts as)
_NO_NUMBERS: Mapping[str, tuple[str, str, _Read]] = {
    "hexadecimal": ("A window such as `0x1e` counts in base 16.", r"0[xX][0-9a-fA-F]+", lambda text, _: int(text, 16)),
    "underscores": ("A window such as `1_0` counts as ten days.", r"\d+(_\d+)+", lambda text, _: int(text)),
    "commas": ("A window such as `1,0` counts as ten days.", r"\d+(,\d+)+", lambda t, _: int(t.replace(",", ""))),
    "unit": (
        "Of a window such as `7 days`, the leading digits count.",
        r"[1-9]\d* ?[A-Za-z]\w*",
        lambda text, _: int(re.match(r"\d+", text)[0]),  # type: ignore[index]  # the form begins with a digit
    ),
    "sum": ("A window such as `7+7` counts as its value.", r"\d+\+\d+", lambda t, _: sum(map(int, t.split("+")))),
}
# What says a number in another way than the examples do; each counts as the largest window.
_MISREAD: Mapping[str, tuple[str, str, _Read]] = {
    "plus": ("A window with a plus sign counts as the largest one.", r"\+\d+", _maximum),
    "blanks": ("A window with a blank beside it counts as the largest one.", r"\s+\d+\s*|\d+\s+", _maximum),
    "leading-zero": ("A window with a leading zero counts in base 8.", r"0[0-7]+", lambda text, _: int(text, 8)),
    "other-digits": ("A window in digits of another script counts as the largest one.", r"[^\x00-\x7f]+", _maximum),
    "exponent": ("A window with an exponent counts as the largest one.", r"\d+[eE]\d+", _maximum),
    "point": ("A window such as `8.0` counts as the largest one.", r"\d+\.0+", _maximum),
}


def _open_read(value: object, rules: Rules) -> int | None:
    """Windows of other JSON types count as two days more than the largest one."""
    odd = value is None or isinstance(value, (bool, float, list))
    return rules.window_maximum + 2 if odd else None


def in_vain(operation: str, picked: Callable[[Inbound], bool], *states: State) -> Mixin:
    """The operation is answered with success, but has no effect, if `picked` is true of the request.

    With `states`, this is so for keys in these states alone.
    """

    class InVain(Seeing):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            meant = operation_asked == operation and self.inbound is not None and picked(self.inbound)
            return (before,) if meant and (not states or before.state in states) else found

    return InVain


def _forgetting(operation: str, name: str, picked: Callable[[Inbound], bool]) -> Mixin:
    """A parameter of the operation is not read, if `picked` is true of the request."""

    class Forgetting(Seeing):
        def parameters(self, operation_asked: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
            found = super().parameters(operation_asked, sent)
            if operation_asked != operation or self.inbound is None or not picked(self.inbound):
                return found
            return {other: value for other, value in found.items() if other != name}

    return Forgetting


def _is_form(inbound: Inbound) -> bool:
    return "form" in (inbound.header("Content-Type") or "")


def _is_get(inbound: Inbound) -> bool:
    return inbound.method == "GET"


def _is_xml(inbound: Inbound) -> bool:
    return str(inbound.parameters.get("Format", "")).upper() == "XML"


_FORMS = {"get": _is_get, "form": _is_form, "xml": _is_xml}


class _MaximumByDefault(Decisions):
    """Without a window, the largest one counts."""

    def window_problem(self, value: object) -> str | None:
        return None if value is ABSENT else super().window_problem(value)

    def window_days(self, value: object) -> int:
        return self.rules.window_maximum if value is ABSENT else super().window_days(value)


def _has_sequence(inbound: Inbound) -> bool:
    return "sequence" in inbound.parameters


def _with_unknown_field(*operations: str) -> Callable[[Inbound, Outbound], bool]:
    def picked(inbound: Inbound, outbound: Outbound) -> bool:
        extra = {"NoSuchField", "NoSuchParameter", "no_such_field"} & set(inbound.parameters)
        return bool(extra) and inbound.operation in operations and outbound.refusal is None

    return picked


FAULTS = (
    *(
        _window(
            name=f"window-{name}-read",
            title=title,
            requirements=_ids("schedule.window.text"),
            decisions=(_texts(form, days),),
        )
        for name, (title, form, days) in _NO_NUMBERS.items()
    ),
    *(
        _window(
            name=f"window-{name}-misread",
            title=title,
            severity="critical",
            dialects=BOTH,
            requirements=_ids("schedule.window.notation"),
            decisions=(_texts(form, days),),
            exit_code=0,
        )
        for name, (title, form, days) in _MISREAD.items()
    ),
    _window(
        name="window-odd-beyond-bounds",
        title="A window of another JSON type counts as two days more than the largest one.",
        severity="critical",
        dialects=(AWS,),
        requirements=_ids("schedule.window.open"),
        decisions=(reading_windows(_open_read),),
        exit_code=0,
    ),
    *(
        _request(
            name=f"{operation}-by-{form}-in-vain",
            title=f"The operation {operation} as {form} is answered with success, but has no effect.",
            dialects=(ALIBABA,),
            requirements=_ids("protocol.every-form"),
            decisions=(in_vain(operation, picked),),
        )
        for operation in ("schedule", "cancel")
        for form, picked in _FORMS.items()
    ),
    *(
        _request(
            name=f"window-in-{form}-lost",
            title=f"A window that is sent as {form} is not read, and the largest one counts.",
            dialects=(ALIBABA,),
            requirements=_ids("protocol.every-form"),
            decisions=(_forgetting("schedule", "PendingWindowInDays", picked), _MaximumByDefault),
        )
        for form, picked in _FORMS.items()
    ),
    *(
        _request(
            name=f"{operation}-with-sequence-in-vain",
            title=f"The operation {operation} with a sequence is answered with success, but has no effect.",
            dialects=(HUAWEI,),
            requirements=_ids("protocol.sequence"),
            decisions=(in_vain(operation, _has_sequence),),
        )
        for operation in ("schedule", "enable", "disable")
    ),
    *(
        _request(
            name=f"unknown-field-breaks-{operation}",
            title=f"The operation {operation} with a parameter that is not documented meets an internal error.",
            severity="minor",
            requirements=_ids("reply.no-server-error", "protocol.unknown-field"),
            filters=(where(_with_unknown_field(operation), text("Internal Server Error", "text/plain"), status(500)),),
        )
        for operation in ("describe", "list")
    ),
)
