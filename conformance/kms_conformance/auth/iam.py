"""Signing in with a user's password, for which the identity service issues a token.

Documents: OpenStack Identity v3, "Password authentication with scoped authorization"; Huawei Cloud IAM, "Obtaining a
User Token Through Password Authentication".
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from kms_conformance.auth.scheme import CREDENTIAL, TEXT, Clock, Scheme, SignerTools, SignInFailed, utc_now
from kms_conformance.auth.token import token_sabotages
from kms_conformance.wire.dates import iso_date
from kms_conformance.wire.decode import decode_json
from kms_conformance.wire.messages import Reply, Request

if TYPE_CHECKING:
    from kms_conformance.auth.scheme import Sabotage, SabotageTools
    from kms_conformance.wire.session import Session

#: Tokens are valid for 24 hours. Renewing one 10 minutes early keeps it from expiring within a scenario.
_MARGIN = timedelta(minutes=10)
#: Assumed lifetime of a token whose reply has no expiry: the shortest lifetime that operators configure.
_UNSTATED_LIFE = timedelta(hours=1)
_MIN_LIFE = timedelta(minutes=1)
_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]+")


_PASSWORD = {
    "description": "a text that is not empty",
    "type": "string",
    "minLength": 1,
    "writeOnly": True,
    "examples": ["${KMS_PASSWORD}"],
}
_IAM_URL = {
    "description": "the identity service's URL",
    "type": "string",
    "minLength": 1,
    "examples": ["https://iam.example.com"],
}


@dataclass(frozen=True)
class PasswordAuth(Scheme):
    """A user's password, which the identity service at `iam_url` exchanges for a token and the id of the project."""

    way: ClassVar[str] = "password"
    title: ClassVar[str] = "a password, traded for a token at the identity service"
    dialects: ClassVar[tuple[str, ...]] = ("huawei",)
    url_keys: ClassVar[tuple[str, ...]] = ("iam_url",)
    scope_key: ClassVar[str] = "project"
    headers: ClassVar[tuple[str, ...]] = ("X-Auth-Token",)
    token_headers: ClassVar[tuple[str, ...]] = ("X-Auth-Token",)
    reply_headers: ClassVar[tuple[str, ...]] = ("X-Subject-Token",)
    body_fields: ClassVar[tuple[str, ...]] = ("password",)
    words: ClassVar[str] = "username user project domain token methods identity scope auth/tokens"
    one_signer: ClassVar[bool] = True

    username: str = field(metadata=TEXT)
    password: str = field(repr=False, metadata=_PASSWORD)
    domain: str = field(metadata=TEXT)
    project: str = field(metadata=TEXT)
    iam_url: str = field(metadata=_IAM_URL)
    expired_token: str | None = field(default=None, repr=False, metadata=CREDENTIAL)

    def signer(self, tools: SignerTools) -> PasswordSigner:
        """A signer that fetches its token through the session."""
        return PasswordSigner(self, tools.session, tools.now)

    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """The faulty signers for tokens. The one with a random token has no project id."""
        return token_sabotages(self, "", self.expired_token, tools)


@dataclass(frozen=True)
class _Token:
    text: str = field(repr=False)
    project_id: str
    renew_at: datetime


class PasswordSigner:
    """Signs with a token, fetched on first use and renewed before it expires; thread-safe.

    A refused password is not sent again, because services lock accounts after a few failures.
    """

    def __init__(self, auth: PasswordAuth, session: Session, now: Clock = utc_now) -> None:
        self._auth = auth
        self._session = session
        self._now = now
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._refused: tuple[str, str, str] | None = None

    def sign(self, request: Request) -> Request:
        """The request with the token in X-Auth-Token; raises `SignInFailed`."""
        return request.with_header("X-Auth-Token", self._current().text)

    @property
    def project_id(self) -> str:
        """The id of the project in the reply of the identity service; raises `SignInFailed`."""
        return self._current().project_id

    def _current(self) -> _Token:
        with self._lock:
            if self._refused is not None:
                raise SignInFailed(*self._refused)
            if self._token is None or self._now() >= self._token.renew_at:
                self._token = self._fetched()
            return self._token

    def _fetched(self) -> _Token:
        exchange = self._session.send(self._request())
        if exchange.reply is None:
            assert exchange.failure is not None
            self._fail(f"There was no reply: {exchange.failure.text}.", "Check `auth.iam_url`.")
        reply = exchange.reply
        if reply.status != 201:
            self._fail_by_status(reply)
        text = reply.header("X-Subject-Token")
        token = _mapping(_mapping(decode_json(reply.body).value).get("token"))
        project_id = _mapping(token.get("project")).get("id")
        if not text or not isinstance(project_id, str) or not _PROJECT_ID.fullmatch(project_id):
            self._fail(
                "The reply contains no token or no project.", "Check that `auth.iam_url` is an identity service v3."
            )
        return _Token(text, project_id, self._renewal(token.get("expires_at")))

    def _renewal(self, expires_at: object) -> datetime:
        now = self._now()
        expires = iso_date(str(expires_at))
        if expires is None:
            return now + _UNSTATED_LIFE - _MARGIN
        # A token that is valid for less than two margins is renewed after half of that time. If the service's clock is
        # behind ours, a new token seems to have expired, although the endpoint may accept it. So tokens are renewed at
        # most once a minute.
        return max(expires - min(_MARGIN, (expires - now) / 2), now + _MIN_LIFE)

    def _request(self) -> Request:
        domain = {"name": self._auth.domain}
        user = {"name": self._auth.username, "password": self._auth.password, "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": self._auth.project, "domain": domain}}
        body = json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()
        # Users may write the URL with `/v3` at its end, as OpenStack's clients require, or without.
        base = self._auth.iam_url.removesuffix("/v3")
        return Request("POST", f"{base}/v3/auth/tokens", (("Content-Type", "application/json"),), body)

    def _fail_by_status(self, reply: Reply) -> NoReturn:
        why = f"The reply has the status {reply.status}."
        if reply.status in (429, 500, 502, 503, 504):
            self._fail(why, "Try again later.")
        hint = "Check `auth`: username, password, domain and project."
        self._refused = (self._what, why, hint)
        raise SignInFailed(*self._refused)

    def _fail(self, why: str, hint: str) -> NoReturn:
        raise SignInFailed(self._what, why, hint)

    @property
    def _what(self) -> str:
        return f"The identity service at {self._auth.iam_url} did not issue a token."


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
