"""`Dialect`, the base class of adapters, and the dialect-independent values that it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kms_conformance.catalogue.api import ReplySpec
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core.runtime import SYSTEM
from kms_conformance.wire.decode import Decoded
from kms_conformance.wire.messages import Reply, Request


@dataclass(frozen=True)
class Raw:
    """An argument that is sent unconverted, even if the operation expects another type."""

    value: object


@dataclass(frozen=True)
class ErrorView:
    """Code and message of an error reply; None for a part that is missing or malformed."""

    code: str | None
    message: str | None


@dataclass(frozen=True)
class KeyView:
    """A key in a reply to `describe`: abstract state, dates (UTC), and all fields of the reply for comparison.

    `arn` is the full name, in dialects with ARNs. `born` is the date of creation in the format of the reply, which no
    request can change. `date_problem` says why the deletion date is malformed; None if it is valid or absent.
    """

    id: str | None
    state: str
    deletion_at: datetime | None
    date_problem: str | None
    description: str | None
    fields: Mapping[str, Any]
    born: str | None = None
    arn: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True)
class Page:
    """One page of a listing; `cursor` requests the next page and is None on the last."""

    ids: tuple[str, ...]
    cursor: object | None


@dataclass(frozen=True)
class Owner:
    """The account and region of the listed keys, as the vendor names them."""

    account: str
    region: str


@dataclass(frozen=True)
class ProtocolCase:
    """A variation of the HTTP request for `operation`, valid or not.

    `refusal` names the expected refusal; None: the request must succeed like the unchanged one. `of_unknown_key` sends
    the request for an unknown key. A `nameless` request names no operation; the documents do not say which service
    answers it.
    """

    operation: str
    refusal: str | None
    change: Callable[[Request], Request]
    of_unknown_key: bool = False
    nameless: bool = False


class Dialect(ABC):
    """Base of all adapters. An instance belongs to one target; its requests are unsigned, signers add credentials."""

    protocol_cases: Mapping[str, ProtocolCase]
    malformed_keys: tuple[str, ...]
    # Windows of JSON types for which the documents define no answer.
    open_windows: tuple[Raw, ...] = ()

    def __init__(self, base_url: str, scope: str, profile: Profile) -> None:
        """`scope` is the id of the project for dialects whose request paths contain it, else ""."""
        self.base_url = base_url
        self.scope = scope
        self.profile = profile
        self.chance = SYSTEM

    @abstractmethod
    def request(self, operation: str, arguments: Mapping[str, object]) -> Request:
        """The request for an abstract operation with these arguments only."""

    @abstractmethod
    def naming(self, marker: str) -> Mapping[str, object]:
        """Arguments of `create` that mark a key as created by this suite."""

    @abstractmethod
    def from_fuzzer(self, operation_id: str, request: Request) -> Request:
        """The request for the target, from a request that was generated from the OpenAPI document."""

    @abstractmethod
    def decode(self, reply: Reply, spec: ReplySpec | None) -> Decoded:
        """Parse a body strictly in the declared format; XML has no types and is converted by the schema in `spec`."""

    @abstractmethod
    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        """(expected, received) if the content type of the reply is not the requested one, else None."""

    @abstractmethod
    def error(self, value: object) -> ErrorView | None:
        """The error in a body, in any of the dialect's error formats; None if there is none."""

    @abstractmethod
    def request_id(self, reply: Reply, value: object) -> str | None:
        """The request id in the reply; None if there is none."""

    @abstractmethod
    def created_id(self, value: object) -> str | None:
        """The id of the key in a reply to `create`."""

    @abstractmethod
    def key(self, value: object) -> KeyView:
        """The key in a reply to `describe`."""

    @abstractmethod
    def page(self, value: object) -> Page:
        """The page in a reply to `list`."""

    @abstractmethod
    def echo(self, value: object) -> tuple[str | None, str | None]:
        """(key id, abstract state) in a reply to a state-changing operation; None for an absent part."""

    @abstractmethod
    def unknown_key(self) -> str:
        """A well-formed random id that no key has, new in each call."""

    def scheduled(self, value: object) -> tuple[datetime | None, object]:
        """(deletion date, window) in a reply to `schedule`; None for an absent part."""
        return None, None

    def result(self, operation: str, value: object) -> object:
        """The result in a reply: the id of a grant, a policy, a list, or whether rotation is on."""
        raise NotImplementedError(f"{type(self).__name__} does not read replies to {operation}")

    def arns_elsewhere(self, arn: str) -> Mapping[str, str]:
        """ARNs with the id of an existing key but another region or account, by a description of the difference."""
        return {}

    def alias_arn(self, arn: str, alias: str) -> str:
        """The ARN of an alias in the account and region of the key `arn`."""
        raise NotImplementedError(f"{type(self).__name__} has no ARNs of aliases")

    def principal(self, arn: str) -> str:
        """The grantee for grants on the key `arn`: a principal that may use the key anyway."""
        raise NotImplementedError(f"{type(self).__name__} has no grants")

    def alias(self, name: str) -> str:
        """An alias with this name in the dialect's format."""
        return name

    @abstractmethod
    def by_alias(self, key: str, alias: str) -> Mapping[str, object]:
        """Arguments of `describe` whose reply shows the key of an alias."""

    @abstractmethod
    def aliased_key(self, alias: str, value: object) -> str | None:
        """The id of the alias's key in a reply to `describe` with the arguments `by_alias`."""

    def without_protection(self, view: KeyView) -> Mapping[str, object] | None:
        """Arguments of `set_deletion_protection` that remove a key's protection; None if the key has none."""
        return None

    def with_body(self, request: Request, body: bytes) -> Request:
        """The same request with another body."""
        return replace(request, body=body)

    def owner(self, value: object) -> Owner | None:
        """The owner of the keys in a reply to `list`; None if the reply has no keys or no ARNs."""
        return None

    def account_of(self, arn: str | None) -> str | None:
        """The account in an ARN; None if there is none."""
        return None

    def quota(self, value: object) -> tuple[int, int] | None:
        """(used, limit) of keys in a reply to `quotas`; None if the reply has no such numbers."""
        return None

    def account_problem(self, value: object) -> str | None:
        """The problem with the account in a reply to `account_status`; None if there is none."""
        return None

    def data_key(self, value: object) -> str | None:
        """The encrypted data key in a reply to `generate_data_key` if `decrypt` accepts it, else None."""
        return None

    @abstractmethod
    def secret_output(self, operation: str, value: object) -> str | None:
        """The ciphertext in a reply to `encrypt`, or the decoded plaintext in a reply to `decrypt`."""


def text(value: object) -> str | None:
    """The value if it is a string, else None."""
    return value if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one; the schema judges missing fields."""
    return value if isinstance(value, dict) else {}
