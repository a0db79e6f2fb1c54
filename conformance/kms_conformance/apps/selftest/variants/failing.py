"""Variants (conforming emulators) that answer some requests with a documented internal error, or as unavailable.

None of these requests is carried out.
"""

from __future__ import annotations

from kms_conformance.apps.selftest.behaviour_mutations import Mixin
from kms_conformance.apps.selftest.deviation import Variant
from kms_conformance.apps.selftest.reply_mutations import Rewrite, empty, status, text, where
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound, Rules

_REFUSAL = "internal_error"
_PAGE = "<html><body>Bad Gateway</body></html>"


class _Failing(Decisions):
    """Requests for which `fails` is true get an internal error before anything else is checked."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._failed: set[str] = set()

    def fails(self, inbound: Inbound) -> bool:
        """Whether a request fails."""
        del inbound
        return False

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return _REFUSAL if self.fails(inbound) else super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return _REFUSAL if self.fails(inbound) else super().signature_problem(found, inbound)


def _one_in(number: int) -> Mixin:
    class OneIn(_Failing):
        def fails(self, inbound: Inbound) -> bool:
            return inbound.number % number == number // 2

    return OneIn


def _first(operation: str) -> Mixin:
    """The first request of an operation that must be accepted, and that names a key if it does not create one."""

    class First(_Failing):
        def fails(self, inbound: Inbound) -> bool:
            if operation != "create" or inbound.operation != operation or operation in self._failed:
                return super().fails(inbound)
            self._failed.add(operation)
            return True

        def refusal_for(self, operation_asked: str, key: Key) -> str | None:
            found = super().refusal_for(operation_asked, key)
            if found is not None or operation_asked != operation or operation in self._failed:
                return found
            self._failed.add(operation)
            return _REFUSAL

    return First


def _turned_into(rewrites: tuple[tuple[Rewrite, ...], ...]) -> Filter:
    """Internal errors become other replies, by turns."""
    count = 0

    def turned(inbound: Inbound, outbound: Outbound) -> Outbound:
        nonlocal count
        if outbound.refusal != _REFUSAL:
            return outbound
        count += 1
        return where(lambda _i, _o: True, *rewrites[count % len(rewrites)])(inbound, outbound)

    return turned


FAILING: tuple[Variant, ...] = (
    Variant(
        "internal-error-one-in-700",
        "One request in 700 gets a documented internal error.",
        decisions=(_one_in(700),),
        about="errors",
    ),
    Variant(
        "internal-error-without-a-body",
        "One request in 700 gets status 500 without a body.",
        decisions=(_one_in(700),),
        filters=(where(lambda _, o: o.refusal == _REFUSAL, empty),),
        about="errors",
    ),
    Variant(
        "unavailable-one-in-300",
        "One request in 300 gets 503 with a documented code, or 502 or 504 with an HTML page.",
        decisions=(_one_in(300),),
        filters=(
            _turned_into(
                (
                    (status(502), text(_PAGE, "text/html")),
                    (status(503),),
                    (status(504), text(_PAGE, "text/html")),
                )
            ),
        ),
        about="errors",
        alone=True,
    ),
    *(
        Variant(
            f"internal-error-once-on-{operation}",
            f"One request gets a documented internal error: the first {operation} that must be accepted.",
            decisions=(_first(operation),),
            about="errors",
        )
        for operation in ("create", "schedule", "cancel", "decrypt")
    ),
    Variant(
        "internal-error-once-on-create-grant",
        "One request gets a documented internal error: the first CreateGrant; nobody knows what it did.",
        dialects=("aws",),
        decisions=(_first("create_grant"),),
        about="errors",
    ),
)
