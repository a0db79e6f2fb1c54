from __future__ import annotations

import tomllib

import pytest
import requests

from benchmarks.hooks import Credentials
from benchmarks.served import Served
from benchmarks.settings import configuration
from kms_conformance.auth.token import TokenSigner
from kms_conformance.target import parse_target

HUAWEI = """
name: peer
dialect: huawei
base_url: http://127.0.0.1:8080
auth: {token: a-token, project_id: 0123456789abcdef0123456789abcdef}
"""
DOCUMENT = {"info": {"version": "2016-01-20"}, "paths": {"/CreateKey": {"post": {"x-kms-action": "CreateKey"}}}}


@pytest.fixture
def target():
    return parse_target(HUAWEI, "peer.yaml")


def test_the_configuration_names_the_project_and_the_keys(target) -> None:
    written = tomllib.loads(configuration(target, ["one", "two"]))
    assert written["parameters"]["path.project_id"] == "0123456789abcdef0123456789abcdef"
    assert written["parameters"]["body.key_id"]["dictionary"] == "keys"
    assert written["dictionaries"]["keys"]["values"] == ["one", "two"]


def test_without_keys_there_is_no_empty_dictionary(target) -> None:
    assert "dictionaries" not in tomllib.loads(configuration(target, []))


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        ("/CreateKey?Origin=a%20b", "/?Action=CreateKey&Version=2016-01-20&Format=JSON&Origin=a%20b"),
        ("/CreateKey", "/?Action=CreateKey&Version=2016-01-20&Format=JSON"),
        ("/v1.0/p/kms/create-key", "/v1.0/p/kms/create-key"),
    ],
)
def test_credentials_turn_an_action_into_a_parameter_and_sign(sent: str, signed: str) -> None:
    prepared = requests.Request("POST", f"http://127.0.0.1:8080{sent}", json={"a": 1}).prepare()
    Credentials(TokenSigner("a-token", "p"), DOCUMENT)(prepared)
    assert prepared.url == f"http://127.0.0.1:8080{signed}"
    assert prepared.headers["x-auth-token"] == "a-token"
    assert prepared.headers["Content-Type"] == "application/json"
    assert prepared.body == b'{"a": 1}'


def test_requests_are_counted_up_to_a_moment() -> None:
    assert Served("", times=[1.0, 2.0, 3.0]).requests_until(2.0) == 2
