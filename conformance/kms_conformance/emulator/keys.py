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
    """The key states, under names that all dialects share; a profile holds the name that requests and replies use.

    A deleted key has no state, because it is not in the store.
    """

    ENABLED = "enabled"
    DISABLED = "disabled"
    PENDING_DELETION = "pending_deletion"
    PENDING_IMPORT = "pending_import"


class Absent(Enum):
    """The value of a parameter that the request does not contain; an empty parameter has the value `""`."""

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
    """The properties of a new key that the caller chooses; see `Key`."""

    spec: str
    usage: str
    alias: str | None = None
    description: str = ""
    external: bool = False
    default: bool = False
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Key:
    """One key of the emulator. Times are UTC in whole seconds.

    - external: the customer imports the key material.
    - default: the key belongs to the service itself; most changes to it are refused.
    - protected, protection_description: whether deletion protection is on, and the reason that the caller gave.
    - deletion, window_days: the deletion date and the waiting period in days; None if no deletion is scheduled.
    - policy: the key policy as JSON text; empty for the default policy.
    - rotated: automatic rotation is on.
    """

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
