"""Variants of the sixth blind set about busy accounts: what other callers do, and what their keys are like."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.sixth_variants.forms import Counting, variant
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound
from kms_conformance.emulator.keys import KeyDraft, key_of

_SPECS = {HUAWEI: "AES_256", ALIBABA: "Aliyun_AES_256", AWS: "SYMMETRIC_DEFAULT"}
_USAGES = {HUAWEI: "ENCRYPT_DECRYPT", ALIBABA: "ENCRYPT/DECRYPT", AWS: "ENCRYPT_DECRYPT"}


class _Toggling(Counting):
    """With every seventh look, another caller disables or enables a key of theirs."""

    def done_by_others(self, theirs: Collection[Key]) -> Iterable[Key]:
        if self.looks % 7 == 0:
            other = {ENABLED: DISABLED, DISABLED: ENABLED}
            yield from (replace(key, state=other[key.state]) for key in theirs if key.state in other)


class _Scheduling(Counting):
    """With every ninth look, another caller schedules or cancels the deletion of each key of theirs."""

    def done_by_others(self, theirs: Collection[Key]) -> Iterable[Key]:
        if self.looks % 9:
            return
        for key in theirs:
            if key.state is PENDING:
                yield replace(key, state=self.rules.after_cancel, deletion=None, window_days=None)
            else:
                yield replace(key, state=PENDING, deletion=self.now + timedelta(days=30), window_days=30)


class _Creating(Counting):
    """With every 40th look, another caller creates a key, up to a number."""

    most = 60

    def quota_left(self, keys: Collection[Key]) -> bool:
        return True

    def done_by_others(self, theirs: Collection[Key]) -> Iterable[Key]:
        if self.looks % 40 == 0 and self.looks < 40 * self.most:
            dialect = self.rules.dialect
            alias = f"alias/other-{self.looks}" if dialect != HUAWEI else f"other-{self.looks}"
            draft = KeyDraft(_SPECS[dialect], _USAGES[dialect], alias, description=f"made at look {self.looks}")
            yield key_of(draft, ENABLED, self.now)


class _Vanishing(Counting):
    """With every 50th look, one key of other callers reaches its deletion date."""

    def done_by_others(self, theirs: Collection[Key]) -> Iterable[Key]:
        if self.looks % 50 == 0:
            for key in list(theirs)[:1]:
                yield replace(key, state=PENDING, deletion=self.now, window_days=7)


class _Roomy(Decisions):
    """The quota of this account was raised."""

    def quota_left(self, keys: Collection[Key]) -> bool:
        return True


class _ById(Decisions):
    """Lists are in the order of the ids."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return sorted(super().listed(keys), key=lambda key: key.id)


class _SmallPages(Decisions):
    """A list has at most three keys on a page, whatever the request allows."""

    def page_size(self, requested: int) -> int:
        return min(requested, 3)


class _AutoTagged(Counting):
    """A robot of the account adds a tag with its name to each key that has no such tag."""

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        yield from super().changed_by_time(keys)
        for key in keys:
            if not key.default and key.state is not PENDING and "cost-robot" not in dict(key.tags):
                yield replace(key, tags=(*key.tags, ("cost-robot", "unassigned")))


