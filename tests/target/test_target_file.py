from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema_rs
import pytest
from requests import certs

from kms_conformance.auth import AccessKeyAuth, PasswordAuth, RpcAuth, TokenAuth
from kms_conformance.core import specs
from kms_conformance.target import Limits, Target, TargetError, load_target, load_targets, parse_target
from kms_conformance.target.registry import ways_of

CASES = Path(__file__).with_name("problems.yaml")
PROJECT = "0123456789abcdef0123456789abcdef"
TOKEN = """
name: otc-eu-de
dialect: huawei
base_url: https://kms.eu-de.otc.example.com/
auth: {token: "${KMS_TOKEN}", project_id: 0123456789abcdef0123456789abcdef}
"""
RPC = """
name: ali
dialect: alibaba
base_url: http://127.0.0.1:8080
auth: {access_key_id: LTAI-id, access_key_secret: "${KMS_SECRET}"}
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KMS_TOKEN", "token-from-environment")
    monkeypatch.setenv("KMS_SECRET", "secret-from-environment")
    monkeypatch.setenv("KMS_EMPTY", "")


def error(text: str, origin: str | Path = "otc.yaml") -> TargetError:
    with pytest.raises(TargetError) as raised:
        parse_target(text, origin)
    return raised.value


def test_the_smallest_file_gets_the_documented_defaults() -> None:
    target = parse_target(TOKEN, "otc.yaml")
    assert target == Target(
        name="otc-eu-de",
        dialect="huawei",
        profile="documents",
        base_url="https://kms.eu-de.otc.example.com",
        auth=TokenAuth("token-from-environment", PROJECT),
        limits=Limits(max_keys=6, requests_per_second=5.0, timeout_seconds=10.0),
        time_control=None,
        verify=True,
        secrets=frozenset({"token-from-environment"}),
    )
    assert target.labels == {"token-from-environment": "KMS_TOKEN"}
    assert target.auth.way == "token"


@pytest.mark.parametrize(("written", "read"), [("", True), ("correlation: on", True), ("correlation: off", False)])
def test_the_trace_context_is_on_unless_the_file_says_off(written: str, read: bool) -> None:
    assert parse_target(f"{TOKEN}{written}\n", "otc.yaml").correlation is read


def test_a_profile_whose_document_forbids_other_headers_leaves_the_trace_context_out(tmp_path: Path) -> None:
    own = {"name": "strict", "title": "Strict", "facts": {"trace_context": False}}
    (tmp_path / "strict.yaml").write_text(json.dumps(own), encoding="utf-8")
    text = f"{TOKEN}profile: strict.yaml\ncorrelation: on\n"
    assert not parse_target(text, tmp_path / "otc.yaml").correlation


def test_every_key_is_read(tmp_path: Path) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(Path(certs.where()).read_bytes())
    target = parse_target(
        """
        name: full
        dialect: huawei
        profile: otc
        base_url: http://kms.internal:8080/prefix/
        allow_plain_http: true
        verify: ca.pem
        time_control: http://kms.internal:8080/_control/clock
        limits: {max_keys: 2, requests_per_second: 0.5, timeout_seconds: 30}
        auth:
          username: robot
          password: "p$${w} $x"
          domain: OTC-EU
          project: eu-de
          iam_url: https://iam.internal/v3/
          expired_token: old-token
        """,
        tmp_path / "full.yaml",
    )
    assert target.auth == PasswordAuth("robot", "p${w} $x", "OTC-EU", "eu-de", "https://iam.internal/v3", "old-token")
    assert target.limits == Limits(2, 0.5, 30)
    assert (target.profile, target.base_url) == ("otc", "http://kms.internal:8080/prefix")
    assert target.verify == authorities
    assert target.secrets == {"p${w} $x", "old-token"}
    assert target.urls == (target.base_url, "https://iam.internal/v3", "http://kms.internal:8080/_control/clock")


def test_ways_to_sign_in_are_told_apart_by_their_keys() -> None:
    aksk = TOKEN.replace('token: "${KMS_TOKEN}"', "access_key_id: AK-1, access_key_secret: SK-1, security_token: ST-1")
    assert parse_target(aksk, "x").auth == AccessKeyAuth("AK-1", "SK-1", PROJECT, "ST-1")
    rpc = parse_target(RPC, "x")
    assert rpc.auth == RpcAuth("LTAI-id", "secret-from-environment", None, "v1")
    assert rpc.secrets == {"LTAI-id", "secret-from-environment"}
    v3 = parse_target(RPC.replace("auth: {", "auth: {signature: v3, security_token: STS-token, "), "x").auth
    assert v3 == RpcAuth("LTAI-id", "secret-from-environment", "STS-token", "v3")


def test_every_profile_has_the_ways_of_its_dialect_and_the_schema_has_their_keys() -> None:
    schema = specs.load("schemas/target.schema.json")
    expected = {"alibaba": ["rpc"], "aws": ["sigv4"], "huawei": ["token", "password", "aksk"]}
    for dialect in specs.dialects():
        for profile in specs.profile_names(dialect):
            kinds = ways_of(dialect, profile)
            assert [kind.way for kind in kinds] == expected[dialect]
            for kind in kinds:
                assert tuple(schema["$defs"][kind.way]["properties"]) == kind.key_names()


def test_the_published_schema_tells_good_files_from_bad_ones() -> None:
    schema = specs.load("schemas/target.schema.json")
    jsonschema_rs.meta.validate(schema)
    for text in (TOKEN, RPC):
        document = specs.parse_yaml(text)
        assert jsonschema_rs.is_valid(schema, document)
        assert not jsonschema_rs.is_valid(schema, document | {"nmae": "x"})
        assert not jsonschema_rs.is_valid(schema, document | {"auth": document["auth"] | {"username": "u"}})


def test_on_loopback_there_is_no_pace_and_plain_http_is_fine() -> None:
    for host in ("127.0.0.1:8080", "localhost", "[::1]:80", "127.1.2.3"):
        target = parse_target(RPC.replace("127.0.0.1:8080", host), "x")
        assert target.limits.requests_per_second is None
    paced = parse_target(RPC + "limits: {requests_per_second: 3}", "x")
    assert paced.limits.requests_per_second == 3


def test_variables_fill_whole_values_and_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_REGION", "eu-de")
    monkeypatch.setenv("KMS_PATH", "private-path")
    monkeypatch.setenv("KMS_KEYS", "3")
    monkeypatch.setenv("KMS_PROJECT", PROJECT)
    target = parse_target(
        """
        name: otc-${KMS_REGION}
        dialect: huawei
        base_url: https://kms.${KMS_REGION}.example.com/${KMS_PATH}
        limits: {max_keys: "${KMS_KEYS}"}
        auth: {token: "Bearer-${KMS_TOKEN}", project_id: "${KMS_PROJECT}"}
        """,
        "x",
    )
    assert target.name == "otc-eu-de"
    assert target.base_url == "https://kms.eu-de.example.com/private-path"
    assert target.limits.max_keys == 3
    # The region only fills what every report shows; all else from the environment is secret, and so is the whole token.
    assert target.secrets == {"token-from-environment", "Bearer-token-from-environment", "private-path", PROJECT}
    assert target.labels["private-path"] == "KMS_PATH"


def test_of_a_url_from_the_environment_only_scheme_and_host_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_URL", "https://kms.example.com/tenant-hunter2/kms")
    target = parse_target(TOKEN.replace("https://kms.eu-de.otc.example.com/", '"${KMS_URL}"'), "x")
    assert target.base_url == "https://kms.example.com/tenant-hunter2/kms"
    assert target.shown_url == "https://kms.example.com[KMS_URL]"
    assert "/tenant-hunter2/kms" in target.secrets


def test_an_account_is_real_beyond_loopback_or_where_the_file_says_so() -> None:
    assert parse_target(TOKEN, "x").is_real
    local = RPC
    assert not parse_target(local, "x").is_real
    assert parse_target(f"{local}real_account: true", "x").is_real


def test_a_variable_is_not_expanded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_TOKEN", "a${KMS_SECRET}b")
    assert parse_target(TOKEN, "x").auth == TokenAuth("a${KMS_SECRET}b", PROJECT)


def test_no_repr_shows_a_secret() -> None:
    for text in (TOKEN, RPC, RPC.replace("auth: {", "auth: {security_token: STS-token, ")):
        target = parse_target(text, "x")
        assert not [secret for secret in target.secrets if secret in repr(target)]


@pytest.mark.parametrize("case", specs.parse_yaml(CASES.read_text()), ids=lambda case: case["by"].strip()[:30])
def test_what_is_wrong_is_said_in_three_lines(case: dict[str, str]) -> None:
    assert case["replace"] in TOKEN
    found = error(TOKEN.replace(case["replace"], case["by"], 1))
    what, *rest = str(found).split("\n")
    assert what == "The target file otc.yaml cannot be used."
    assert len(rest) == 2
    assert rest[0].startswith(case["why"])
    assert case["hint"] in rest[1]
    assert "token-from-environment" not in str(found)


def test_a_rpc_file_with_the_wrong_keys_hears_of_the_way_that_there_is() -> None:
    found = error(RPC.replace("access_key_id: LTAI-id, access_key_secret", "token"))
    assert found.why == "`auth` does not say how to sign in."
    assert found.hint == "Give exactly one of: rpc (access_key_id, access_key_secret)."
    assert error(RPC.replace("auth: {", "auth: {signature: v2, ")).why == "`auth.signature` must be v1 or v3."


def test_all_problems_are_told_at_once() -> None:
    found = error(
        "name: a b\nbase_url: kms\nlimits: {max_keys: 0, max_kes: 1}\nauth: {token: '${KMS_NOPE}', projectid: x}\n"
    )
    assert found.what == "The target file otc.yaml cannot be used: it has 6 problems."
    assert [line.partition(" ")[0] for line in found.why.split("\n")] == ["1.", "2.", "3.", "4.", "5.", "6."]
    for where in ("auth.token", "dialect", "name", "base_url", "limits.max_keys", "limits.max_kes"):
        assert f"`{where}`" in found.why
    assert len(found.hint.split("\n")) == 6


@pytest.mark.parametrize(
    "text",
    ["", "just text", "- a\n- b", "null", "42", "--- a\n--- b", "{a: " * 2000, "a" * 70_000, "\x00"],
    ids=lambda text: text[:12],
)
def test_what_is_no_target_file_at_all_is_an_error_of_three_lines(text: str) -> None:
    assert str(error(text)).count("\n") == 2


@pytest.mark.parametrize(
    "value", ["*hunter2", "!hunter2 x", "%hunter2", "@hunter2", '"hunter2', "[hunter2", "hunter2: x"]
)
def test_no_yaml_error_quotes_the_file(value: str) -> None:
    assert "hunter2" not in str(error(TOKEN.replace('"${KMS_TOKEN}"', value)))


@pytest.mark.parametrize("value", ["hunter2 hunter2", "[hunter2]", "{hunter2: hunter2}"])
def test_no_finding_quotes_a_value(value: str) -> None:
    for old in ('"${KMS_TOKEN}"', PROJECT, "https://kms.eu-de.otc.example.com/", "otc-eu-de", "huawei"):
        assert "hunter2" not in str(error(TOKEN.replace(old, value)))


def test_files_that_cannot_be_read_are_errors_of_three_lines(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: \xe9\n")
    for path, why in (
        (tmp_path / "missing.yaml", "The file does not exist."),
        (tmp_path, "The path is a directory."),
        (latin, "The file is not UTF-8 text."),
        (tmp_path / ("x" * 300), "The file cannot be read: File name too long."),
        ("a\x00b", "The path has characters that are not allowed in paths."),
    ):
        with pytest.raises(TargetError) as raised:
            load_target(path)
        assert raised.value.why == why
        assert str(raised.value).count("\n") == 2


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TOKEN.strip().encode())
    assert load_target(path).name == "otc-eu-de"


def test_several_targets_must_have_several_names(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.yaml" for number in range(3)]
    for path, name in zip(paths, ("a", "b", "A"), strict=True):
        path.write_text(TOKEN.replace("otc-eu-de", name))
    assert [target.name for target in load_targets(paths[:2])] == ["a", "b"]
    with pytest.raises(TargetError) as raised:
        load_targets(paths)
    assert raised.value.what == f"The target files {paths[0]} and {paths[2]} cannot be used together."
    assert load_targets([]) == ()
