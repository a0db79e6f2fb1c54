"""Faults of cryptography: encryption contexts that do not count, data keys that are too short or known, cut texts."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from functools import partial

from kms_conformance.apps.selftest.blind.first.cryptography import Plaintexts
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import Filter, Inbound, Outbound

_fault = partial(Fault, fault_class="states", severity="major", families=("use",))
_CONTEXTS = ("encryption_context", "EncryptionContext")
_REFUSALS = ("invalid_parameter", "invalid_ciphertext")
_CUT = 255


def _on_bytes(change: Callable[[bytes], bytes], operation: str) -> Filter:
    """Change the bytes of the plaintext in the replies to an operation."""

    def in_base64(value: str) -> str:
        return base64.b64encode(change(base64.b64decode(value))).decode()

    def in_huawei(value: str) -> str:
        if operation == "generate_data_key":
            return change(bytes.fromhex(value)).hex()
        return change(value.encode()).decode(errors="ignore")

    return on(operation, field("Plaintext", in_base64), field("plain_text", in_huawei))


def _if_context(ignored: Plaintexts, *, sent: bool) -> Filter:
    """Ignore the context of requests that have one, or of those that have none."""

    def filter_(inbound: Inbound, outbound: Outbound) -> Outbound:
        has = any(inbound.parameters.get(name) for name in _CONTEXTS)
        return ignored(inbound, outbound) if inbound.operation != "decrypt" or has is sent else outbound

    return filter_


class _OneDataKey:
    """The reply to the first request for a data key is given to all later ones."""

    def __init__(self) -> None:
        self._first: dict[str, object] = {}

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "generate_data_key" or outbound.refusal is not None:
            return outbound
        names = {"Plaintext", "plain_text"} & outbound.value.keys()
        self._first = self._first or {name: outbound.value[name] for name in names}
        return outbound.with_value({**outbound.value, **self._first})


FAULTS = (
    _fault(
        name="missing-context-accepted",
        title="What was encrypted in a context is decrypted without one.",
        requirements=frozenset({"decrypt.context"}),
        filters=(_if_context(Plaintexts(("encrypt",), _REFUSALS), sent=False),),
    ),
    _fault(
        name="other-context-accepted",
        title="What was encrypted in a context is decrypted in any other one.",
        requirements=frozenset({"decrypt.context"}),
        filters=(_if_context(Plaintexts(("encrypt",), _REFUSALS), sent=True),),
    ),
    _fault(
        name="context-of-data-keys-ignored",
        title="A data key that was made in a context is decrypted without one.",
        requirements=frozenset({"decrypt.context"}),
        dialects=(ALIBABA, AWS),
        filters=(Plaintexts(("generate_data_key",), _REFUSALS),),
    ),
    _fault(
        name="long-plaintexts-cut",
        title=f"Of a decrypted text, the first {_CUT} bytes are returned.",
        requirements=frozenset({"state.enabled"}),
        filters=(_on_bytes(lambda plain: plain[:_CUT], "decrypt"),),
    ),
    _fault(
        name="data-keys-too-short",
        title="Data keys have half of the length that was asked for.",
        requirements=frozenset({"generate-data-key.plaintext"}),
        filters=(_on_bytes(lambda plain: plain[: len(plain) // 2], "generate_data_key"),),
    ),
    _fault(
        name="data-keys-repeated",
        title="All data keys are the same.",
        requirements=frozenset({"generate-data-key.plaintext"}),
        filters=(_OneDataKey(),),
    ),
    _fault(
        name="data-key-is-not-its-ciphertext",
        title="The plaintext of a data key is not what its ciphertext holds.",
        requirements=frozenset({"generate-data-key.plaintext"}),
        dialects=(ALIBABA, AWS),
        filters=(_on_bytes(lambda plain: secrets.token_bytes(len(plain)), "generate_data_key"),),
    ),
)
