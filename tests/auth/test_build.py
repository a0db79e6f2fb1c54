"""Which signer credentials get, and that nothing of them is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import parse_qsl

import pytest

from kms_conformance.auth import AccessKeyAuth, PasswordAuth, RpcAuth, SignerFactory, TokenAuth, project_of, signer_for
from kms_conformance.auth.acs3 import Acs3Signer
from kms_conformance.auth.iam import PasswordSigner
from kms_conformance.auth.rpc import RpcV1Signer
from kms_conformance.auth.sdk_hmac import SdkHmacSigner
from kms_conformance.auth.token import TokenSigner
from kms_conformance.target.auth import Auth
from kms_conformance.target.model import Limits, Target
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session

KEY = AccessKeyAuth("AK0123456789", "secret-key", "0123", "STS")
RPC = RpcAuth("LTAI0123456789", "secret-key", "STS", "v1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def now() -> datetime:
    return NOW


def nonce() -> str:
    return "n"


@pytest.fixture
def factory() -> SignerFactory:
    return SignerFactory(Session(Limits(), ["https://h"]))


@pytest.mark.parametrize(
    ("auth", "signer"),
    [
        (TokenAuth("token", "0123"), TokenSigner("token", "0123")),
        (KEY, SdkHmacSigner("AK0123456789", "secret-key", "0123", "STS", now)),
        (RPC, RpcV1Signer("LTAI0123456789", "secret-key", "STS", now, nonce)),
        (replace(RPC, signature="v3"), Acs3Signer("LTAI0123456789", "secret-key", "STS", now, nonce)),
    ],
)
def test_a_signer_has_the_credentials_clock_and_nonces_that_were_given(
    factory: SignerFactory, auth: Auth, signer: object
) -> None:
    assert factory(auth, now=now, nonce=nonce) == signer


def test_a_password_has_one_signer_and_every_other_password_another(factory: SignerFactory) -> None:
    auth = PasswordAuth("u", "p", "d", "p", "https://iam")
    assert isinstance(factory(auth), PasswordSigner)
    assert factory(auth) is factory(replace(auth))
    assert factory(auth) is not factory(replace(auth, username="v"))


def test_temporary_credentials_send_their_token(factory: SignerFactory) -> None:
    call = Request("POST", "https://h/?Action=A&Version=V")
    assert factory(KEY).sign(call).header("X-Security-Token") == "STS"
    assert dict(parse_qsl(factory(RPC).sign(call).query))["SecurityToken"] == "STS"
    assert factory(replace(RPC, signature="v3")).sign(call).header("x-acs-security-token") == "STS"


def test_the_project_is_known_where_the_dialect_has_projects(factory: SignerFactory) -> None:
    assert (project_of(factory(KEY)), project_of(factory(RPC))) == ("0123", "")
    assert project_of(factory(replace(KEY, project_id=None))) == ""


def test_a_target_s_password_is_traded_for_a_token_through_the_session_that_was_given() -> None:
    class AskedError(Exception):
        pass

    class Asking(Session):
        def send(self, request: Request) -> NoReturn:
            raise AskedError(request.url)

    target = Target("t", "huawei", "https://h", PasswordAuth("u", "p", "d", "p", "https://iam"))
    signer = signer_for(target, Asking(Limits(), ["https://h"]))
    with pytest.raises(AskedError, match=r"^https://iam/v3/auth/tokens$"):
        signer.sign(Request("GET", "https://h/"))
