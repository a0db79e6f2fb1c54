"""Runs Portman and Newman: the OpenAPI document becomes a Postman collection with contract tests.

Install both from npm: `npm install @apideck/portman newman tslib`. Portman requires tslib without declaring it.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import settings
from benchmarks.commands import execute
from benchmarks.score import Run
from benchmarks.served import served
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.auth import TokenAuth
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.target import load_target

_MOST_SECONDS = 300.0
_TESTS = ("statusSuccess", "contentType", "jsonBody", "schemaValidation")


@dataclass(frozen=True)
class Portman:
    """`home` is the folder with node_modules. Reports that are not `accepted` count as finding a fault."""

    home: Path

    def ask(self, fault: Fault, dialect: str, accepted: frozenset[str]) -> Run:
        """Create the collection and run it once. Only targets with a fixed token are supported."""
        with tempfile.TemporaryDirectory() as name, served(fault, dialect) as emulator:
            folder = Path(name)
            path = folder / "target.yaml"
            path.write_text(emulator.target, encoding="utf-8")
            target = load_target(path)
            assert isinstance(target.auth, TokenAuth)
            keys = settings.some_keys(target)
            document = Api.load(Profile.load(dialect, target.profile)).document
            (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
            told = _configuration(target.auth, keys[0] if keys else None)
            (folder / "portman.json").write_text(json.dumps(told), encoding="utf-8")
            tools = self.home / "node_modules" / ".bin"
            made = [str(tools / "portman"), "-l", "openapi.json", "-c", "portman.json", "-o", "collection.json"]
            asked = [str(tools / "newman"), "run", "collection.json", "--reporters", "json"]
            asked += ["--reporter-json-export", "report.json"]
            started = time.time()
            problem = execute([*made, "--baseUrl", target.base_url], folder, {}, _MOST_SECONDS)
            problem = problem or execute(asked, folder, {}, _MOST_SECONDS)
            ended = time.time()
            report = folder / "report.json"
            executions = json.loads(report.read_bytes())["run"]["executions"] if report.exists() else []
        # Newman reports only at its end. The request of the first failed assertion counts, which favours Newman.
        failed = [(number, name) for number, each in enumerate(executions, 1) for name in _failed(each)]
        new = [(number, name) for number, name in failed if name not in accepted]
        requests = new[0][0] if new else len(executions)
        names = tuple(sorted({name for _, name in failed}))
        return Run(names, tuple(sorted({name for _, name in new})), requests, ended - started, len(executions), problem)


def _configuration(auth: TokenAuth, key: str | None) -> dict[str, Any]:
    """A good configuration of Portman: the token, the project, and an existing key."""
    everywhere = "*::/*"
    body = [] if key is None else [{"key": "key_id", "value": key, "overwrite": True}]
    return {
        "version": 1.0,
        "globals": {"securityOverwrites": {"apiKey": {"key": "X-Auth-Token", "value": auth.token, "in": "header"}}},
        "overwrites": [
            {
                "openApiOperation": everywhere,
                "overwriteRequestPathVariables": [{"key": "project_id", "value": auth.project_id, "overwrite": True}],
                **({"overwriteRequestBody": body} if body else {}),
            }
        ],
        "tests": {
            "contractTests": [{"openApiOperation": everywhere, name: {"enabled": True}} for name in _TESTS],
        },
    }


def _failed(execution: dict[str, Any]) -> list[str]:
    return [str(each["assertion"]) for each in execution.get("assertions", []) if each.get("error")]
