"""The fourth blind set: requests that are misread, names of keys, and encryption."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, dropping, reading, rows_of
from kms_conformance.apps.selftest.blind.second.mixins import BROKEN, RequestMemory, lost_if
from kms_conformance.apps.selftest.blind.third.mixins import accepting_asked, misreading, named_by_arn
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import on_refusal, status, where
from kms_conformance.apps.selftest.request_mutations import reading_ids
from kms_conformance.emulator import Filter, Inbound, Key, Outbound

_request = rows_of("requests")
_name = rows_of("names of keys")
_crypto = rows_of("encryption")
_CONTEXT = ("encryption_context", "EncryptionContext")
_DATA_KEYS = ("generate_data_key", "generate_data_key_without_plaintext")


def _as_pattern(text: str, ids: Collection[str]) -> str:
    if not {"_", "%"} & set(text):
        return text
    pattern = text.replace("_", "?").replace("%", "*")
    return next((key_id for key_id in ids if fnmatchcase(key_id, pattern)), text)


def _before_zero(text: str, _: Collection[str]) -> str:
    return text.partition("\0")[0]


def _changed_digit(text: str, ids: Collection[str]) -> str:
    """An id that differs in the digit of its version names the key."""
    if len(text) != 36:
        return text
    return next((key_id for key_id in ids if key_id[:14] + key_id[15:] == text[:14] + text[15:]), text)


def _last_group(text: str, ids: Collection[str]) -> str:
    return next((key_id for key_id in ids if len(text) == 12 and key_id.endswith(text)), text)


def _any_partition(sent: dict[str, Any]) -> Mapping[str, Any]:
    name = sent.get("KeyId")
    if not isinstance(name, str) or not name.startswith("arn:aws-"):
        return sent
    return {**sent, "KeyId": "arn:aws:" + name.partition(":")[2].partition(":")[2]}


def _aes_256(sent: dict[str, Any]) -> Mapping[str, Any]:
    return {**sent, **{name: "AES_256" for name in ("KeySpec", "key_spec") if name in sent}}


def _source_context(sent: dict[str, Any]) -> Mapping[str, Any]:
    rest = dropping("DestinationEncryptionContext")(sent)
    return (
        {**rest, "DestinationEncryptionContext": rest["SourceEncryptionContext"]}
        if "SourceEncryptionContext" in rest
        else rest
    )


def _lowered(value: object) -> object:
    if isinstance(value, dict):
        return {name: text.lower() if isinstance(text, str) else text for name, text in value.items()}
    return value.lower() if isinstance(value, str) else value


def _lower_context(sent: dict[str, Any]) -> Mapping[str, Any]:
    return {name: _lowered(value) if name in _CONTEXT else value for name, value in sent.items()}


class _FormUnread(RequestMemory):
    """If a request has parameters in its query, those of its form that change a key are not read."""

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        found = super().parameters(operation, sent)
        query = self.asked.query
        if not query or not self.asked.body:
            return found
        return {name: value for name, value in found.items() if f"{name}=" in query}


class _SequenceRefused(RequestMemory):
    """A sequence is refused by all operations but schedule and cancel."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        sent = "sequence" in self.asked.parameters and operation in {"enable", "disable", "describe", "encrypt"}
        return "bad_sequence" if sent else super().refusal_for(operation, key)


