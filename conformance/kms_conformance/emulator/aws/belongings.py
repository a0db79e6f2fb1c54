"""The operations of the AWS dialect on aliases, tags, grants, key policies and key rotation."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.aws import replies
from kms_conformance.emulator.aws.credentials import ACCOUNT_ID, SYMMETRIC
from kms_conformance.emulator.aws.parameters import Names, alias_arn, key_arn, page
from kms_conformance.emulator.keys import Grant
from kms_conformance.emulator.messages import parse_json
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.aws.parameters import AwsParameters
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service

_POLICY = (
    '{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",'
    f'"Principal":{{"AWS":"arn:aws:iam::{ACCOUNT_ID}:root"}},"Action":"kms:*","Resource":"*"}}]}}'
)
_LONGEST_POLICY = 131072
_ALLOWED_BY_GRANTS = (
    *("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"),
    *("Sign", "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair"),
    *("GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "DeriveSharedSecret"),
    *("Encapsulate", "Decapsulate"),
)


class Belongings:
    """The operations on aliases, tags, grants, policies and rotation, one method each; see `KeyOperations`."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._decisions = service.decisions
        self._clock = service.clock
        self._names = Names(service)

    # Aliases --------------------------------------------------------------------------------------------------

    def create_alias(self, fields: AwsParameters) -> dict[str, Any]:
        """CreateAlias: adds an alias to a key; the key keeps the aliases that it already has."""
        self._store.set_alias(self._names.id_of(fields.key_name("TargetKeyId")), fields.alias(), replacing=False)
        return {}

    def update_alias(self, fields: AwsParameters) -> dict[str, Any]:
        """UpdateAlias: moves an existing alias from its present key to another key."""
        self._store.move_alias(fields.alias(), self._names.id_of(fields.key_name("TargetKeyId")))
        return {}

    def delete_alias(self, fields: AwsParameters) -> dict[str, Any]:
        """DeleteAlias: deletes an alias; the state of its key does not matter."""
        self._store.delete_alias(fields.alias())
        return {}

    def list_aliases(self, fields: AwsParameters) -> dict[str, Any]:
        """ListAliases: lists the aliases of one key or, without `KeyId`, of all keys."""
        keys = self._store.found("list_aliases")
        if fields.has("KeyId"):
            key = self._store.changed("list_aliases", self._id(fields), lambda key, _: key)
            keys = tuple(self._decisions.aliases_listed(key, keys))
        aliases = [
            {"AliasName": alias, "AliasArn": alias_arn(alias), "TargetKeyId": key.id}
            for key in keys
            for alias in key.aliases
        ]
        return page(fields, "Aliases", aliases, most=100)

    # Tags -----------------------------------------------------------------------------------------------------

    def tag(self, fields: AwsParameters) -> dict[str, Any]:
        """TagResource: adds tags; a tag name that the key already has gets the new value."""
        self._store.tag(self._id(fields), fields.tags(required=True))
        return {}

    def untag(self, fields: AwsParameters) -> dict[str, Any]:
        """UntagResource: removes tags; names of tags that the key does not have are ignored."""
        key_id, names = self._id(fields), fields.texts("TagKeys", 50)
        self._store.changed(
            "untag", key_id, lambda key, _: replace(key, tags=tuple(tag for tag in key.tags if tag[0] not in names))
        )
        return {}

    def list_tags(self, fields: AwsParameters) -> dict[str, Any]:
        """ListResourceTags: lists the tags of a key."""
        key = self._store.changed("list_tags", self._id(fields), lambda key, _: key)
        return page(fields, "Tags", [{"TagKey": name, "TagValue": value} for name, value in key.tags], most=50)

    # Grants ---------------------------------------------------------------------------------------------------

    def create_grant(self, fields: AwsParameters) -> dict[str, Any]:
        """CreateGrant: adds a grant with a random id and token to a key."""
        key_id, grantee = self._id(fields), fields.text("GranteePrincipal", 256, shortest=1)
        operations = fields.texts("Operations", len(_ALLOWED_BY_GRANTS), _ALLOWED_BY_GRANTS)
        token = base64.b64encode(secrets.token_bytes(48)).decode()
        grant = Grant(secrets.token_hex(32), token, grantee, operations, self._clock.now())
        self._store.changed("create_grant", key_id, lambda key, _: replace(key, grants=(*key.grants, grant)))
        return {"GrantId": grant.id, "GrantToken": grant.token}

    def revoke_grant(self, fields: AwsParameters) -> dict[str, Any]:
        """RevokeGrant: removes a grant from a key."""
        key_id, grant_id = self._id(fields), fields.text("GrantId", 128, shortest=1)

        def without(key: Key, _: object) -> Key:
            kept = tuple(grant for grant in key.grants if grant.id != grant_id)
            if len(kept) == len(key.grants):
                raise Refused("invalid_grant")
            return replace(key, grants=kept)

        self._store.changed("revoke_grant", key_id, without)
        return {}

    def list_grants(self, fields: AwsParameters) -> dict[str, Any]:
        """ListGrants: lists the grants of a key; `GrantId` and `GranteePrincipal` select some of them."""
        key = self._store.changed("list_grants", self._id(fields), lambda key, _: key)
        grant_id, grantee = fields.text("GrantId", 128, ""), fields.text("GranteePrincipal", 256, "")
        grants = [
            {
                "KeyId": key_arn(key),
                "GrantId": grant.id,
                "CreationDate": replies.seconds(grant.created),
                "GranteePrincipal": grant.grantee,
                "IssuingAccount": f"arn:aws:iam::{ACCOUNT_ID}:root",
                "Operations": list(grant.operations),
            }
            for grant in key.grants
            if grant_id in ("", grant.id) and grantee in ("", grant.grantee)
        ]
        return page(fields, "Grants", grants, most=100)

    # The policy and the rotation ------------------------------------------------------------------------------

    def get_policy(self, fields: AwsParameters) -> dict[str, Any]:
        """GetKeyPolicy: returns the policy of a key; a key whose policy was never set has the default policy."""
        key_id, name = self._id(fields), self._policy_name(fields)
        key = self._store.changed("get_policy", key_id, lambda key, _: key)
        return {"Policy": key.policy or _POLICY, "PolicyName": name}

    def put_policy(self, fields: AwsParameters) -> dict[str, Any]:
        """PutKeyPolicy: replaces the policy of a key."""
        key_id, text = self._id(fields), fields.text("Policy", _LONGEST_POLICY, shortest=1)
        self._policy_name(fields)
        try:
            policy = parse_json(text.encode())
        except ValueError:
            raise Refused("invalid_policy") from None
        if not isinstance(policy, dict) or not isinstance(policy.get("Statement"), list):
            raise Refused("invalid_policy")
        self._store.changed("put_policy", key_id, lambda key, _: replace(key, policy=text))
        return {}

    def list_policies(self, fields: AwsParameters) -> dict[str, Any]:
        """ListKeyPolicies: every key has one policy, named `default`."""
        self._store.changed("list_policies", self._id(fields), lambda key, _: key)
        return page(fields, "PolicyNames", ["default"])

    def enable_rotation(self, fields: AwsParameters) -> dict[str, Any]:
        """EnableKeyRotation: the rotation period is checked, but not stored."""
        key_id = self._id(fields)
        fields.number("RotationPeriodInDays", range(90, 2561), 365)
        self._store.changed("enable_rotation", key_id, lambda key, _: replace(_symmetric(key), rotated=True))
        return {}

    def disable_rotation(self, fields: AwsParameters) -> dict[str, Any]:
        """DisableKeyRotation: turns the rotation of a key off."""
        key_id = self._id(fields)
        self._store.changed("disable_rotation", key_id, lambda key, _: replace(_symmetric(key), rotated=False))
        return {}

    def rotation_status(self, fields: AwsParameters) -> dict[str, Any]:
        """GetKeyRotationStatus: the reply says that rotation is off while a key is pending deletion."""
        key = self._store.changed("rotation_status", self._id(fields), lambda key, _: key)
        return {"KeyId": key_arn(key), "KeyRotationEnabled": key.rotated and key.deletion is None}

    def _id(self, fields: AwsParameters) -> str:
        return self._names.id_of(fields.key_name())

    def _policy_name(self, fields: AwsParameters) -> str:
        name = fields.text("PolicyName", 128, "default")
        if name != "default":
            raise Refused("unknown_alias", f"There is no policy {name}.")
        return name


def _symmetric(key: Key) -> Key:
    if key.spec != SYMMETRIC or key.external:
        raise Refused("external_origin", f"{key_arn(key)} is of a kind that is not rotated.")
    return key
