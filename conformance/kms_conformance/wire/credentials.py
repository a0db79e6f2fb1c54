"""Places of credentials in requests and replies: headers, parameters and fields of all ways to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from kms_conformance.target.registry import ways

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kms_conformance.target.auth import Auth

_AUTHORIZATION = "Authorization"
_COOKIES = ("Cookie", "Set-Cookie")


@dataclass(frozen=True, eq=False)
class CredentialPlaces:
    """Names of headers, parameters and fields that hold credentials.

    - signing_headers, signing_parameters: in requests.
    - headers: all headers with secrets, in requests and replies.
    - parameters: in a query, a form or a body.
    - reply_headers: in replies.
    - token_headers, key_id_headers: those whose whole value is a token, or the id of an access key; in lower case.
    - fresh_parameters: query parameters whose values differ in every run.
    - lower_signing_headers, lower_headers: the same as `signing_headers` and `headers`, in lower case.
    """

    signing_headers: tuple[str, ...]
    signing_parameters: tuple[str, ...]
    headers: tuple[str, ...]
    parameters: tuple[str, ...]
    reply_headers: tuple[str, ...]
    token_headers: frozenset[str]
    key_id_headers: frozenset[str]
    fresh_parameters: tuple[str, ...]
    lower_signing_headers: frozenset[str]
    lower_headers: frozenset[str]


def credential_places() -> CredentialPlaces:
    """The places of all registered ways to sign in."""
    return _places_of(ways())


@cache
def _places_of(kinds: tuple[type[Auth], ...]) -> CredentialPlaces:
    signing_headers = _once([_AUTHORIZATION, *(name for kind in kinds for name in kind.headers)])
    reply_headers = _once(name for kind in kinds for name in kind.reply_headers)
    signing_parameters = _once(name for kind in kinds for name in kind.parameters)
    fields = (name for kind in kinds for name in kind.body_fields)
    headers = (*signing_headers, *reply_headers, *_COOKIES)
    return CredentialPlaces(
        signing_headers=signing_headers,
        signing_parameters=signing_parameters,
        headers=headers,
        parameters=_once([*signing_parameters, *fields]),
        reply_headers=reply_headers,
        token_headers=frozenset(name.lower() for kind in kinds for name in kind.token_headers),
        key_id_headers=frozenset(name.lower() for kind in kinds for name in kind.key_id_headers),
        fresh_parameters=_once(name for kind in kinds for name in kind.fresh_parameters),
        lower_signing_headers=frozenset(map(str.lower, signing_headers)),
        lower_headers=frozenset(map(str.lower, headers)),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