class _ArnChecksNothing(RequestMemory):
    """A key that is named by its ARN may be cancelled in every state."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        open_ = operation == "cancel" and named_by_arn(self)
        return None if open_ else super().refusal_for(operation, key)


def _with_field(name: str) -> Callable[[RequestMemory], bool]:
    return lambda memory: name in memory.asked.parameters


def _unlisted(memory: RequestMemory) -> bool:
    known = {"key_id", "pending_days", "sequence", "KeyId", "PendingWindowInDays", "Action", "Version", "Format"}
    signed = ("Signature", "AccessKeyId", "Timestamp", "SecurityToken", "RegionId")
    return any(name not in known and not name.startswith(signed) for name in memory.asked.parameters)


def _accepted(reply: Outbound) -> Outbound:
    return replace(reply.with_value({}), status=200)


def _named_decrypt(inbound: Inbound, outbound: Outbound) -> bool:
    return inbound.operation == "decrypt" and outbound.refusal is None and "KeyId" in inbound.parameters


def _get(memory: RequestMemory) -> bool:
    return memory.asked.method == "GET"


def _by_post_form(memory: RequestMemory) -> bool:
    return bool(memory.asked.body)


def _xml_asked(memory: RequestMemory) -> bool:
    return str(memory.asked.parameters.get("Format", "")).upper() == "XML"


def _broken_if(picked: Callable[[Inbound, Outbound], bool]) -> Filter:
    return where(picked, BROKEN, status(500))


NAMES = (
    _name(
        "ids-as-patterns",
        "critical",
        "`_` and `%` in a key id stand for any characters, as in a query of a database.",
        "key-id.exact",
        does=(reading_ids(_as_pattern),),
    ),
    _name(
        "ids-in-full-width",
        "major",
        "Key ids in other forms of the same letters, such as full-width digits, name the key.",
        "key-id.exact",
        does=(reading_ids(lambda text, _: unicodedata.normalize("NFKC", text)),),
    ),
    _name(
        "ids-percent-decoded",
        "major",
        "Percent escapes in a key id are decoded once more.",
        "key-id.exact",
        does=(reading_ids(lambda text, _: unquote(text)),),
    ),
    _name(
        "ids-end-at-zero-byte",
        "critical",
        "A key id ends at a zero byte: what follows is ignored.",
        "key-id.exact",
        of=(HUAWEI, AWS),
        does=(reading_ids(_before_zero),),
    ),
    _name(
        "digit-of-version-ignored",
        "critical",
        "Key ids that differ in their fifteenth character alone name the same key.",
        "key-id.exact",
        "unknown-key.schedule",
        does=(reading_ids(_changed_digit),),
    ),
    _name(
        "last-group-names-key",
        "major",
        "The last twelve digits of a key id name the key.",
        "key-id.exact",
        "malformed-key.describe",
        does=(reading_ids(_last_group),),
    ),
    _name(
        "arn-of-any-partition",
        "major",
        "The ARN of a key names it in whatever partition, such as `aws-cn`.",
        "other-arn.schedule",
        "key-id.exact",
        of=(AWS,),
        does=(misreading((), _any_partition),),
    ),
    _name(
        "cancel-by-arn-unchecked",
        "critical",
        "Cancelling by the key's ARN is accepted in every state.",
        "cancel.not-pending.enabled",
        "enabled.every-name",
        "disabled.every-name",
        of=(AWS,),
        does=(_ArnChecksNothing,),
    ),
    _name(
        "schedule-by-arn-in-vain",
        "critical",
        "Scheduling by the key's ARN succeeds without an effect.",
        "schedule.key-id.arn",
        of=(AWS,),
        does=(lost_if("schedule", named_by_arn),),
    ),
    _name(
        "enable-by-arn-in-vain",
        "major",
        "Enabling by the key's ARN succeeds without an effect.",
        "disabled.every-name",
        "enabled.every-name",
        of=(AWS,),
        does=(lost_if("enable", named_by_arn),),
    ),
    _name(
        "data-key-by-alias-breaks",
        "major",
        "A data key that is asked for by an alias is answered with an internal error.",
        "enabled.every-name",
        of=NAMED,
        says=(
            where(
                lambda i, o: (
                    i.operation in _DATA_KEYS and o.refusal is None and "alias/" in str(i.parameters.get("KeyId"))
                ),
                BROKEN,
                status(500),
            ),
        ),
    ),
)

REQUESTS = (
    _request(
        "schedule-with-more-fields-in-vain",
        "critical",
        "Scheduling with a field that is not documented succeeds without an effect.",
        "protocol.unknown-field",
        "schedule.state-after",
        "lifecycle.sequence",
        of=(HUAWEI, AWS),
        does=(lost_if("schedule", _unlisted),),
    ),
    _request(
        "disable-with-sequence-in-vain",
        "critical",
        "Disabling with a sequence succeeds without an effect.",
        "protocol.sequence",
        of=(HUAWEI,),
        does=(lost_if("disable", _with_field("sequence")),),
    ),
    _request(
        "sequence-refused-elsewhere",
        "major",
        "A sequence of 36 characters is refused by all operations but schedule and cancel.",
        "protocol.sequence",
        of=(HUAWEI,),
        does=(_SequenceRefused,),
    ),
    _request(
        "empty-body-accepted",
        "major",
        "An empty body is answered with success, without an effect.",
        "protocol.empty-body",
        of=(HUAWEI, AWS),
        says=(on_refusal("empty_body", _accepted),),
    ),
    _request(
        "malformed-body-accepted",
        "major",
        "A body that is no JSON is answered with success, without an effect.",
        "protocol.malformed-json",
        of=(HUAWEI, AWS),
        says=(on_refusal("invalid_json", _accepted),),
    ),
    _request(
        "form-unread-beside-query",
        "major",
        "If a request has a query, the parameters in its form are not read.",
        "protocol.form",
        "protocol.every-form",
        of=(ALIBABA,),
        does=(_FormUnread,),
    ),
    _request(
        "schedule-by-form-in-vain",
        "critical",
        "Scheduling or cancelling with parameters in a form succeeds without an effect.",
        "protocol.every-form",
        "protocol.form",
        of=(ALIBABA,),
        does=(lost_if("schedule", _by_post_form), lost_if("cancel", _by_post_form)),
    ),
    _request(
        "xml-in-vain",
        "critical",
        "Scheduling and cancelling succeed without an effect where the reply is asked for in XML.",
        "schedule.reply.xml",
        "protocol.every-form",
        of=(ALIBABA,),
        does=(lost_if("schedule", _xml_asked), lost_if("cancel", _xml_asked)),
    ),
    _request(
        "enable-by-get-in-vain",
        "major",
        "Enabling and disabling by GET succeed without an effect.",
        "enabled.every-form",
        "disabled.every-form",
        "protocol.get",
        of=(ALIBABA,),
        does=(lost_if("enable", _get), lost_if("disable", _get)),
    ),
    _request(
        "disabled-xml-encrypts",
        "critical",
        "A disabled or pending key encrypts where the reply is asked for in XML.",
        "disabled.every-form",
        "pending.every-form",
        of=(ALIBABA,),
        does=(accepting_asked({"encrypt", "decrypt"}, lambda memory, _: _xml_asked(memory)),),
    ),
)

CRYPTO = (
    _crypto(
        "data-keys-without-context",
        "major",
        "The encryption context of a data key is not bound to it: with the context, its ciphertext is not decrypted.",
        "generate-data-key.plaintext",
        "decrypt.context",
        does=(reading(_DATA_KEYS, dropping(*_CONTEXT)),),
    ),
    _crypto(
        "context-lost-at-encryption",
        "critical",
        "The encryption context is lost at the encryption: decrypting without it succeeds, and with it fails.",
        "decrypt.context",
        does=(reading(("encrypt",), dropping(*_CONTEXT)),),
    ),
    _crypto(
        "context-without-case",
        "major",
        "Values of an encryption context are compared without regard to capital and small letters.",
        "decrypt.context",
        does=(reading((), _lower_context),),
    ),
    _crypto(
        "key-spec-of-data-key-ignored",
        "major",
        "Data keys have 256 bits, also where `AES_128` is asked for.",
        "generate-data-key.plaintext",
        "generate-data-key.reply",
        does=(reading(_DATA_KEYS, _aes_256),),
    ),
    _crypto(
        "named-decrypt-breaks",
        "major",
        "Decrypting with the name of the key is answered with an internal error.",
        "decrypt.key-id",
        "decrypt.reply",
        of=(AWS,),
        says=(_broken_if(_named_decrypt),),
    ),
    _crypto(
        "re-encrypt-keeps-context",
        "major",
        "ReEncrypt binds the new ciphertext to the context of the old one.",
        "re-encrypt.reply",
        of=(AWS,),
        does=(reading(("re_encrypt",), _source_context),),
    ),
    _crypto(
        "re-encrypt-ignores-source-name",
        "critical",
        "ReEncrypt ignores SourceKeyId: the name of another key is accepted.",
        "re-encrypt.source-key-id",
        of=(AWS,),
        does=(reading(("re_encrypt",), dropping("SourceKeyId")),),
    ),
)
