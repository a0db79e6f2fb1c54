"""The registry of ways to sign in, and the JSON Schema of target files that follows from it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

import kms_conformance
from kms_conformance.auth import WAYS, TokenAuth
from kms_conformance.core import specs
from kms_conformance.target import Auth, TargetError, load_target
from kms_conformance.target.auth import CREDENTIAL, SCHEMA, TEXT
from kms_conformance.target.registry import _checked, register, unregister, way_named, ways, ways_of
from tools.target_schema import generated

PACKAGE = Path(kms_conformance.__file__).parent
#: Each of these speaks the protocol of one vendor by itself: the emulator, its faults, the vendors' clients, and code
#: that is copied into scripts.
OWN_CODE = ("auth", "emulator", "apps/selftest", "apps/sdk", "apps/replay/script")


@dataclass(frozen=True)
class GoodAuth(Auth):
    way: ClassVar[str] = "good"
    dialects: ClassVar[tuple[str, ...]] = ("huawei",)
    secret: str = field(repr=False, metadata=CREDENTIAL)


def test_the_published_schema_is_the_one_that_follows_from_the_classes() -> None:
    assert (specs.SPECS / SCHEMA).read_text(encoding="utf-8") == generated(), "run: python -m tools.target_schema"


def test_the_built_in_ways_are_found_by_their_names_and_fit_the_rules_for_others() -> None:
    assert ways()[: len(WAYS)] == WAYS
    assert way_named("token") is TokenAuth
    with pytest.raises(KeyError):
        way_named("tokens")
    for kind in WAYS:
        assert _checked(kind, ()) is kind
        assert kind.title
        assert set(kind.dialects) <= set(specs.dialects())
        assert set(kind.token_headers) | set(kind.key_id_headers) <= set(kind.headers)


def test_no_module_but_a_way_s_own_names_it_or_its_secret_headers() -> None:
    parameters = {name for kind in WAYS for name in kind.parameters}
    headers = {name.lower() for kind in WAYS for name in (*kind.headers, *kind.reply_headers)}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        where = path.relative_to(PACKAGE).as_posix()
        for node in () if where.startswith(OWN_CODE) else ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.alias) and node.name in {kind.__name__ for kind in WAYS}:
                found.add(f"{where}: {node.name}")
            if isinstance(node, ast.Constant) and (node.value in parameters or str(node.value).lower() in headers):
                found.add(f"{where}: {node.value}")
    # Signatures are looked for by this word in the header Authorization of any vendor.
    assert found <= {"wire/secrets/records.py: Signature"}


def test_the_ways_of_a_dialect_are_its_own_unless_the_profile_names_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [kind.way for kind in ways_of("huawei")] == ["token", "password", "aksk"]
    monkeypatch.setattr(specs, "facts", lambda *_: {"auth_ways": ["aksk", "token"]})
    assert [kind.way for kind in ways_of("huawei")] == ["aksk", "token"]
    monkeypatch.setattr(specs, "facts", lambda *_: {"auth_ways": ["tokn"]})
    with pytest.raises(TargetError, match="Did you mean `token`"):
        ways_of("huawei")


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"way": "token"}, "malformed or taken"),
        ({"way": "credential"}, "malformed or taken"),
        ({"way": "Not a name"}, "malformed or taken"),
        ({"scope_key": "project"}, "good has no key project"),
        ({"parameters": "sig"}, "parameters of good must be a tuple of names"),
        ({"headers": ("X-Good[",)}, "headers of good must be a tuple of names"),
        ({"reply_headers": ("",)}, "reply_headers of good must be a tuple of names"),
        ({"url_keys": ("iam_url",)}, "good has no key iam_url"),
        ({"wrong_value": ("other", "wrong_signature")}, "good has no key other"),
    ],
)
def test_a_way_that_cannot_work_is_not_registered(attributes: dict[str, object], why: str) -> None:
    kind = type("BadAuth", (GoodAuth,), attributes)
    with pytest.raises(ValueError, match=why):
        register(kind)
    assert kind not in ways()


def test_url_keys_of_another_way_are_no_urls_here(tmp_path: Path) -> None:
    kind = dataclass(frozen=True)(
        type(
            "ElsewhereAuth",
            (GoodAuth,),
            {"way": "elsewhere", "url_keys": ("domain",), "__annotations__": {"domain": str}},
        )
    )
    register(kind)
    try:
        path = tmp_path / "t.yaml"
        path.write_text(
            "name: t\ndialect: huawei\nbase_url: http://127.0.0.1:1\nauth: {username: u, password: pass-word-4711,"
            "  domain: no-url, project: p, iam_url: 'http://127.0.0.1:2'}\n"
        )
        assert load_target(path).auth.way == "password"
    finally:
        unregister(kind)


def test_a_credential_that_repr_shows_and_a_key_that_hides_an_attribute_are_refused() -> None:
    @dataclass(frozen=True)
    class ShownAuth(Auth):
        way: ClassVar[str] = "shown"
        secret: str = field(metadata=CREDENTIAL)

    @dataclass(frozen=True)
    class HidingAuth(Auth):
        way: ClassVar[str] = "hiding"
        urls: str = field(metadata=TEXT)  # type: ignore[assignment] # what is tried

    with pytest.raises(ValueError, match="repr would show the credential secret of shown"):
        register(ShownAuth)
    with pytest.raises(ValueError, match="hiding has a key urls"):
        register(HidingAuth)
    for other in (object, "no class"):
        with pytest.raises(ValueError, match=r"no class|object"):
            register(other)  # type: ignore[arg-type] # what is tried
