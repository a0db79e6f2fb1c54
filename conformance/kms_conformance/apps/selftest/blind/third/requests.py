"""The third blind set: requests that are misread, and names of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import unquote

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED
from kms_conformance.apps.selftest.blind.memory import changing
from kms_conformance.apps.selftest.blind.second.mixins import BROKEN, RequestMemory, lost_if, pending
from kms_conformance.apps.selftest.blind.third.mixins import (
    accepting_asked,
    misreading,
    named_by_alias,
    named_by_arn,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import status, text, where
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound, Rules
from kms_conformance.emulator.aws.credentials import ACCOUNT_ID, REGION

_request = rows_of("requests")
_name = rows_of("names of keys")
_NAMED = (ALIBABA, AWS)
_PAGE = text("<!DOCTYPE html><title>500</title><h1>Internal Server Error</h1>", "text/html")
_KEY_ARN = re.compile(r"arn:aws:kms:(?P<region>[^:]+):(?P<account>[^:]+):(?P<rest>key/.+)")
_DATA_KEYS = frozenset({"generate_data_key", "generate_data_key_without_plaintext"})


def _decoded_again(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: unquote(value) if isinstance(value, str) else value for name, value in parameters.items()}


def _plus_is_space(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value.replace("+", " ") if isinstance(value, str) else value for name, value in parameters.items()}


def _of_region(parameters: dict[str, Any]) -> dict[str, Any]:
    found = _KEY_ARN.fullmatch(str(parameters.get("KeyId", "")))
    if found is None or found["account"] != ACCOUNT_ID:
        return parameters
    return {**parameters, "KeyId": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:{found['rest']}"}


def _of_account(parameters: dict[str, Any]) -> dict[str, Any]:
    found = _KEY_ARN.fullmatch(str(parameters.get("KeyId", "")))
    if found is None or found["region"] != REGION:
        return parameters
    return {**parameters, "KeyId": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:{found['rest']}"}


def _unnamed(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "KeyId"}


def _contexts(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the encryption contexts of a request, which are objects, or JSON in texts."""

    def read(parameters: dict[str, Any]) -> dict[str, Any]:
        result = dict(parameters)
        for name, value in parameters.items():
            if not name.lower().endswith(("encryptioncontext", "encryption_context")):
                continue
            if isinstance(value, dict):
                result[name] = change(value)
            elif isinstance(value, str) and value.startswith("{") and value.endswith("}"):
                result[name] = json.dumps(change(json.loads(value)))
        return result

    return read


