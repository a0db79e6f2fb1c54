"""Use: an enabled key encrypts and decrypts, and a disabled key refuses both."""

from __future__ import annotations

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.oracle import DISABLED, ENABLED
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("state.enabled")
def test_enabled_key_encrypts_and_decrypts(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    if not kms.encrypts:
        kms.accepts("state.enabled", "generate_data_key", key_id=key)
        return
    answer = kms.accepts("state.enabled", "encrypt", key_id=key, plaintext="some text")
    ciphertext = kms.dialect.secret_output("encrypt", answer.value)
    answer = kms.accepts("state.enabled", "decrypt", ciphertext=ciphertext)
    same = kms.dialect.secret_output("decrypt", answer.value) == "some text"
    kms.judge.that("state.enabled", same, "what was encrypted", "other text", (answer.number,))


@requirement("state.disabled", "state.enabled")
def test_disabled_key_is_not_used_until_it_is_enabled_again(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    ciphertexts = kms.ciphertexts(key)
    kms.pool.bring(key, DISABLED)
    uses: list[tuple[str, dict[str, object]]] = [("encrypt", {"key_id": key, "plaintext": "text"})] * kms.encrypts
    uses += [("decrypt", {"ciphertext": ciphertext}) for ciphertext in ciphertexts]
    uses.append(("generate_data_key", {"key_id": key}))
    for operation, arguments in uses:
        kms.refuses("state.disabled", "key_disabled", operation, unchanged=[key], **arguments)
    kms.pool.bring(key, ENABLED)
    if not ciphertexts:
        kms.accepts("state.enabled", "generate_data_key", key_id=key)
        return
    answer = kms.accepts("state.enabled", "decrypt", ciphertext=ciphertexts[0])
    same = kms.dialect.secret_output("decrypt", answer.value) == "text"
    kms.judge.that("state.enabled", same, "what was encrypted before", "other text", (answer.number,))


@requirement("enable.not-disabled", "enable.idempotent")
def test_enabling_an_enabled_key(kms: Scenario) -> None:
    _again(kms, "enable", ENABLED, ("enable.not-disabled", "enable.idempotent"))


@requirement("disable.not-enabled", "disable.idempotent")
def test_disabling_a_disabled_key(kms: Scenario) -> None:
    _again(kms, "disable", DISABLED, ("disable.not-enabled", "disable.idempotent"))


def _again(kms: Scenario, operation: str, state: str, requirements: tuple[RequirementId, RequirementId]) -> None:
    """Enable an enabled key, or disable a disabled one: some profiles demand a refusal, others a success."""
    key = kms.key(state)
    refusal = kms.profile.refusal_in(operation, state)
    if refusal is None:
        kms.accepts(requirements[1], operation, key_id=key, states=[state])
    else:
        kms.refuses(requirements[0], refusal, operation, key_id=key, unchanged=[key])
