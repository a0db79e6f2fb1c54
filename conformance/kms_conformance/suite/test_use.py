"""Use: an enabled key encrypts and decrypts, and a disabled key refuses both."""

from __future__ import annotations

from contextlib import suppress

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.front import NotReached
from kms_conformance.client.judge import Inconclusive, Lacking
from kms_conformance.client.oracle import DISABLED, ENABLED
from kms_conformance.suite.marks import asks, requirement
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.steps import long_in_context

_TEXT = "some text"
_CONTEXT = {"purpose": "conformance", "Part": "1"}
# Contexts with another value, and with names in other letters; none at all.
_OTHER_CONTEXTS: tuple[dict[str, str], ...] = (
    {**_CONTEXT, "purpose": "other"},
    {"Purpose": "conformance", "part": "1"},
    {},
)
# Longer than what is stored in one byte, and short enough for a URL; letters beyond ASCII, one of two characters.
_LONG = "Größe und La\u0308nge. " * 30


@requirement("state.enabled")
def test_enabled_key_encrypts_and_decrypts(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    if not kms.encrypts:
        kms.accepts("state.enabled", "generate_data_key", key_id=key)
        return
    # As long as the documents allow, where they say it and the request has a body.
    text = _TEXT.ljust(kms.dialect.longest_text, ".")
    try:
        answer = kms.accepts("state.enabled", "encrypt", key_id=key, plaintext=text)
    except NotReached:
        # What stands in front may take no body of that size.
        text = _TEXT
        answer = kms.accepts("state.enabled", "encrypt", key_id=key, plaintext=text)
    ciphertext = kms.dialect.secret_output("encrypt", answer.value)
    answer = kms.accepts("state.enabled", "decrypt", ciphertext=ciphertext)
    same = kms.dialect.secret_output("decrypt", answer.value) == text
    kms.judge.that("state.enabled", same, "what was encrypted", "other text", (answer.number,))


@requirement("decrypt.context", "state.enabled")
@asks("encrypt", "decrypt")
def test_text_in_a_context_is_decrypted_in_that_context_alone(kms: Scenario) -> None:
    """The text is long, and has letters beyond ASCII. Where data keys can be decrypted, the same holds for one."""
    key = kms.key(ENABLED)
    same_context = dict(reversed(_CONTEXT.items())) if kms.dialect.unordered_context else _CONTEXT
    in_context = {"key_id": key, "context": _CONTEXT}
    sealed = kms.dialect.secret_output("encrypt", kms.done("encrypt", plaintext=_LONG, **in_context).value)
    data_key = kms.dialect.data_key(kms.done("generate_data_key", **in_context).value)
    for ciphertext, text in ((sealed, _LONG), (data_key, None)):
        if ciphertext is None:
            continue
        answer = kms.accepts("decrypt.context", "decrypt", ciphertext=ciphertext, context=same_context)
        same = text is None or kms.dialect.secret_output("decrypt", answer.value) == text
        kms.judge.that("state.enabled", same, "what was encrypted", "other text", (answer.number,))
        for context in _OTHER_CONTEXTS:
            answer = kms.ask("decrypt", ciphertext=ciphertext, **({"context": context} if context else {}))
            if answer.accepted and "encryption_context" in kms.profile.may_lack:
                raise Lacking("The target takes no encryption context; later editions of the pages have another one.")
            named = f"the context {context}" if context else "no context"
            told = f"a refusal with {'another context' if context else 'no context'}", answer.summary
            note = f"The ciphertext was made in the context {_CONTEXT}; this request has {named}."
            kms.judge.that("decrypt.context", not answer.accepted, *told, (answer.number,), note)


@requirement("generate-data-key.plaintext")
@asks("generate_data_key")
def test_data_key_is_new_and_as_long_as_asked_for(kms: Scenario) -> None:
    """For the second data key, another length is asked for, where every installation has one."""
    key = kms.key(ENABLED)
    plain = []
    for length in (None, kms.dialect.other_data_key_bytes):
        of_length: dict[str, object] = {} if length is None else {"length": length}
        answer = kms.ask("generate_data_key", key_id=key, **of_length)
        answer = kms.must_be_accepted("generate-data-key.plaintext", answer, key)
        size, wanted = kms.dialect.data_key_size(answer.value), length or kms.dialect.data_key_bytes
        told = f"a data key of {wanted} bytes", f"{size} bytes"
        kms.judge.that("generate-data-key.plaintext", size == wanted, *told, (answer.number,))
        plain.append(kms.dialect.secret_output("decrypt", answer.value))
    differ = plain[0] != plain[1]
    kms.judge.that("generate-data-key.plaintext", differ, "another data key", "the same one", (answer.number,))
    sealed = kms.dialect.data_key(answer.value)
    if sealed is not None:
        answer = kms.accepts("state.enabled", "decrypt", ciphertext=sealed)
        same = kms.dialect.secret_output("decrypt", answer.value) == plain[1]
        told = "the plaintext that came with the ciphertext", "another plaintext"
        kms.judge.that("generate-data-key.plaintext", same, *told, (answer.number,))


@requirement("state.disabled", "state.enabled")
def test_disabled_key_is_not_used_until_it_is_enabled_again(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    ciphertexts = kms.sealed(key)
    kms.pool.bring(key, DISABLED)
    before = kms.view(key)
    uses: list[tuple[str, dict[str, object]]] = [("encrypt", {"key_id": key, "plaintext": "text"})] * kms.encrypts
    uses += [("decrypt", {"ciphertext": ciphertext}) for ciphertext in ciphertexts]
    uses.append(("generate_data_key", {"key_id": key}))
    for operation, arguments in uses:
        # A target may take a second request, right after the first, for the repetition of one that it has let in. That
        # to encrypt has a long text and a context, with which a service may take another way.
        second = {**arguments, **long_in_context(kms)} if operation == "encrypt" else arguments
        for further in (arguments, second):
            answer = kms.ask(operation, **further)
            kms.must_be_refused("state.disabled", "key_disabled", answer)
    if "re_encrypt" in kms.client.api and ciphertexts:
        # A ciphertext that stays with its key. Whether the target re-encrypts at all is judged elsewhere.
        with suppress(Inconclusive):
            answer = kms.ask("re_encrypt", ciphertext=ciphertexts[0], key_id=key)
            kms.must_be_refused("state.disabled", "key_disabled", answer)
    kms.must_be_unchanged("state.disabled", before, kms.read(key), answer)
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