def _names_alone(context: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(context, "") if all(isinstance(value, str) for value in context.values()) else context


def _ordered(context: dict[str, Any]) -> dict[str, Any]:
    return {**context, "\0": ",".join(context)} if context else context


def _in_other_unit(parameters: dict[str, Any]) -> dict[str, Any]:
    """Bytes count as bits, or bits as bytes, if the result is a length that is allowed."""
    result = dict(parameters)
    size = str(parameters.get("NumberOfBytes", ""))
    if size.isascii() and size.isdigit() and len(size) < 5 and int(size) >= 8:
        small = int(size) // 8
        result["NumberOfBytes"] = str(small) if isinstance(parameters["NumberOfBytes"], str) else small
    bits = str(parameters.get("datakey_length", ""))
    if bits.isascii() and bits.isdigit() and len(bits) < 5 and int(bits) * 8 <= 8192:
        result["datakey_length"] = str(int(bits) * 8)
    return result


def _html(operation: str, named: Callable[[str], bool]) -> Filter:
    """Replies to an operation on a key that is named in this way are a page of HTML."""

    def picked(inbound: Inbound, _: Outbound) -> bool:
        return inbound.operation == operation and named(str(inbound.parameters.get("KeyId", "")))

    return where(picked, _PAGE, status(500))


def _aliases_unknown_to(operation: str) -> type[Decisions]:
    """This operation finds no key by an alias."""

    class AliasesUnknown(RequestMemory):
        def found(
            self, operation_asked: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            blind = operation_asked == "resolve_alias" and self.asked.operation == operation
            return {} if blind else super().found(operation_asked, keys, earlier)

    return AliasesUnknown


class _AnyMethodForReads(Decisions):
    """Operations for which GET is documented are answered for every method."""

    def method_allowed(self, inbound: Inbound, documented: Collection[str]) -> bool:
        return tuple(documented) == ("GET",) or super().method_allowed(inbound, documented)


class _PendingByName(RequestMemory):
    """A key that was scheduled by one form of its name can be scheduled again by another form."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._by_arn: dict[str, bool] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Collection[Key]:
        if operation == "schedule":
            self._by_arn[after.id] = named_by_arn(self)
        return tuple(super().effects(operation, before, after, keys))

    def refusal_for(self, operation: str, key: Key) -> str | None:
        other = operation == "schedule" and self._by_arn.get(key.id, named_by_arn(self)) != named_by_arn(self)
        return None if other and pending(key) else super().refusal_for(operation, key)


REQUESTS = (
    _request(
        "percent-decoded-twice",
        "minor",
        "Parameters are percent-decoded twice: a description with `%41` comes back with `A`.",
        "update-description.reply",
        "create.reply",
        of=(ALIBABA,),
        does=(misreading((), _decoded_again),),
    ),
    _request(
        "plus-is-always-space",
        "major",
        "A plus sign is read as a space even where it was percent-encoded, also in Base64.",
        "decrypt.reply",
        "update-description.reply",
        of=(ALIBABA,),
        does=(misreading((), _plus_is_space),),
    ),
    _request(
        "empty-description-ignored",
        "minor",
        "A description cannot be emptied: an empty one is answered with success, but counts as none given.",
        "update-description.reply",
        of=(HUAWEI, AWS),
        does=(changing("update_description", lambda _m, old, new: new if new.description else old),),
    ),
    _request(
        "context-values-ignored",
        "critical",
        "Of an encryption context, the names count, and the values do not.",
        "decrypt.reply",
        does=(misreading((), _contexts(_names_alone)),),
    ),
    _request(
        "context-order-counts",
        "major",
        "A ciphertext is decrypted only if its context is sent in the same order of names.",
        "decrypt.reply",
        of=(AWS,),
        does=(misreading((), _contexts(_ordered)),),
    ),
    _request(
        "data-key-in-other-unit",
        "critical",
        "The length of a data key is taken in another unit: bytes as bits, or bits as bytes.",
        "generate-data-key.reply",
        does=(misreading(_DATA_KEYS, _in_other_unit),),
    ),
    _request(
        "ciphertext-beats-named-key",
        "major",
        "Decrypting with another key than that of the ciphertext succeeds: the key that is named is ignored.",
        "decrypt.reply",
        of=(AWS,),
        does=(misreading({"decrypt"}, _unnamed),),
    ),
    _request(
        "get-operations-by-post",
        "minor",
        "The operations that are documented for GET alone are answered for every method.",
        "protocol.wrong-method",
        of=(HUAWEI,),
        does=(_AnyMethodForReads,),
    ),
)

NAMES = (
    _name(
        "arn-of-any-region",
        "major",
        "The ARN of a key names it whatever region the ARN has.",
        "unknown-key.schedule",
        "unknown-key.describe",
        "unknown-key.cancel",
        of=(AWS,),
        does=(misreading((), _of_region),),
    ),
    _name(
        "arn-of-any-account",
        "critical",
        "The ARN of a key names it whatever account the ARN has.",
        "unknown-key.schedule",
        "unknown-key.describe",
        "unknown-key.cancel",
        of=(AWS,),
        does=(misreading((), _of_account),),
    ),
    _name(
        "second-schedule-by-other-name",
        "major",
        "A key that was scheduled by its id can be scheduled again by its ARN, and the reverse.",
        "schedule.twice",
        of=(AWS,),
        does=(_PendingByName,),
    ),
    _name(
        "cancel-by-arn-in-vain",
        "critical",
        "Cancelling by the key's ARN succeeds without an effect.",
        "cancel.effect",
        "cancel.key-id.arn",
        of=(AWS,),
        does=(lost_if("cancel", named_by_arn),),
    ),
    _name(
        "disable-by-arn-breaks",
        "major",
        "Disabling by the key's ARN is answered with a page of HTML and status 500.",
        "disable.reply",
        "reply.no-server-error",
        of=(AWS,),
        says=(_html("disable", lambda name: name.startswith("arn:")),),
    ),
    _name(
        "describe-by-alias-arn-breaks",
        "major",
        "The description by the ARN of an alias is answered with an internal error.",
        "describe.reply",
        "reply.no-server-error",
        of=(AWS,),
        says=(
            where(
                lambda i, _: i.operation == "describe" and ":alias/" in str(i.parameters.get("KeyId")),
                BROKEN,
                status(500),
            ),
        ),
    ),
    _name(
        "encrypt-by-alias-unknown",
        "major",
        "Encrypting finds no key by an alias.",
        "encrypt.reply",
        of=_NAMED,
        does=(_aliases_unknown_to("encrypt"),),
    ),
    _name(
        "data-key-by-alias-unknown",
        "major",
        "No data key is given for a key that is named by an alias.",
        "generate-data-key.reply",
        of=_NAMED,
        does=(_aliases_unknown_to("generate_data_key"),),
    ),
    _name(
        "re-encrypt-by-alias-unknown",
        "major",
        "ReEncrypt finds no key by an alias.",
        "pending.re-encrypt-to",
        "set-alias.reply",
        of=(AWS,),
        does=(_aliases_unknown_to("re_encrypt"),),
    ),
    _name(
        "disabled-encrypts-by-arn",
        "critical",
        "A disabled key that is named by its ARN encrypts.",
        "state.disabled",
        of=_NAMED,
        does=(accepting_asked({"encrypt"}, lambda memory, key: key.state is DISABLED and named_by_arn(memory)),),
    ),
    _name(
        "pending-encrypts-by-alias",
        "critical",
        "A pending key that is named by an alias encrypts and gives data keys.",
        "pending.encrypt",
        "pending.generate-data-key",
        of=_NAMED,
        does=(
            accepting_asked(
                {"encrypt", "generate_data_key"}, lambda memory, key: pending(key) and named_by_alias(memory)
            ),
        ),
    ),
)
