"""Base of all ways to sign in with an access key: the id, the secret, and the faulty signers."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from kms_conformance.auth.sabotage import Changed, with_other_method, without_credentials
from kms_conformance.auth.scheme import CREDENTIAL, EARLY, STALE, Sabotage, SabotageTools, Scheme

if TYPE_CHECKING:
    from kms_conformance.auth.scheme import Signer
    from kms_conformance.wire.messages import Request


# So many last hexadecimal digits of a signature are altered. Letters of Base64 keep their case and stay letters.
_ALTERED = 8
_OTHER_DIGITS = str.maketrans("0123456789abcdef", "123456789abcdef0")
_OTHER_LETTERS = str.maketrans("ghijklmnopqrstuvwxyz", "hijklmnopqrstuvwxyzg")


@dataclass(frozen=True)
class KeyPair(Scheme, ABC):
    """An access key: its id, which requests contain, and its secret, which signs them."""

    scope_key: ClassVar[str] = "access_key_id"
    wrong_value: ClassVar[tuple[str, str] | None] = ("access_key_secret", "wrong_signature")

    access_key_id: str = field(repr=False, metadata=CREDENTIAL)
    access_key_secret: str = field(repr=False, metadata=CREDENTIAL)

    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """The faulty signers of all access keys.

        They lack credentials, have an unknown key id or a wrong secret, sign a time too long ago or too far ahead, or
        sign another HTTP method than that of the request.
        """
        unknown = replace(self, access_key_id=tools.chance.fork().other(self.access_key_id))
        wrong = replace(self, access_key_secret=tools.chance.fork().other(self.access_key_secret))
        return (
            Sabotage(
                "missing",
                "no_credentials",
                Changed(tools.factory(self), without_credentials),
                wrong="The request has no credentials.",
            ),
            Sabotage(
                "unknown_access_key",
                "unknown_access_key",
                tools.factory(unknown),
                wrong="The request is signed in the name of an access key that does not exist.",
            ),
            Sabotage(
                "wrong_secret",
                "wrong_signature",
                tools.factory(wrong),
                wrong="The request is signed by another secret than that of its access key.",
            ),
            Sabotage(
                "stale",
                "stale_signature",
                tools.factory(self, now=tools.stale),
                wrong=f"The signature is right, but its time lies {STALE.seconds // 60} minutes back.",
            ),
            Sabotage(
                "early",
                "stale_signature",
                tools.factory(self, now=tools.early),
                wrong=f"The signature is right, but its time lies {EARLY.seconds // 60} minutes ahead.",
            ),
            Sabotage(
                "tampered_signature",
                "wrong_signature",
                Changed(tools.factory(self), with_altered_signature),
                wrong="The last part of the signature differs from that of the right one.",
            ),
            Sabotage(
                "tampered_method",
                "wrong_signature",
                with_other_method(tools.factory(self)),
                wrong="The signature is that of the same request with another HTTP method.",
            ),
        )

    def token_sabotages(self, tools: SabotageTools, token: str | None) -> tuple[Sabotage, ...]:
        """Signers of a temporary access key without its security token, and with another token; none without `token`.

        Only ways with a field `security_token` have temporary keys.
        """
        if token is None:
            return ()
        absent: dict[str, Any] = {"security_token": None}
        other: dict[str, Any] = {"security_token": tools.chance.fork().other(token)}
        return (
            Sabotage(
                "unknown_access_key_token_absent",
                "unknown_access_key",
                tools.factory(replace(self, **absent)),
                wrong="The request of a temporary access key lacks its security token.",
            ),
            Sabotage(
                "unknown_access_key_token_wrong",
                "bad_token",
                tools.factory(replace(self, **other)),
                wrong="The request of a temporary access key has another security token than its own.",
            ),
        )

    def body_and_query_sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """Signers that change the body or the query after signing."""
        return (
            Sabotage(
                "tampered_body",
                "wrong_signature",
                Changed(tools.factory(self), tampered_body),
                wrong="A blank was added behind the body after the request was signed.",
            ),
            self.query_sabotage(tools, "tampered_query"),
        )

    def query_sabotage(self, tools: SabotageTools, name: str) -> Sabotage:
        """The signer that changes the query after signing, under this name."""
        return Sabotage(
            name,
            "wrong_signature",
            Changed(tools.factory(self), tampered_query),
            wrong="The parameter Tampered=1 was added to the query after the request was signed.",
        )


def of_another_operation(signer: Signer) -> Sabotage:
    """The signer, whose signature is that of a request for another operation, as one with a fault."""
    return Sabotage(
        "tampered_operation",
        "wrong_signature",
        signer,
        wrong="The signature is that of a request for another operation.",
    )


def with_altered_signature(signed: Request) -> Request:
    """The signed request with another last part of its signature; a service may compare only the first part.

    The signature is at the end of Authorization, as hexadecimal digits, or the last parameter of the query.
    """
    header = signed.header("Authorization")
    if header is not None:
        return signed.with_header("Authorization", header[:-_ALTERED] + header[-_ALTERED:].translate(_OTHER_DIGITS))
    head, name, value = signed.query.rpartition("Signature=")
    altered = value[: len(value) // 2] + value[len(value) // 2 :].translate(_OTHER_LETTERS)
    return signed.with_target(signed.path, f"{head}{name}{altered}")


def tampered_body(request: Request) -> Request:
    """The request with a blank after its JSON text: different bytes, the same meaning."""
    return replace(request, body=request.body + b" ")


def tampered_query(request: Request) -> Request:
    """The request with one more parameter, which is harmless if the endpoint does not check the signature."""
    query = f"{request.query}&Tampered=1" if request.query else "Tampered=1"
    return request.with_target(request.path, query)