def _of_others(change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Filter:
    """Change what describe says about keys that no request of this run created."""
    created: set[str] = set()

    def filter_(inbound: Inbound, outbound: Outbound) -> Outbound:
        name = next((name for name in ("KeyMetadata", "key_info") if name in (outbound.value or {})), None)
        if outbound.refusal is not None or name is None:
            return outbound
        details = outbound.value[name]
        key_id = details.get("KeyId", details.get("key_id"))
        if inbound.operation == "create":
            created.add(key_id)
        if inbound.operation != "describe" or key_id in created:
            return outbound
        return outbound.with_value({**outbound.value, name: {**details, **change(details)}})

    return filter_


def _signing(details: dict[str, Any]) -> Mapping[str, Any]:
    if "KeyManager" in details:
        return (
            {
                "KeySpec": "ECC_NIST_P256",
                "CustomerMasterKeySpec": "ECC_NIST_P256",
                "KeyUsage": "SIGN_VERIFY",
                "EncryptionAlgorithms": None,
                "SigningAlgorithms": ["ECDSA_SHA_256"],
            }
            if details["KeyManager"] == "CUSTOMER"
            else {}
        )
    if "KeySpec" in details:
        return {"KeySpec": "EC_SM2", "KeyUsage": "SIGN/VERIFY", "ProtectionLevel": "HSM"}
    return {"key_spec": "EC_P256", "key_usage": "SIGN_VERIFY"} if details.get("default_key_flag") == "0" else {}


def _unavailable(details: dict[str, Any]) -> Mapping[str, Any]:
    if details.get("KeyState") == "Disabled":
        return {"KeyState": "Unavailable"}
    return {"key_state": "1"} if details.get("key_state") == "3" else {}


def _replica(details: dict[str, Any]) -> Mapping[str, Any]:
    if details["KeyManager"] == "AWS":
        return {}
    here = {"Arn": details["Arn"], "Region": details["Arn"].split(":")[3]}
    there = {"Arn": details["Arn"].replace(here["Region"], "eu-north-1"), "Region": "eu-north-1"}
    config = {"MultiRegionKeyType": "REPLICA", "PrimaryKey": there, "ReplicaKeys": [here]}
    return {"MultiRegion": True, "MultiRegionConfiguration": config}


def _with_grant_of_a_service(inbound: Inbound, outbound: Outbound) -> Outbound:
    """ListGrants also shows a grant that a service of the cloud took for itself."""
    key = str(inbound.parameters.get("KeyId", ""))
    narrowed = {"GrantId", "GranteePrincipal", "Marker", "Limit"} & set(inbound.parameters)
    if inbound.operation != "list_grants" or outbound.refusal is not None or narrowed:
        return outbound
    grant = {
        "KeyId": key,
        "GrantId": "0c237476b39f8bc44e45212e08498fbe3151305030726c0590dd8d3e9f3d6a60",
        "Name": "",
        "CreationDate": 1780000000.123,
        "GranteePrincipal": "rds.eu-west-1.amazonaws.com",
        "RetiringPrincipal": "rds.eu-west-1.amazonaws.com",
        "IssuingAccount": "arn:aws:iam::999999999999:root",
        "Operations": ["Decrypt", "CreateGrant"],
        "Constraints": {"EncryptionContextSubset": {"aws:rds:db-id": "db-1"}},
    }
    return outbound.with_value({**outbound.value, "Grants": [grant, *outbound.value["Grants"]]})


def _with_free_aliases(inbound: Inbound, outbound: Outbound) -> Outbound:
    """ListAliases of all keys also shows aliases of the cloud that no key has yet."""
    narrowed = {"KeyId", "Marker", "Limit"} & set(inbound.parameters)
    if inbound.operation != "list_aliases" or outbound.refusal is not None or narrowed:
        return outbound
    free = [
        {"AliasName": f"alias/aws/{name}", "AliasArn": f"arn:aws:kms:eu-west-1:111122223333:alias/aws/{name}"}
        for name in ("acm", "dynamodb", "ebs", "s3", "ssm")
    ]
    return outbound.with_value({**outbound.value, "Aliases": [*free, *outbound.value["Aliases"]]})


def _tidied(text: str) -> str:
    """A policy as the service prints it."""
    return json.dumps(json.loads(text), indent=2)


ACCOUNT_VARIANTS = (
    variant("others-toggle", "Other callers disable and enable their keys.", "shared accounts", does=(_Toggling,)),
    variant("others-schedule", "Other callers schedule and cancel theirs.", "shared accounts", does=(_Scheduling,)),
    variant("others-create", "Other callers create keys all the time.", "shared accounts", does=(_Creating,)),
    variant(
        "others-vanish",
        "Keys of others reach their dates in the run.",
        "shared accounts",
        does=(_Vanishing,),
        foreign_keys=12,
    ),
    variant(
        "thousands-of-keys",
        "The account has 1500 keys of other callers.",
        "AWS and Alibaba: quotas can be raised",
        does=(_Roomy,),
        foreign_keys=1500,
        of=(ALIBABA, AWS),
    ),
    variant("lists-by-id", "Lists of keys are in the order of ids.", "no page gives lists an order", does=(_ById,)),
    variant(
        "three-on-a-page",
        "A page of a list has three keys at most.",
        "AWS ListKeys, Limit: the service does not return more than the specified number, it might return fewer",
        does=(_SmallPages,),
        of=(AWS,),
        foreign_keys=10,
    ),
    variant(
        "robot-tags",
        "A robot of the account tags each key.",
        "AWS Config and Resource Groups: automatic tags",
        does=(_AutoTagged,),
        of=(ALIBABA, AWS),
    ),
    variant("keys-that-sign", "Keys of others sign.", "CreateKey: KeySpec and KeyUsage", _of_others(_signing)),
    variant(
        "unavailable-keys",
        "Disabled keys of others are in a state of which no operation here speaks.",
        "AWS KeyMetadata, KeyState Unavailable; facts of Alibaba: Unavailable; OTC: key_state 1 is to be activated",
        _of_others(_unavailable),
    ),
    variant(
        "replicas",
        "Keys of others are replicas of keys in another region.",
        "AWS KeyMetadata, MultiRegionConfiguration",
        _of_others(_replica),
        of=(AWS,),
    ),
    variant(
        "grants-of-services",
        "Each list of grants has a grant of a service.",
        "AWS ListGrants: services add grants",
        _with_grant_of_a_service,
        of=(AWS,),
    ),
    variant(
        "aliases-without-key",
        "The list of aliases has some without a key.",
        "AWS ListAliases: predefined aliases have no TargetKeyId",
        _with_free_aliases,
        of=(AWS,),
    ),
    variant(
        "tidy-policies",
        "A policy is printed with indentation.",
        "AWS GetKeyPolicy, sample reply",
        on("get_policy", field("Policy", _tidied)),
        of=(AWS,),
    ),
)
