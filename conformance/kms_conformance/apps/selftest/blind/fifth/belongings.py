"""The fifth blind set: aliases and other names, tags, grants, policies and deletion protection."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, doing, refusing
from kms_conformance.apps.selftest.blind.fifth.mixins import EVERY, NAMED, in_vain_when, refusing_by, rows_of
from kms_conformance.apps.selftest.blind.fourth.mixins import reading
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import empty, field, on, on_refusal, status, where
from kms_conformance.apps.selftest.request_mutations import Seeing, named_by, refusing_when
from kms_conformance.emulator import Decisions, Inbound, Key, Outbound

_name = rows_of("names of keys")
_alias = rows_of("aliases")
_tag = rows_of("tags")
_grant = rows_of("grants, policies and protection")

_ARN_OF_KEY = re.compile(r"^arn:[^/]*:key/")
_DATA_KEYS = frozenset({"generate_data_key", "generate_data_key_without_plaintext"})


def _by_alias_arn(inbound: Inbound) -> bool:
    return ":alias/" in str(inbound.parameters.get("KeyId", ""))


def _last_part_of_arn(sent: dict[str, Any]) -> Mapping[str, Any]:
    names = {"KeyId", "TargetKeyId", "DestinationKeyId"}
    return {n: _ARN_OF_KEY.sub("", v) if n in names and isinstance(v, str) else v for n, v in sent.items()}


def _sealed_by_alias(inbound: Inbound, reply: Outbound) -> Outbound:
    asked = inbound.operation == "encrypt" and reply.refusal is None
    if not asked or "alias/" not in str(inbound.parameters.get("KeyId", "")):
        return reply

    def other_key(text: str) -> str:
        sealed = base64.b64decode(text)
        return base64.b64encode(sealed[:8] + b"00000000-0000-4000-8000-000000000000" + sealed[44:]).decode()

    return field("CiphertextBlob", other_key)(reply)


def _named_as_asked(inbound: Inbound, reply: Outbound) -> Outbound:
    asked = inbound.operation in {"encrypt", *_DATA_KEYS} and reply.refusal is None
    return field("KeyId", lambda _: inbound.parameters["KeyId"])(reply) if asked else reply


class _AliasAnyway(Seeing):
    """Moving an alias that does not exist creates it."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation != "update_alias" or refusal != "unknown_alias" or key is None or self.inbound is None:
            return super().effects_of_refusal(operation, refusal, key, keys)
        return (replace(key, aliases=(*key.aliases, str(self.inbound.parameters["AliasName"]))),)


class _Duplicates(Seeing):
    """A key may be given the alias of another one; new keys may not, because no page says what becomes of them."""

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        given = self.inbound is not None and self.inbound.operation == "set_alias"
        return not given and super().alias_taken(alias, keys)


class _AliasesKeep(Decisions):
    """A key that has aliases counts as in use, and cannot be scheduled."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        return "already_pending" if operation == "schedule" and key.aliases and found is None else found


class _NoEmptyTag(Seeing):
    """A tag with an empty value is refused."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        tags = self.inbound.parameters.get("Tags") if self.inbound is not None and operation == "tag" else None
        bare = isinstance(tags, list) and any(isinstance(tag, dict) and tag.get("TagValue") == "" for tag in tags)
        return super().refusal_for(operation, key) or ("invalid_parameter" if bare else None)


def _last_part_of_alias(before: Key, after: Key) -> Key:
    new = [alias for alias in after.aliases if alias not in before.aliases]
    kept = [alias for alias in after.aliases if alias in before.aliases]
    return replace(after, aliases=(*kept, *("alias/" + alias.rsplit("/", 1)[-1] for alias in new)))


def _appended(before: Key, after: Key) -> Key:
    return replace(after, tags=(*before.tags, *(tag for tag in after.tags if tag not in before.tags)))


def _revoked_by_principal(before: Key, after: Key) -> Key:
    gone = {grant.grantee for grant in before.grants if grant not in after.grants}
    return replace(after, grants=tuple(grant for grant in after.grants if grant.grantee not in gone))


