"""Credentials that are ordinary words, or contain one, spoil no record, and are not shown where credentials stand."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_conformance.emulator import Emulator
from kms_conformance.emulator.alibaba import credentials as alibaba
from kms_conformance.emulator.aws import credentials as aws
from kms_conformance.emulator.huawei import credentials as huawei
from kms_conformance.target import load_target
from kms_conformance.target.ordinary import public_words
from kms_conformance.wire.messages import Reply
from kms_conformance.wire.secrets.redactor import Redactor
from tools import forked

#: Dialect, way to sign in, and the values that its credentials are given, by their names in the emulator.
WORST = {
    "a parameter's name": ("alibaba", "v1", {"ACCESS_KEY_ID": "AccessKeyId", "ACCESS_KEY_SECRET": "Signature"}),
    "more than a parameter's name": (
        "alibaba",
        "sts",
        {"STS_ACCESS_KEY_ID": "MyAccessKeyId", "STS_ACCESS_KEY_SECRET": "kms", "STS_SECURITY_TOKEN": "Enabled"},
    ),
    "words of an identity service": (
        "huawei",
        "password",
        {"USERNAME": "enabled", "PASSWORD": "password", "DOMAIN": "kms-key", "EXPIRED_TOKEN": "true"},
    ),
    "short ones": (
        "aws",
        "sts",
        {"STS_ACCESS_KEY_ID": "7", "STS_ACCESS_KEY_SECRET": "true", "STS_SECURITY_TOKEN": "TrentService"},
    ),
}
MODULES = {"alibaba": alibaba, "aws": aws, "huawei": huawei}
_SHOWN_BY_NAME = re.compile(r"(?:AccessKeyId|Signature|SecurityToken)=\[redacted:\w+\]")
_MARK = re.compile(r"\[redacted:\w+\]")
_HEADERS = {
    "authorization",
    "x-auth-token",
    "x-acs-security-token",
    "x-acs-accesskey-id",
    "x-amz-security-token",
    "x-subject-token",
}


def given(monkeypatch: pytest.MonkeyPatch, dialect: str, values: dict[str, str]) -> None:
    """Let the emulator of a dialect know these credentials."""
    module: Any = MODULES[dialect]
    for name, value in values.items():
        monkeypatch.setattr(module, name, value)
    if hasattr(module, "ACCESS_KEYS"):
        keys = {
            module.ACCESS_KEY_ID: module.AccessKey(module.ACCESS_KEY_SECRET),
            module.STS_ACCESS_KEY_ID: module.AccessKey(module.STS_ACCESS_KEY_SECRET, module.STS_SECURITY_TOKEN),
        }
        monkeypatch.setattr(module, "ACCESS_KEYS", keys)


def command(cwd: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.command(*arguments, cwd=cwd, environment=environment)


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    for line in gzip.decompress(path.read_bytes()).splitlines():
        found = json.loads(line)
        if "request" in found:
            yield found


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("dialect", "way", "values"), WORST.values(), ids=WORST)
def test_a_run_with_such_credentials_is_recorded_as_it_was_and_its_certificate_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: str, way: str, values: dict[str, str]
) -> None:
    given(monkeypatch, dialect, values)
    environment = {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
    with Emulator(dialect) as emulator:
        target = emulator.target(way)
        for name, value in target["auth"].items():
            if value in values.values():
                environment[f"KMS_{name.upper()}"] = value
                target["auth"][name] = f"${{KMS_{name.upper()}}}"
        (tmp_path / "target.yaml").write_text(yaml.safe_dump(target))
        options = ["--target", "target.yaml", "--tier", "smoke", "--seed", "1", "--reports", "out"]
        done = command(tmp_path, environment, "run", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in lines_of(tmp_path / "out" / "exchanges.jsonl.gz"):
        url = line["request"]["url"]
        assert len(_MARK.findall(url)) == len(_SHOWN_BY_NAME.findall(url)), url
        marked = {name.lower() for name, value in line["request"]["headers"] if _MARK.search(value)}
        assert marked <= _HEADERS
        body = line["request"]["body"]
        assert len(_MARK.findall(body)) == body.count('"password": "[redacted:') + body.count('"password":"[redacted:')
    sealed = command(tmp_path, environment, "certify", "out")
    assert sealed.returncode == 0, sealed.stdout + sealed.stderr
    [path] = (tmp_path / "out").glob("*.zip")
    verified = command(tmp_path, {}, "verify", str(path))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_such_credentials_go_where_credentials_stand_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ID", "AccessKeyId")
    monkeypatch.setenv("SECRET", "q7Zr2Lw9Xk4Tn8Vb1Yc6AccessKeyIdHd3Jf5Ms0Pg")
    target = {
        "name": "words",
        "dialect": "alibaba",
        "base_url": "http://127.0.0.1:1",
        "auth": {"access_key_id": "${ID}", "access_key_secret": "${SECRET}", "security_token": "Enabled"},
    }
    (tmp_path / "target.yaml").write_text(yaml.safe_dump(target))
    redactor = Redactor.of(load_target(tmp_path / "target.yaml"))
    url = "http://h/?Action=Enabled&AccessKeyId=AccessKeyId&SecurityToken=Enabled"
    hidden = "http://h/?Action=Enabled&AccessKeyId=[redacted:ACCESSKEYID]&SecurityToken=[redacted:SECURITYTOKEN]"
    assert redactor.text(url) == hidden
    assert redactor.text('{"KeyState": "Enabled", "x-acs-accesskey-id": 1}') == (
        '{"KeyState": "Enabled", "x-acs-accesskey-id": 1}'
    )
    assert redactor.text("x-acs-accesskey-id: AccessKeyId") == "x-acs-accesskey-id: [redacted:X_ACS_ACCESSKEY_ID]"
    # The secret is long and random: it goes as a whole, and nothing goes that it has in common with a text.
    assert redactor.text("q7Zr2Lw9Xk4Tn8Vb1Yc6 AccessKeyId=") == "q7Zr2Lw9Xk4Tn8Vb1Yc6 AccessKeyId="
    assert redactor.text("q7Zr2Lw9Xk4Tn8Vb1Yc6AccessKeyIdHd3Jf5Ms0Pg") == "[redacted:SECRET]"


ORDINARY = [
    "AccessKeyId",
    "accesskeyid",
    "password",
    "kms-key",
    "MyAccessKeyId",
    "AccessKeyId-123456",
    "enabled",
    "true",
    "7",
    "",
    "2026",
    "20261130",
    "cafe",
    "x-auth-token",
    "kms-conformance",
    "application/json",
    "HMAC-SHA1",
    "key",
    "admin",
]
SECRET = [
    "hunter2x",
    "Tr0ub4dor",
    "correct horse battery staple",
    "0123456789abcdef",
    "e1a0000000000000000000000000e1a0",
    "123456789012",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AKIAIOSFODNN7EXAMPLE",
    "LTAI5tQnKxPz9aBcDeFgHiJk",
    "Password-9fK2!mQz7",
]


@pytest.mark.parametrize("dialect", MODULES)
@pytest.mark.parametrize("value", ORDINARY)
def test_what_is_short_or_public_is_ordinary(dialect: str, value: str) -> None:
    assert public_words(dialect, "documents").is_ordinary(value)


@pytest.mark.parametrize("dialect", MODULES)
@pytest.mark.parametrize("value", SECRET)
def test_what_is_long_and_random_is_not(dialect: str, value: str) -> None:
    assert not public_words(dialect, "documents").is_ordinary(value)


def test_a_token_that_an_endpoint_calls_like_a_parameter_is_not_taken_from_records(tmp_path: Path) -> None:
    target = {
        "name": "words",
        "dialect": "alibaba",
        "base_url": "http://127.0.0.1:1",
        "auth": {"access_key_id": "LTAI5tQnKxPz9aBcDeFgHiJk", "access_key_secret": "wJalrXUtnFEMIK7MDENGbPx"},
    }
    (tmp_path / "target.yaml").write_text(yaml.safe_dump(target))
    redactor = Redactor.of(load_target(tmp_path / "target.yaml"))
    redactor.learn_from(Reply(200, "OK", (("X-Subject-Token", "SignatureVersion"),), b"", 0.1))
    assert redactor.text("/?SignatureVersion=1.0") == "/?SignatureVersion=1.0"
