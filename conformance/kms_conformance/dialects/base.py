"""What an adapter offers, and the abstract values in which the suite speaks."""

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
    """An argument that goes onto the wire as it is, whatever type the operation wants there."""

    value: object


@dataclass(frozen=True)
class ErrorView:
    """What an error reply says, as far as it can be read."""

    code: str | None
    message: str | None


@dataclass(frozen=True)
class KeyView:
    """A key as it was read: abstract state, dates (UTC) as far as it has them, and all its fields for comparison.

    `arn` is its full name, where the dialect has one. `born` is its date of creation as the target writes it, which no
    request can change.
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
    """One page of a listing; `cursor` asks for the next and is None on the last."""

    ids: tuple[str, ...]
    cursor: object | None


@dataclass(frozen=True)
class Owner:
    """Whose keys an endpoint shows us, in the vendor's words."""

    account: str
    region: str


@dataclass(frozen=True)
class ProtocolCase:
    """One departure from, or variation of, how a request is written.

    `refusal` names how it must be refused; None means that the request must be served as if it were plain.
    `operation` is what the request asks for; `of_unknown_key` asks it of an unknown key. A `nameless` request names no
    operation any more: which service answers it, and how, no page says.
    """

    operation: str
    refusal: str | None
    change: Callable[[Request], Request]
    of_unknown_key: bool = False
    nameless: bool = False


class Dialect(ABC):
    """One dialect spoken to one target. Requests are unsigned: a signer adds the credentials."""

    protocol_cases: Mapping[str, ProtocolCase]
    malformed_keys: tuple[str, ...]
    # Windows that no page speaks of, in whatever JSON type.
    open_windows: tuple[Raw, ...] = ()

    def __init__(self, base_url: str, scope: str, profile: Profile) -> None:
        """`scope` is what the credentials are good for where the dialect writes it into requests: a project's id."""
        self.base_url = base_url
        self.scope = scope
        self.profile = profile
        self.chance = SYSTEM

    @abstractmethod
    def request(self, operation: str, arguments: Mapping[str, object]) -> Request:
        """The request for an abstract operation. An argument that is absent is not sent."""

    @abstractmethod
    def naming(self, marker: str) -> Mapping[str, object]:
        """The arguments of `create` by which a key is recognised as ours."""

    @abstractmethod
    def from_fuzzer(self, operation_id: str, request: Request) -> Request:
        """The request as the target understands it, from one that was generated along the OpenAPI document."""

    @abstractmethod
    def decode(self, reply: Reply, spec: ReplySpec | None) -> Decoded:
        """Read a body strictly, in the form that the reply declares; `spec` helps where the form has no types."""

    @abstractmethod
    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        """(expected, received) where the declared content type is not what the request asked for."""

    @abstractmethod
    def error(self, value: object) -> ErrorView | None:
        """The error that a body holds, in any of the dialect's forms; None if it holds none."""

    @abstractmethod
    def request_id(self, reply: Reply, value: object) -> str | None:
        """The id that the reply gives its request; None if it gives none."""

    @abstractmethod
    def created_id(self, value: object) -> str | None:
        """The id of the key in a reply to `create`."""

    @abstractmethod
    def key(self, value: object) -> KeyView:
        """The key in a reply to `describe`."""

    @abstractmethod
    def page(self, value: object) -> Page:
        """One page in a reply to `list`."""

    @abstractmethod
    def echo(self, value: object) -> tuple[str | None, str | None]:
        """(key id, abstract state) that a reply to a state-changing operation gives; None for what it leaves out."""

    @abstractmethod
    def unknown_key(self) -> str:
        """A well-formed id, random in every call, that no key has."""

    def scheduled(self, value: object) -> tuple[datetime | None, object]:
        """(deletion date, window) that a reply to `schedule` gives; None for what it leaves out."""
        return None, None

    def told(self, operation: str, value: object) -> object:
        """What a reply is asked for: a grant's id, a policy, the entries of a list, whether a key is rotated."""
        raise NotImplementedError(f"{type(self).__name__} does not know what {operation} tells")

    def arns_elsewhere(self, arn: str) -> Mapping[str, str]:
        """Full names with the id of the key that `arn` names, which name no key of this account and region."""
        return {}

    def alias_arn(self, arn: str, alias: str) -> str:
        """The full name of an alias in the account and region of the key that `arn` names."""
        raise NotImplementedError(f"{type(self).__name__} has no full names for aliases")

    def principal(self, arn: str) -> str:
        """Whom the owner of the key that `arn` names may let use it, and who may use it anyway."""
        raise NotImplementedError(f"{type(self).__name__} knows no grants")

    def alias(self, name: str) -> str:
        """A name in the form that the dialect wants of aliases."""
        return name

    @abstractmethod
    def by_alias(self, key: str, alias: str) -> Mapping[str, object]:
        """The arguments of `describe` that show which key an alias names."""

    @abstractmethod
    def names(self, alias: str, value: object) -> str | None:
        """The id of the key that an alias names, by the reply to `describe` with `by_alias`."""

    def without_protection(self, view: KeyView) -> Mapping[str, object] | None:
        """The arguments of `set_deletion_protection` that let a key be scheduled; None where nothing is in the way."""
        return None

    def with_body(self, request: Request, body: bytes) -> Request:
        """The same request with another body."""
        return replace(request, body=body)

    def owner(self, value: object) -> Owner | None:
        """Whose keys these are, by a reply to `list`; None where replies do not tell, or there are no keys."""
        return None

    def account_of(self, arn: str | None) -> str | None:
        """The account in a key's full name; None where there is none in it."""
        return None

    def quota(self, value: object) -> tuple[int, int] | None:
        """(used, limit) of keys, by a reply to `quotas`; None where it cannot be read."""
        return None

    def standing(self, value: object) -> str | None:
        """What is wrong with the account, by a reply to `account_status`; None where nothing is."""
        return None

    def data_key(self, value: object) -> str | None:
        """The encrypted data key in a reply to `generate_data_key`, where `decrypt` takes it; None elsewhere."""
        return None

    @abstractmethod
    def secret_output(self, operation: str, value: object) -> str | None:
        """The ciphertext in a reply to `encrypt`, or the plaintext in a reply to `decrypt`, as the caller gave it."""


def text(value: object) -> str | None:
    """The value if it is a string."""
    return value if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, an empty one otherwise: what is missing is judged by the schema."""
    return value if isinstance(value, dict) else {}
