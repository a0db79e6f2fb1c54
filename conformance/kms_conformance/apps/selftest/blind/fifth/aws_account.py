"""The fifth blind set of variants: kinds of keys, aliases and accounts of the AWS dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import ENABLED
from kms_conformance.apps.selftest.blind.fifth.account import Change, as_key, created, state_named
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Key, Outbound, State

_NONE = "no-target"
_REPLICATED = "pending_replica_deletion"
_PRIMARY = "arn:aws:kms:us-east-1:111122223333:key/"


def _primary(number: int, **fields: Any) -> Key:  # noqa: ANN401 - fields of a key
    key = Key(f"mrk-{number:032x}", ENABLED, created(2022), "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", material=b"-" * 32)
    return replace(key, aliases=(f"alias/global-{number}",), version_id="1", **fields)


_PRIMARIES = {key.id: key for key in (_primary(0xD3B9), _primary(0x762D, state=state_named(_REPLICATED)))}


class PrimaryKeys(Decisions):
    """The account has multi-Region primary keys, one of which waits until its replicas are deleted.

    It conforms: their ids, metadata and states are on the vendor's pages on multi-Region keys.
    """

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        return {**super().found(operation, keys, earlier), **_PRIMARIES}

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        known = isinstance(value, str) and value.removeprefix(_PRIMARY) in _PRIMARIES
        return None if known and found == "malformed_key" else super().parameter_problem(found, name, value)


def of_its_kind(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a key with the fields that only keys of its kind have."""
    spec, usage = metadata["KeySpec"], metadata["KeyUsage"]
    more: dict[str, Any] = {}
    if usage == "SIGN_VERIFY":
        more["SigningAlgorithms"] = ["ECDSA_SHA_256"] if spec.startswith("ECC") else ["RSASSA_PSS_SHA_256"]
    elif usage == "GENERATE_VERIFY_MAC":
        more["MacAlgorithms"] = [spec.replace("_", "_SHA_")]
    elif usage == "KEY_AGREEMENT":
        more["KeyAgreementAlgorithms"] = ["ECDH"]
    elif spec.startswith("RSA"):
        more["EncryptionAlgorithms"] = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
    if metadata["KeyId"].startswith("mrk-"):
        places = [{"Arn": metadata["Arn"].replace("us-east-1", region), "Region": region} for region in ("eu-west-1",)]
        here = {"Arn": metadata["Arn"], "Region": "us-east-1"}
        more |= {
            "MultiRegion": True,
            "MultiRegionConfiguration": {"MultiRegionKeyType": "PRIMARY", "PrimaryKey": here, "ReplicaKeys": places},
        }
        if metadata["KeyState"] == "PendingReplicaDeletion":
            more["PendingDeletionWindowInDays"] = 7
    if metadata["Description"] == "In a store.":
        more |= {"CustomKeyStoreId": "cks-1234567890abcdef0", "CloudHsmClusterId": "cluster-1a23b4cdefg"}
        more["Origin"] = "AWS_CLOUDHSM"
    if metadata["Origin"] == "EXTERNAL" and metadata["KeyState"] != "PendingImport":
        more |= {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": 4102444800.25}
    return {**metadata, **more}


_FREE: dict[str, Any] = {"state": ENABLED, "deletion": None, "window_days": None}
KINDS: tuple[Change, ...] = (
    as_key(spec="RSA_4096", usage="ENCRYPT_DECRYPT"),
    as_key(spec="ECC_NIST_P256", usage="SIGN_VERIFY", created=created(2021)),
    as_key(spec="HMAC_256", usage="GENERATE_VERIFY_MAC"),
    as_key(external=True, **(_FREE | {"state": State.PENDING_IMPORT})),
    as_key(external=True, **_FREE),
    as_key(description="In a store.", **(_FREE | {"state": state_named("unavailable")})),
    as_key(spec="ECC_NIST_P384", usage="KEY_AGREEMENT", aliases=()),
    as_key(spec="RSA_2048", usage="SIGN_VERIFY", aliases=tuple(f"alias/many/{number}" for number in range(50))),
)


def managed(service: str) -> Change:
    """A key that AWS manages for a service."""
    text = f"Default key of {service}, when no other key is given"
    return as_key(default=True, aliases=(f"alias/aws/{service}",), description=text, created=created(2017), **_FREE)


class AliasesWithoutTarget(Decisions):
    """There are aliases of AWS that no key has yet; `described_aliases` takes their target away.

    It conforms: TargetKeyId is not present for them (vendor's page), and recorded lists are full of them.
    """

    _names = tuple(f"alias/aws/{name}" for name in ("dynamodb", "ebs", "elasticfilesystem", "rds", "redshift", "ssm"))

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        known = super().found(operation, keys, earlier)
        if operation != "list_aliases":
            return known
        none = Key(_NONE, ENABLED, created(2014), "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", aliases=self._names)
        return {_NONE: none, **known}


def described_alias(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of a list of aliases: with dates, or without a target and dates."""
    if entry["TargetKeyId"] == _NONE:
        return {name: value for name, value in entry.items() if name != "TargetKeyId"}
    return {**entry, "CreationDate": 1566518783.394, "LastUpdatedDate": 1566518783.394}


def rotating(reply: Outbound) -> Outbound:
    """The period and the next date of a rotation that is on."""
    if not reply.value.get("KeyRotationEnabled"):
        return reply
    following = (REAL.now() + timedelta(days=365)).timestamp()
    return reply.with_value({**reply.value, "RotationPeriodInDays": 365, "NextRotationDate": round(following, 3)})
