"""The tokens that the emulator has issued: each for one project and for a time, which is real time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

# What the vendor's page on tokens states for those of IAM.
LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class Token:
    """What a token stands for; times are real, UTC."""

    project_id: str
    issued: datetime
    expires: datetime


class Tokens:
    """All issued tokens by their text."""

    def __init__(self) -> None:
        self._issued: dict[str, Token] = {}

    def issue(
        self, project_id: str, issued: datetime, lifetime: timedelta = LIFETIME, text: str | None = None
    ) -> tuple[str, Token]:
        """Issue a token for a project; its text is random unless given."""
        text = text or f"EXAMPLE-{secrets.token_hex(24)}"
        token = Token(project_id, issued, issued + lifetime)
        self._issued[text] = token
        return text, token

    def problem(self, text: str, project_id: str | None, now: datetime) -> str | None:
        """What is wrong with a token, for a project or (None) for an address without one; named as in the profile."""
        token = self._issued.get(text)
        if token is None:
            return "bad_token"
        if now >= token.expires:
            return "expired_token"
        return None if project_id in {None, token.project_id} else "wrong_project"
