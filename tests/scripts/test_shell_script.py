"""The script for a POSIX shell: its signers sign as those for Python do, and what a shell cannot do is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faulty_runs import carry_out, run

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.script import shell, shell_script, signing
from kms_conformance.apps.replay.script.write import plan_of
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Emulator
from kms_conformance.report.files import ReportError

NOW = datetime(2026, 11, 30, 19, 2, 3, tzinfo=UTC)
NONCE = "0123456789abcdef0123456789abcdef"
AUTH = {
    "access_key_id": "AKIA'EXAMPLE",
    "access_key_secret": "secret with \\ and \" and 'quotes' and 64 characters at most",
    "security_token": "session/token+=",
    "region": "eu-west-1",
    "project_id": "0123456789abcdef0123456789abcdef",
    "token": "a token",
}
FAULT = next(fault for fault in FAULTS if fault.name == "cancel-does-nothing")
URL = "https://kms.example.com:8443"
JSON = (
    "POST",
    "/v1.0/p/kms/describe-key",
    "",
    [("Content-Type", "application/json"), ("X-Other", " a  b ")],
    '{"é": 1}',
)
RPC = (
    "POST",
    "/",
    "KeyId=a-b&Key=c%3D%2F&Action=Encrypt",
    [("Content-Type", "application/x-www-form-urlencoded")],
    "Z=1&B=2",
)


@pytest.mark.parametrize(
    ("name", "signer", "request_"),
    [
        ("token", signing.sign_token, JSON),
        ("aksk", signing.sign_aksk, JSON),
        ("sigv4", signing.sign_sigv4, JSON),
        ("rpc_v1", signing.sign_rpc_v1, RPC),
        ("rpc_v3", signing.sign_rpc_v3, RPC),
    ],
)
def test_it_signs_as_the_script_for_python(
    name: str, signer: Callable[..., signing.Signed], request_: Any, tmp_path: Path
) -> None:
    method, path, query, headers, body = request_
    url, signed = signer(method, f"{URL}{path}{'?' if query else ''}{query}", headers, body.encode(), AUTH, NOW, NONCE)
    helpers = shell.source("runtime.sh").partition("# Begin a request")[0]
    (tmp_path / "body").write_bytes(body.encode())
    for file in ("head", "sent"):
        (tmp_path / file).write_text("".join(f"{header}: {value}\n" for header, value in headers))
    settings = {"work": tmp_path, "host": "kms.example.com:8443", "prefix": "", "method": method}
    settings |= {"path": path, "query": query} | {f"a_{key}": value for key, value in AUTH.items()}
    script = f"""set -u
date() {{ command date -u -d @{int(NOW.timestamp())} "$2"; }}
openssl() {{ if [ "$1" = rand ]; then echo {NONCE}; else command openssl "$@"; fi; }}
{helpers}
{shell.source("signers.sh")}
sign_{name}
printf '%s' "$query" >"$work/query"
"""
    variables = {key: str(value) for key, value in settings.items()}
    done = subprocess.run(["sh", "-c", script], env={**os.environ, **variables}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    made = [line.split(": ", 1) for line in (tmp_path / "sent").read_text().splitlines()]
    assert sorted(map(tuple, made)) == sorted(signed)  # type: ignore[arg-type]  # pairs
    assert (tmp_path / "query").read_text() == url.partition("?")[2]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run of one check at the faulty emulator of AWS KMS."""
    with FAULT.serving("aws")() as target:
        return run(tmp_path_factory.mktemp("run"), target, ("-k", "test_cancelled_key_is_no_longer_pending"))


def test_it_shows_the_failure_gives_its_key_back_and_accuses_no_repaired_endpoint(
    reports: Path, failure: FoundFailure, tmp_path: Path
) -> None:
    text = shell_script(reports, failure, "reproduce.sh")
    assert "EXAMPLE-ACCESS-KEY-SECRET" not in text
    assert "    ACCESS_KEY_ID=... ACCESS_KEY_SECRET=... sh reproduce.sh [BASE_URL]" in text
    path = tmp_path / "reproduce.sh"
    path.write_text(text)
    for decisions, expected in ((type("Faulty", FAULT.decisions, {}), 1), (None, 0)):
        with Emulator("aws", **({} if decisions is None else {"decisions": decisions})) as emulator:
            before = {key.id for key in emulator.store.keys}
            code, said = carry_out(path, emulator.target_yaml())
            [key] = [key for key in emulator.store.keys if key.id not in before]
        assert code == expected, said
        assert f"expected             {failure.failure.expected}" in said
        assert f"received in the run  {failure.failure.received}" in said
        assert ("SEEN AGAIN" in said) is (expected == 1)
        assert f"key {key.id} is scheduled for deletion." in said
        assert key.state.value == "pending_deletion"
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob(f"kms-reproduce.*/{key.id}")), "its files are removed"  # noqa: S108


def test_without_credentials_it_names_the_variables(reports: Path, failure: FoundFailure, tmp_path: Path) -> None:
    path = tmp_path / "reproduce.sh"
    path.write_text(shell_script(reports, failure, path.name))
    done = subprocess.run(
        ["sh", str(path)], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (
        2,
        "Set these environment variables first: ACCESS_KEY_ID, ACCESS_KEY_SECRET.\n",
    )


def test_what_a_shell_cannot_do_is_refused_with_the_other_language(reports: Path, failure: FoundFailure) -> None:
    made = plan_of(reports, failure)
    with pytest.raises(ReportError, match="cannot sign in by password") as told:
        shell.ShellWriter(replace(made, way="password"))
    assert "--script python" in str(told.value)
    step = made.plan["steps"][0]
    for changed, why in (
        (step | {"url": "{{base}}/?a=b"}, "has parameters"),
        (step | {"headers": [("A", "b"), ("a", "c")]}, "a header twice"),
        (step | {"url": "https://elsewhere.example.com/"}, "another host"),
    ):
        with pytest.raises(ReportError, match=why):
            list(shell.ShellWriter(made).sending(changed))
    with pytest.raises(ReportError, match="from a list"):
        shell.place_of(["Keys", 0, "KeyId"])
