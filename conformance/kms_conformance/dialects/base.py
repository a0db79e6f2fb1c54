"""`Dialect`, the base class of adapters, and the dialect-independent values that it returns."""

from __future__ import annotations

import base64
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from kms_conformance.catalogue.api import ReplySpec
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core.runtime import SYSTEM
from kms_conformance.dialects.belongings import Belonging
from kms_conformance.wire.decode import Decoded
from kms_conformance.wire.messages import Reply, Request


@dataclass(frozen=True)
class Raw:
    """An argument that is sent unconverted, even if the operation expects another type."""

    value: object


@dataclass(frozen=True)
class ErrorView:
    """Code and message of an error reply; None for a part that is missing or malformed.

    `of_gateway`: whether the code is one of the gateway in front of the service.
    """

    code: str | None
    message: str | None
    of_gateway: bool = False


@dataclass(frozen=True)
class KeyView:
    """A key as a reply to `describe` shows it.

    - state: the abstract state, such as `enabled`.
    - deletion_at, created_at: dates in UTC.
    - date_problem: why the deletion date is malformed; None if it is valid or absent.
    - fields: all fields of the reply, to compare two readings of a key.
    - born: the date of creation in the format of the reply. No request can change this date.
    - arn: the full name of the key, in dialects with ARNs.
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
    """One page of a listing; `cursor` is the argument that requests the next page, and None on the last page.

    `rows`: what the page tells of keys, by id: fields under the names that they have in a reply to `describe`.
    """

    ids: tuple[str, ...]
    cursor: object | None
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Owner:
    """The account and region of the listed keys, as the vendor names them."""

    account: str
    region: str


@dataclass(frozen=True)
class ProtocolCase:
    """A change to the HTTP request of an operation; the changed request may be valid or invalid.

    - operation: the abstract operation whose request is changed.
    - refusal: the name of the expected refusal. None: the changed request must succeed like the unchanged one.
    - change: the function that changes the request.
    - of_unknown_key: whether the request names an unknown key instead of an existing one.
    - nameless: whether the changed request names no operation. The documents do not say which service answers it.
    """

    operation: str
    refusal: str | None
    change: Callable[[Request], Request]
    of_unknown_key: bool = False
    nameless: bool = False


#: Every document allows aliases of so many characters.
EVERY_ALIAS = 255
#: Every document allows descriptions of so many characters, and of a few more.
EVERY_DESCRIPTION = 240


class Dialect(ABC):
    """Base of all adapters. An instance belongs to one target. It makes unsigned requests; signers add credentials.

    `instance_id`: the KMS instance in which keys are created, in dialects with instances; None: in no instance.
    """

    protocol_cases: Mapping[str, ProtocolCase]
    malformed_keys: tuple[str, ...]
    # Waiting periods (windows) of JSON types for which the documents define no answer, such as null.
    open_windows: tuple[Raw, ...] = ()
    # Windows in notations that no page shows, each with the number of days that it says.
    notations: tuple[tuple[Raw, int], ...] = tuple(
        (Raw(text), days)
        for text, days in {
            "+8": 8,
            " 8": 8,
            "010": 10,
            "1e1": 10,
            "10.0": 10,
            "\uff18": 8,  # the digit 8 in full width
        }.items()
    )
    # What keys have besides their state, one entry for each kind that a request can change.
    belongings: tuple[Belonging, ...] = ()
    # The field of a key with the account of its owner, which its ARN tells too; empty if there is none.
    account_field = ""
    # The documented largest number of keys on a page, if the usual one is smaller; 0: there is none.
    largest_page = 0
    # Whether the documents allow tags with an empty value.
    empty_tag_values = False
    # A character that the documents allow in an alias, and that servers may take for the end of a part.
    alias_separator = "-"
    # The documented forms of a request besides that of `request`: each a function that changes the form.
    forms: Mapping[str, Callable[[Request], Request]] = MappingProxyType({})
    # The name of the field with the id of a key, in replies about keys.
    key_field = "KeyId"
    # The length of the data keys for which `generate_data_key` asks, in bytes.
    data_key_bytes = 32
    # Another length for which `generate_data_key` can ask; None if not every cloud of the dialect has one.
    other_data_key_bytes: int | None = None
    # Whether the documents say that a tag replaces the one with the same name.
    replaces_tags = False
    # The value of a tag; with letters beyond ASCII where the documents allow them.
    tag_value = "2"
    # Whether the documents say that lists of what a key has come in pages.
    pages_belongings = False
    # Whether the documents say that the names of an encryption context have no order.
    unordered_context = False
    # The length of the longest text that `encrypt` takes, in bytes; 0: no document says it, or no URL is so long.
    longest_text = 0
    # Whether the documents say that an empty description takes the description of a key away.
    clears_description = False
    # So many characters a description may have, and a few more; fewer than the documents say where they fill a URL.
    long_description = EVERY_DESCRIPTION
    # The arguments of `create` for a key that signs and does not encrypt.
    signing_key: Mapping[str, object] = MappingProxyType({})
    # Whether lists have such keys too on every cloud of the dialect.
    lists_signing_keys = True
    # The form of key ids; None if no document gives one.
    key_form: re.Pattern[str] | None = None

    def __init__(self, base_url: str, scope: str, profile: Profile) -> None:
        """`scope` is the id of the project for dialects whose request paths contain it, else ""."""
        self.base_url = base_url
        self.scope = scope
        self.profile = profile
        self.chance = SYSTEM
        self.instance_id: str | None = None

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
        """Parse a body strictly, in the format that the reply declares.

        XML has no types, so its values are converted to the types of the schema in `spec`.
        """

    @abstractmethod
    def media_type_problem(self, reply: Reply, request: Request, spec: ReplySpec | None) -> tuple[str, str] | None:
        """(expected, received) if the content type of the reply is not the requested one, else None."""

    def root_problem(self, reply: Reply, request: Request) -> tuple[str, str] | None:
        """(expected, received) if the root of a document names another operation than the request does, else None."""
        return None

    @abstractmethod
    def error(self, value: object) -> ErrorView | None:
        """The error in a body, in any of the dialect's error formats; None if there is none."""

    def told_status(self, value: object) -> int | None:
        """The HTTP status that an error body says it has; None if it says none."""
        return None

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
        """(key id, abstract state) in a reply to an operation on a key; None for an absent part."""

    @abstractmethod
    def unknown_key(self) -> str:
        """A well-formed random id that no key has, new in each call."""

    def may_be_malformed(self, key: str) -> bool:
        """Whether an id lacks the documented form of key ids; true for every id if the documents give no form."""
        return self.key_form is None or self.key_form.fullmatch(key) is None

    def described_key(self, value: object, path: Sequence[str | int]) -> str | None:
        """The id of the key whose particulars include the place at `path` in a reply; None if the reply names none.

        The id of a key is not one of its particulars.
        """
        found: str | None = None
        for step in path:
            if isinstance(value, dict) and step != self.key_field:
                found = text(value.get(self.key_field)) or found
            value = value[step]  # type: ignore[index]  # the path is one of this body
        return None if path and path[-1] == self.key_field else found

    def scheduled(self, value: object) -> tuple[datetime | None, object]:
        """(deletion date, waiting period in days) in a reply to `schedule`; None for an absent part."""
        return None, None

    def result(self, operation: str, value: object) -> object:
        """The result in a reply to the operation: a grant's id, a policy, a list, or whether rotation is on."""
        raise NotImplementedError(f"{type(self).__name__} does not read replies to {operation}")

    def arns_elsewhere(self, arn: str) -> Mapping[str, str]:
        """ARNs with the id of an existing key but another region or account, by a description of the difference."""
        return {}

    def alias_arn(self, arn: str, alias: str) -> str:
        """The ARN of an alias in the account and region of the key `arn`."""
        raise NotImplementedError(f"{type(self).__name__} has no ARNs of aliases")

    def names(self, view: KeyView, alias: str | None) -> Mapping[str, str]:
        """The names of a key besides its id, by their form: `arn`, `alias`, `alias_arn` or `urn`.

        `alias` is an alias that was given to the key; None in dialects in which the key's own alias is used.
        """
        return {}

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
        """The id of the key that has the alias, in a reply to `describe` with the arguments from `by_alias`."""

    def aliases(self, value: object) -> Mapping[str, str | None]:
        """The aliases in a reply to `list_aliases`, each with the id of its key; None if the reply does not name it."""
        return {}

    def tags(self, value: object) -> Mapping[str, str | None]:
        """The tags in a reply to `list_tags`, by name."""
        return {}

    def without_protection(self, view: KeyView) -> Mapping[str, object] | None:
        """Arguments of `set_deletion_protection` that remove a key's protection; None if the key has none."""
        return None

    def with_body(self, request: Request, body: bytes) -> Request:
        """The same request with another body."""
        return replace(request, body=body)

    def owner(self, value: object) -> Owner | None:
        """The owner of the keys in a reply to `list`; None if the reply lists no keys or no ARNs."""
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

    def in_state(self, view: KeyView, state: str, *, state_first: bool = False) -> Mapping[str, object] | None:
        """Arguments of `list` for the keys in a state; None if no document has any.

        Where a list takes several filters, a field in which all keys of a run are like `view` is one of them; the state
        is the last filter, or with `state_first` the first one.
        """
        return None

    def in_states(self, states: Sequence[str]) -> Mapping[str, object] | None:
        """Arguments of a list of the keys in any of these states; None if lists have no such filter."""
        return None

    def cursor(self, value: object) -> str | None:
        """The cursor of the next page, in a list of what a key has; None on the last page."""
        return None

    def data_key_size(self, value: object) -> int | None:
        """The length in bytes of the plaintext in a reply to `generate_data_key`; None if it has none that decodes."""
        return None

    @abstractmethod
    def secret_output(self, operation: str, value: object) -> str | None:
        """The ciphertext in a reply to `encrypt`, or the decoded plaintext in a reply to `decrypt`."""


def bytes_in(value: object) -> int | None:
    """The number of bytes in a text in Base64; None for anything else."""
    try:
        return len(base64.b64decode(value, validate=True)) if isinstance(value, str) else None
    except ValueError:
        return None


def text(value: object) -> str | None:
    """The value if it is a string, else None."""
    return value if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty mapping, because the schema already judges missing fields."""
    return value if isinstance(value, dict) else {}


def by_name(entries: object, name: str, value: str) -> dict[str, str | None]:
    """The values of a list by name: members `value` and `name` of its entries.

    A name that is listed twice has a text that tells all its values.
    """
    found: dict[str, str | None] = {}
    for entry in map(mapping, entries if isinstance(entries, list) else ()):
        known, told = str(entry.get(name)), text(entry.get(value))
        found[known] = told if known not in found else f"{found[known]} and {told}, listed twice"
    return found


def whole(value: object) -> int | None:
    """The value if it is a whole JSON number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