NAMES = (
    _name(
        "describe-knows-no-alias",
        "major",
        "A key cannot be described by its alias.",
        "enabled.every-name",
        of=NAMED,
        because="Aliases are resolved in some operations alone; reported of an emulator.",
        does=(refusing_when(named_by("alias/"), "describe", "unknown_key", *EVERY),),
    ),
    _name(
        "arn-of-alias-unknown",
        "major",
        "The ARN of an alias names no key in uses and descriptions.",
        "enabled.every-name",
        of=(AWS,),
        because="Names are split at `key/`; reported of two emulators.",
        does=tuple(
            refusing_when(_by_alias_arn, operation, "unknown_key", *EVERY)
            for operation in ("describe", "encrypt", *_DATA_KEYS)
        ),
    ),
    _name(
        "sealed-by-alias-is-lost",
        "critical",
        "What was encrypted by an alias cannot be decrypted: the ciphertext holds no id of the key.",
        "enabled.every-name",
        "decrypt.reply",
        of=NAMED,
        because="The name as sent is written into the ciphertext; reported of an emulator.",
        says=(_sealed_by_alias,),
    ),
    _name(
        "reply-names-key-as-asked",
        "minor",
        "Replies to uses name the key as the request did, by id, alias or ARN.",
        "encrypt.reply",
        "enabled.every-name",
        of=NAMED,
        because="The parameter is echoed; reported of an emulator.",
        says=(_named_as_asked,),
    ),
    _name(
        "last-part-of-arn-counts",
        "critical",
        "Of the ARN of a key the id alone is read: those of other regions and accounts name the key.",
        "other-arn.schedule",
        of=(AWS,),
        because="Names are split at `key/`, and the rest is not compared; read in emulators.",
        does=(reading((), _last_part_of_arn),),
    ),
    _name(
        "account-of-zeros",
        "minor",
        "The description of a key has another account than its ARN.",
        "describe.arn-agrees",
        "describe.reply",
        of=(AWS,),
        because="A default account was left in one place when accounts were introduced; reported of emulators.",
        says=(on("describe create", field("KeyMetadata.AWSAccountId", lambda _: "000000000000")),),
    ),
)

ALIASES = (
    _alias(
        "aliases-by-arn-empty",
        "minor",
        "The list of the aliases of a key is empty if the key is named by its ARN.",
        "list-aliases.reply",
        "enabled.every-name",
        of=(AWS,),
        because="The ARN is compared with ids; as reported of an emulator that stored ARNs.",
        says=(
            where(
                lambda i, o: (
                    i.operation == "list_aliases"
                    and o.refusal is None
                    and str(i.parameters.get("KeyId", "")).startswith("arn:")
                ),
                field("Aliases", lambda _: []),
            ),
        ),
    ),
    _alias(
        "listed-without-prefix",
        "minor",
        "Listed aliases lack `alias/` before their names.",
        "list-aliases.reply",
        of=(AWS,),
        because="The prefix is cut before storing, and not written again; common.",
        says=(on("list_aliases", field("Aliases.AliasName", lambda name: name.removeprefix("alias/"))),),
    ),
    _alias(
        "pending-keeps-its-aliases",
        "minor",
        "Aliases of pending keys cannot be deleted.",
        "pending.delete-alias",
        of=NAMED,
        because="The guard of pending keys stands before all operations on aliases; common.",
        does=(refusing_by("delete_alias", {ALIBABA: "state_refused", AWS: "pending_manage"}, PENDING),),
    ),
    _alias(
        "last-part-of-alias",
        "major",
        "Of an alias with several slashes, the part behind the last one is stored.",
        "set-alias.reply",
        "enabled.every-name",
        of=NAMED,
        because="Names are split at slashes; reported of an emulator whose pattern did not allow them.",
        does=(doing("set_alias", _last_part_of_alias),),
    ),
    _alias(
        "move-creates-alias",
        "minor",
        "Moving an alias that does not exist creates it, with success.",
        "update-alias.reply",
        of=(AWS,),
        because="The table of aliases is written without a look at it; common.",
        does=(_AliasAnyway,),
        says=(on_refusal("unknown_alias", status(200), empty, operations="update_alias"),),
    ),
    _alias(
        "duplicate-alias",
        "major",
        "A key can be given the alias of another key.",
        "set-alias.reply",
        of=(HUAWEI,),
        because="The index of aliases is not unique; reported of an emulator.",
        does=(_Duplicates,),
    ),
)

