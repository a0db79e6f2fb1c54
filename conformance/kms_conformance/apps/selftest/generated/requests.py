"""Operators on requests: a parameter that is lost on the way to the operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kms_conformance.apps.selftest.generated.facts import Facts
from kms_conformance.apps.selftest.generated.row import Deviation, Found, LeftOut, Make, Row
from kms_conformance.apps.selftest.generated.situation import Situated

Reached = Callable[[], None]
_TIMES = {"always": "", "every-2nd": " every second time"}


def forgets(facts: Facts) -> Found:
    """A parameter of a request is ignored, as if it had not been sent."""
    for operation, found in facts.api.operations.items():
        for name in sorted(found.parameters):
            if not facts.heeds(operation, name):
                yield LeftOut("forgets", (operation, name), "the emulator does not read the parameter")
                continue
            for times, words in _TIMES.items():
                yield Row(
                    "forgets",
                    (operation, name, times),
                    f"{operation} ignores {name}{words}.",
                    "major",
                    _without(operation, name, 2 if times == "every-2nd" else 1),
                    situation=times,
                )


OPERATORS = (forgets,)


def _without(operation: str, name: str, every: int) -> Make:
    def made(reached: Reached) -> Deviation:
        class Without(Situated):
            _seen = 0

            def parameters(self, operation_asked: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
                found = super().parameters(operation_asked, sent)
                if operation_asked != operation or name not in found:
                    return found
                self._seen += 1
                if self._seen % every:
                    return found
                reached()
                return {other: value for other, value in found.items() if other != name}

        return Deviation((Without,))

    return made
