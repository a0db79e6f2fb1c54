"""How Schemathesis is set up for a target: what a good user of it would write into schemathesis.toml, and why."""

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

# The variable that names the target file for the hooks.
TARGET = "KMS_BENCHMARK_TARGET"

# A key that exists is given where a key is named, half of the time: the other half finds what unknown keys do.
_KEY_FIELDS = ("body.key_id", "query.KeyId")
_HOW_OFTEN = 0.5
# One may be scheduled for deletion and one disabled by what is generated, and there is still one to use.
_KEYS = 3


def some_keys(target: Target) -> tuple[str, ...]:
    """The ids of keys that are made for the run; none where the target's faults do not let a user make them."""
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

    No database: it keeps examples between runs, and a run takes about twice as long. No generated credentials: hooks
    give valid ones, and the check `ignored_auth` leaves them out or breaks them itself. All else is the default.
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
    """Write schemathesis.toml into the folder that Schemathesis will run in."""
    (folder / "schemathesis.toml").write_text(configuration(target, keys), encoding="utf-8")
