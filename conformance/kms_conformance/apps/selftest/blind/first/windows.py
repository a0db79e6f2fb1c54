"""Blind faults about windows (waiting periods): which ones are accepted, and as how many days they count."""

from __future__ import annotations

import math
import re

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    ranging,
    reading_windows,
)
from kms_conformance.apps.selftest.blind.memory import Memory, in_state_of, refused_but, scheduled
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import ABSENT, Key, Rules

_window = rows_of("windows")
_REFUSALS = (
    "window_out_of_range",
    "window_negative",
    "window_huge",
    "window_malformed",
    "window_empty",
    "window_missing",
)


class _OnlyForEnabledKeys(Memory):
    """The range of the window is only checked for enabled keys."""

    _asked = 0

    def window_in_range(self, days: int) -> bool:
        return days > 0

    def window_days(self, value: object) -> int:
        self._asked = super().window_days(value)
        return self._asked

    def refusal_for(self, operation: str, key: Key) -> str | None:
        outside = not self.rules.window_minimum <= self._asked <= self.rules.window_maximum
        if operation == "schedule" and key.state is ENABLED and outside:
            return "window_out_of_range"
        return super().refusal_for(operation, key)


class _NotForReenabledKeys(_OnlyForEnabledKeys):
    """The upper bound of the window is not checked for keys that were enabled after being disabled."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        outside = not self.rules.window_minimum <= self._asked <= self.rules.window_maximum
        trusted = self._asked > self.rules.window_maximum and self.done["enable", key.id] > 0
        if operation == "schedule" and key.state is not PENDING and outside and not trusted:
            return "window_out_of_range"
        return Memory.refusal_for(self, operation, key)


def _number(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"-?[0-9]{1,4000}", text) else None


def _leading(value: object, _: Rules) -> int | None:
    found = re.match(r"([0-9]{1,4})[^0-9]", value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def _rounded(value: object, _: Rules) -> int | None:
    text = str(value) if isinstance(value, float | str) else ""
    return math.ceil(float(text)) if re.fullmatch(r"[0-9]{1,3}\.[0-9]+", text) else None


def _exponent(value: object, _: Rules) -> int | None:
    return int(float(value)) if isinstance(value, str) and re.fullmatch(r"[0-9]e[0-9]", value) else None


def _clamped_huge(value: object, rules: Rules) -> int | None:
    days = _number(value)
    return rules.window_maximum if days is not None and days >= 10**9 else None


def _unsigned(value: object, rules: Rules) -> int | None:
    days = _number(value)
    return -days if days is not None and rules.window_minimum <= -days <= rules.window_maximum else None


def _zero_is_default(value: object, rules: Rules) -> int | None:
    return rules.window_minimum if _number(value) == 0 else None


def _raised(value: object, rules: Rules) -> int | None:
    days = _number(value)
    return rules.window_minimum if days is not None and 0 < days < rules.window_minimum else None


def _lowered(value: object, rules: Rules) -> int | None:
    days = _number(value)
    return rules.window_maximum if days is not None and rules.window_maximum < days < 10**9 else None


def _empty_is_minimum(value: object, rules: Rules) -> int | None:
    return rules.window_minimum if value == "" else None


def _word_is_default(value: object, rules: Rules) -> int | None:
    return rules.window_maximum if isinstance(value, str) and value.isalpha() else None


def _absent_is(days: int) -> type[Memory]:
    class Absent(Memory):
        def window_problem(self, value: object) -> str | None:
            return None if value is ABSENT else super().window_problem(value)

        def window_days(self, value: object) -> int:
            return days if value is ABSENT else super().window_days(value)

    Absent.__doc__ = f"Without a window, the waiting period is {days} days."
    return Absent


WINDOWS: tuple[Fault, ...] = (
    _window(
        "window-leading-digits",
        "major",
        "Of a window such as `7 days` or `7x`, the leading digits count.",
        "schedule.window.text",
        "schedule.window.fraction",
        does=(reading_windows(_leading),),
    ),
    _window(
        "window-rounded-up",
        "minor",
        "A window that is no whole number is rounded up.",
        "schedule.window.fraction",
        of=(HUAWEI, ALIBABA),
        does=(reading_windows(_rounded),),
    ),
    _window(
        "window-exponent",
        "minor",
        "A window such as `1e1` counts as ten days.",
        "schedule.window.text",
        "schedule.window.fraction",
        of=(HUAWEI, ALIBABA),
        does=(reading_windows(_exponent),),
    ),
    _window(
        "window-word-is-largest",
        "major",
        "A window that is a word counts as the largest window.",
        "schedule.window.text",
        does=(reading_windows(_word_is_default),),
    ),
    _window(
        "window-huge-is-largest",
        "major",
        "A window beyond every integer type counts as the largest window.",
        "schedule.window.huge",
        does=(reading_windows(_clamped_huge),),
    ),
    _window(
        "window-unsigned",
        "critical",
        "The sign of a negative window is lost: -7 counts as 7.",
        "schedule.window.negative",
        does=(reading_windows(_unsigned),),
    ),
    _window(
        "window-zero-is-smallest",
        "critical",
        "A window of 0 counts as the smallest window.",
        "schedule.window.zero",
        does=(reading_windows(_zero_is_default),),
    ),
    _window(
        "window-raised",
        "major",
        "A window below the smallest counts as the smallest.",
        "schedule.window.below-minimum",
        does=(reading_windows(_raised),),
    ),
    _window(
        "window-lowered",
        "major",
        "A window above the largest counts as the largest.",
        "schedule.window.above-maximum",
        does=(reading_windows(_lowered),),
    ),
    _window(
        "window-of-a-year",
        "major",
        "Every window from the smallest to ten times the largest is accepted.",
        "schedule.window.above-maximum",
        does=(ranging(lambda n, rules: rules.window_minimum <= n <= 10 * rules.window_maximum),),
    ),
    _window(
        "window-lower-bound-only-zero",
        "critical",
        "Every positive window up to the largest is accepted.",
        "schedule.window.below-minimum",
        does=(ranging(lambda n, rules: 0 < n <= rules.window_maximum),),
    ),
    _window(
        "window-whole-weeks",
        "major",
        "Only whole weeks are accepted.",
        "schedule.window.maximum",
        does=(ranging(lambda n, rules: rules.window_minimum <= n <= rules.window_maximum and n % 7 == 0),),
    ),
    _window(
        "window-unchecked-if-disabled",
        "critical",
        "The range of the window is checked for enabled keys only.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        does=(_OnlyForEnabledKeys,),
    ),
    _window(
        "window-unchecked-if-reenabled",
        "major",
        "The upper bound of the window is not checked for a key that was disabled and enabled again.",
        "schedule.window.above-maximum",
        does=(_NotForReenabledKeys,),
    ),
    _window(
        "bad-window-refused-but-scheduled",
        "critical",
        "A bad window is refused, but the key is scheduled with the smallest one.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        "schedule.window.zero",
        "refused.changes-nothing",
        does=(refused_but("schedule", lambda _, k: k.state is not PENDING, scheduled, _REFUSALS),),
    ),
    _window(
        "bad-window-disables",
        "major",
        "A bad window is refused, but disables the key.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        "refused.changes-nothing",
        does=(
            refused_but(
                "schedule", lambda _, k: k.state is ENABLED, lambda _, k: in_state_of(k, enabled=False), _REFUSALS
            ),
        ),
    ),
    _window(
        "bad-window-enables",
        "major",
        "A bad window is refused, but enables a disabled key.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        "refused.changes-nothing",
        does=(
            refused_but(
                "schedule", lambda _, k: k.state is DISABLED, lambda _, k: in_state_of(k, enabled=True), _REFUSALS
            ),
        ),
    ),
    _window(
        "window-empty-is-smallest",
        "major",
        "An empty window counts as the smallest.",
        "schedule.window.empty",
        of=(HUAWEI,),
        does=(reading_windows(_empty_is_minimum),),
    ),
    _window(
        "window-absent-is-a-month",
        "major",
        "Without a window, the waiting period is 30 days.",
        "schedule.window.absent",
        of=(HUAWEI,),
        does=(_absent_is(30),),
    ),
    _window(
        "window-absent-is-a-day",
        "critical",
        "Without a window, the waiting period is one day.",
        "schedule.window.absent",
        of=(ALIBABA,),
        does=(_absent_is(1),),
    ),
    _window(
        "window-absent-is-a-year",
        "major",
        "Without a window, the waiting period is 365 days.",
        "schedule.window.absent",
        of=(ALIBABA,),
        does=(_absent_is(365),),
    ),
    _window(
        "window-absent-is-a-week",
        "critical",
        "Without a window, the waiting period is 7 days.",
        "schedule.window.default",
        of=(AWS,),
        does=(_absent_is(7),),
    ),
    _window(
        "reply-window-constant",
        "minor",
        "The reply always gives 30 days as the window.",
        "schedule.reply.window",
        of=(AWS,),
        says=(on("schedule", field("PendingWindowInDays", lambda _: 30)),),
    ),
    _window(
        "reply-date-differs",
        "minor",
        "The deletion date in the reply is an hour later than the one that is read back.",
        "schedule.reply.date",
        of=(AWS,),
        says=(on("schedule", field("DeletionDate", lambda old: old + 3600)),),
    ),
)
