"""Keys of the emulator as frozen values: key, key draft, grant, state."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class State(StrEnum):
    """The abstract key states; profiles hold their wire names. A deleted key has no state: it is not in the store."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    PENDING_DELETION = "pending_deletion"
    PENDING_IMPORT = "pending_import"


class Absent(Enum):
    """The value of a parameter that was not sent, as opposed to one that was sent empty or null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Quoted(str):
    """A JSON string where the documents require a JSON number, such as `"7"`."""

    __slots__ = ()


@dataclass(frozen=True)
class Grant:
    """A permission for another principal to use a key."""

    id: str
    token: str
    grantee: str
    operations: tuple[str, ...]
    created: datetime


@dataclass(frozen=True)
class KeyDraft:
    """The properties of a new key that the caller chooses."""

    spec: str
    usage: str
    alias: str | None = None
    description: str = ""
    external: bool = False
    default: bool = False
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Key:
    """One key. Times are UTC in whole seconds; `external` means that the customer imports the key material."""

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
    """A new key from a draft, with a random id."""
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
