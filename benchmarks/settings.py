"""Writes schemathesis.toml for a target, as an experienced user of Schemathesis would."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kms_conformance.auth import project_of, signer_for
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.target_client import Client
from kms_conformance.target import Target
from kms_conformance.wire.session import Session

# The environment variable with the path of the target file, for the hooks.
TARGET = "KMS_BENCHMARK_TARGET"

# Half of the generated key ids are those of existing keys; the other half tests unknown keys.
_KEY_FIELDS = ("body.key_id", "query.KeyId")
_HOW_OFTEN = 0.5
# Generated requests may schedule one key for deletion and disable another; a third stays usable.
_KEYS = 3


def some_keys(target: Target) -> tuple[str, ...]:
    """Create keys for the run and return their ids; none if faults of the target prevent it."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "benchmark.jsonl")
        client = Client(target, ledger)
        try:
            client.sign_in()
            for number in range(_KEYS):
                marker = f"kms-conformance-benchmark-{number}"
                ledger.write("intent", marker)
                answer = client.ask("create", **client.dialect.naming(marker))
                key = client.dialect.created_id(answer.value) if answer.accepted else None
                found += [key] if key else []
        except Inconclusive:
            return tuple(found)
        finally:
            client.close()
            ledger.close()
    return tuple(found)


def configuration(target: Target, keys: Sequence[str]) -> str:
    """The text of schemathesis.toml.

    Without a database, which keeps examples between runs and doubles the time of a run. Without generated credentials,
    because hooks add valid ones, and the check `ignored_auth` removes or damages them. All other settings are defaults.
    """
    session = Session(target.limits, target.urls, verify=target.verify)
    try:
        project = project_of(signer_for(target, session))
    finally:
        session.close()
    lines = [
        "[generation]",
        'database = "none"',
        "with-security-parameters = false",
        "[checks]",
        "enabled = true",
        "[parameters]",
    ]
    lines += [f'"path.project_id" = {json.dumps(project)}'] if project else []
    if keys:
        lines += [f'"{field}" = {{dictionary = "keys", probability = {_HOW_OFTEN}}}' for field in _KEY_FIELDS]
        lines += ["[dictionaries.keys]", f"values = {json.dumps(list(keys))}"]
    return "\n".join(lines) + "\n"


def write(folder: Path, target: Target, keys: Sequence[str]) -> None:
    """Write schemathesis.toml into the working folder of Schemathesis."""
    (folder / "schemathesis.toml").write_text(configuration(target, keys), encoding="utf-8")
