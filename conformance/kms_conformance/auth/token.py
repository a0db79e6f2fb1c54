"""A bearer token in X-Auth-Token (Huawei Cloud, "Authentication": token-based)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from kms_conformance.auth.sabotage import Changed, OtherProject, Unsigned
from kms_conformance.auth.scheme import CREDENTIAL, PROJECT_ID, Sabotage, SabotageTools, Scheme, SignerTools

if TYPE_CHECKING:
    from kms_conformance.auth.scheme import Signer
    from kms_conformance.wire.messages import Request


@dataclass(frozen=True)
class TokenAuth(Scheme):
    """A token from the target file, sent unchanged."""

    way: ClassVar[str] = "token"
    title: ClassVar[str] = "a token that was got elsewhere"
    dialects: ClassVar[tuple[str, ...]] = ("huawei",)
    scope_key: ClassVar[str] = "project_id"
    wrong_value: ClassVar[tuple[str, str] | None] = ("token", "bad_token")
    headers: ClassVar[tuple[str, ...]] = ("X-Auth-Token",)
    token_headers: ClassVar[tuple[str, ...]] = ("X-Auth-Token",)

    token: str = field(repr=False, metadata=CREDENTIAL)
    project_id: str = field(metadata=PROJECT_ID)
    expired_token: str | None = field(default=None, repr=False, metadata=CREDENTIAL)

    def signer(self, tools: SignerTools) -> TokenSigner:
        """The signer that sends the token."""
        return TokenSigner(self.token, self.project_id)

    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """Faulty signers: without a token, with a random, an expired or an altered token, and for another project.

        The one with an expired token is left out if the target file has no such token.
        """
        return token_sabotages(self, self.project_id, self.expired_token, tools)


@dataclass(frozen=True)
class TokenSigner:
    """Sends one token, valid or not."""

    token: str = field(repr=False)
    project_id: str

    def sign(self, request: Request) -> Request:
        """The request with the token in X-Auth-Token."""
        return request.with_header("X-Auth-Token", self.token)


def token_sabotages(auth: Scheme, project_id: str, expired: str | None, tools: SabotageTools) -> tuple[Sabotage, ...]:
    """The faulty signers for tokens; `expired` is the expired token in the target file, or None."""

    def token(text: str) -> Signer:
        return tools.factory(TokenAuth(text, project_id))

    return (
        Sabotage("missing", "no_credentials", Unsigned(), wrong="The request has no credentials."),
        Sabotage("garbage", "bad_token", token(tools.chance.hex(32)), wrong="The token is a random one."),
        *(
            (Sabotage("expired", "expired_token", token(expired), wrong="The token has expired."),)
            if expired is not None
            else ()
        ),
        Sabotage(
            "other_project",
            "wrong_project",
            OtherProject(tools.factory(auth), tools.chance),
            wrong="The token is right, but the path names another project.",
        ),
        *(
            Sabotage(
                f"altered_token_{name}",
                "bad_token",
                Changed(tools.factory(auth), _with_token(change)),
                wrong=f"The token is a valid one, but altered: {told}.",
            )
            for name, (told, change) in _ALTERED.items()
        ),
    )


# Other texts that a careless comparison takes for the token, each with its description.
_ALTERED: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "longer": ("eight digits were added", lambda token: f"{token}00000000"),
    "half": ("its second half is missing", lambda token: token[: (len(token) + 1) // 2]),
    "case": ("small and capital letters are swapped", str.swapcase),
}


def _with_token(change: Callable[[str], str]) -> Callable[[Request], Request]:
    """A change of the token of a signed request; a token that it leaves as it is, is written backwards."""

    def changed(request: Request) -> Request:
        token = request.header("X-Auth-Token") or ""
        altered = change(token)
        return request.with_header("X-Auth-Token", token[::-1] if altered == token else altered)

    return changed