WRITES = (
    _alias(
        "description-writes-whole-row",
        "major",
        "Changing the description of a key removes its aliases and tags.",
        "update-description.reply",
        "lifecycle.keeps-other-fields",
        "lifecycle.sequence",
        because="A whole row is written from a request that has one field; common with update statements.",
        does=(doing("update_description", lambda _, after: replace(after, aliases=(), tags=())),),
    ),
    _alias(
        "alias-writes-whole-row",
        "major",
        "Giving a key an alias empties its description.",
        "set-alias.reply",
        "lifecycle.keeps-other-fields",
        "lifecycle.sequence",
        because="A whole row is written from a request that has one field; common with update statements.",
        does=(doing("set_alias", lambda _, after: replace(after, description="")),),
    ),
    _alias(
        "aliases-keep-from-scheduling",
        "major",
        "A key with an alias cannot be scheduled for deletion: its aliases have to be deleted first.",
        "schedule.from-enabled",
        "schedule.keeps.aliases",
        of=NAMED,
        because="A rule of relational databases about rows that others refer to; habit of authors of services.",
        does=(_AliasesKeep,),
    ),
)

TAGS = (
    _tag(
        "tags-appended",
        "minor",
        "A tag whose name the key has already is listed twice, with the old and the new value.",
        "tag.reply",
        "list-tags.reply",
        of=NAMED,
        because="Tags are a list to which new ones are appended; reported of emulators.",
        does=(doing("tag", _appended),),
    ),
    _tag(
        "tag-by-arn-in-vain",
        "minor",
        "Tagging a key by its ARN succeeds without an effect.",
        "enabled.every-name",
        "tag.reply",
        of=(AWS,),
        because="Tags are stored under the name as sent; kind of a reported emulator bug.",
        does=(in_vain_when("tag", named_by("arn:")),),
    ),
    _tag(
        "empty-tag-refused",
        "minor",
        "A tag with an empty value is refused.",
        "tag.reply",
        of=(AWS,),
        because="An empty text is false; common.",
        does=(_NoEmptyTag,),
    ),
)

GRANTS = (
    _grant(
        "revocation-by-principal",
        "major",
        "Revoking a grant revokes all grants of the same principal on the key.",
        "revoke-grant.reply",
        of=(AWS,),
        because="Grants are found by principal; kind of a reported emulator bug, which found them by name.",
        does=(doing("revoke_grant", _revoked_by_principal),),
    ),
    _grant(
        "first-operation-of-grant",
        "minor",
        "A listed grant has the first of its operations alone.",
        "list-grants.reply",
        "create-grant.reply",
        of=(AWS,),
        because="Fields of grants are dropped between handler and store; reported of an emulator.",
        says=(on("list_grants", field("Grants.Operations", lambda names: names[:1])),),
    ),
    _grant(
        "pending-grants-unlisted",
        "minor",
        "The grants of a pending key cannot be listed.",
        "pending.list-grants",
        of=(AWS,),
        because="The guard of uses stands before reads as well; common.",
        does=(refusing("list_grants", "pending_manage", PENDING),),
    ),
    _grant(
        "pending-policy-unread",
        "minor",
        "The policy of a pending key cannot be read.",
        "pending.get-policy",
        of=(AWS,),
        because="The guard of uses stands before reads as well; common.",
        does=(refusing("get_policy", "pending_manage", PENDING),),
    ),
    _grant(
        "pending-grants-irrevocable",
        "major",
        "Grants on a pending key cannot be revoked.",
        "pending.revoke-grant",
        of=(AWS,),
        because="The guard of new grants stands before revocations as well; common.",
        does=(refusing("revoke_grant", "pending_use", PENDING),),
    ),
    _grant(
        "disable-unprotects",
        "major",
        "Disabling a key turns its deletion protection off.",
        "lifecycle.keeps-other-fields",
        "protection.refuses-schedule",
        of=(ALIBABA,),
        because="A whole row is written from a request that lacks the field; common with update statements.",
        does=(doing("disable", lambda _, after: replace(after, protected=False)),),
    ),
)
