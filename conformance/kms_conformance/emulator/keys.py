"""What a key is: one frozen value, replaced as a whole at every change."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class State(StrEnum):
    """The abstract states; how they are written on the wire stands in the profile. A key that is gone is no key."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    PENDING_DELETION = "pending_deletion"
    PENDING_IMPORT = "pending_import"


class Absent(Enum):
    """A parameter that was not sent, which is not the same as one that was sent empty or null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Quoted(str):
    """A text where JSON has a type of its own for what is wanted: `"7"` is no number."""

    __slots__ = ()


@dataclass(frozen=True)
class Grant:
    """What the owner of a key lets another principal do with it."""

    id: str
    token: str
    grantee: str
    operations: tuple[str, ...]
    created: datetime


@dataclass(frozen=True)
class KeyDraft:
    """What a caller may choose of a new key."""

    spec: str
    usage: str
    alias: str | None = None
    description: str = ""
    external: bool = False
    default: bool = False
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Key:
    """One key. Times are UTC with whole seconds; `external` means that the customer is to import the material."""

    id: str
    state: State
    created: datetime
    spec: str
    usage: str
    description: str = ""
    aliases: tuple[str, ...] = ()
    external: bool = False
    default: bool = False
    protected: bool = False
    protection_description: str = ""
    deletion: datetime | None = None
    window_days: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    grants: tuple[Grant, ...] = ()
    policy: str = ""
    rotated: bool = False
    version_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    material: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


def key_of(draft: KeyDraft, state: State, created: datetime) -> Key:
    """A new key, as drafted."""
    return Key(
        id=str(uuid.uuid4()),
        state=state,
        created=created,
        spec=draft.spec,
        usage=draft.usage,
        description=draft.description,
        aliases=() if draft.alias is None else (draft.alias,),
        external=draft.external,
        default=draft.default,
        tags=draft.tags,
    )
