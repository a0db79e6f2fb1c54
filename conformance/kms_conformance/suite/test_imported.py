"""Keys that wait for imported key material: they are not enabled, disabled, cancelled or used."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive, Stop
from kms_conformance.client.oracle import ENABLED, PENDING_IMPORT
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement(
    "pending-import.enable",
    "pending-import.disable",
    "pending-import.cancel",
    "pending-import.encrypt",
    "pending-import.generate-data-key",
    "pending-import.generate-data-key-without-plaintext",
    "pending-import.re-encrypt-to",
    "pending-import.create-grant",
    "pending-import.enable-rotation",
    "pending-import.disable-rotation",
)
@pytest.mark.standard
@pytest.mark.first_process
def test_key_without_material_refuses(kms: Scenario) -> None:
    key = kms.pool.create_reserved(origin="external")
    if (state := kms.read(key).state) != PENDING_IMPORT:
        raise Inconclusive(f"The key of an earlier run that waited for import reads as {state} after its cancellation.")
    principal = kms.dialect.principal(kms.view(key).arn or "")
    uses: dict[str, dict[str, object]] = {
        "enable": {},
        "disable": {},
        "cancel": {},
        "encrypt": {"plaintext": "text"},
        "generate-data-key": {},
        "generate-data-key-without-plaintext": {},
        "re-encrypt-to": {"ciphertext": kms.encrypted(kms.key(ENABLED))},
        "create-grant": {"grantee": principal, "grant_operations": ["DescribeKey"]},
        "enable-rotation": {},
        "disable-rotation": {},
    }
    for use, arguments in uses.items():
        operation = use.removesuffix("-to").replace("-", "_")
        refusal = kms.profile.refusal_in(operation, PENDING_IMPORT)
        assert refusal is not None
        kms.refuses(as_id(f"pending-import.{use}"), refusal, operation, key_id=key, unchanged=[key], **arguments)
        if kms.view(key).state != PENDING_IMPORT:
            raise Stop
