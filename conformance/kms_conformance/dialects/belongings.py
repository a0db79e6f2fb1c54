"""Belongings of a key: what a key has besides its state, such as aliases and tags, and the operations on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kms_conformance.wire.contents import fields
from kms_conformance.wire.messages import Request

Arguments = Mapping[str, object]


def _of_no_request(_: Request) -> tuple[str, ...]:
    return ()


def _of_no_reply(_: object) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Belonging:
    """One kind of belongings.

    A kind has either any number of names (`own_value` is None), or one value that a key always has.

    - kind: the name of the kind, such as `alias`.
    - made_by: the operations that give a key one more, or set the value.
    - taken_by: the operations that take one off, or set the value that new keys have.
    - requested: the names, or the value, in a request for one of these operations.
    - replied: the names that a reply to one of `made_by` shows, for names that the target chooses.
    - recorded: whether the ledger records the names. The names of other kinds are read from the target.
    - listed_by: the operation that shows what a key has; "" if none does, `describe` if the description of a key does.
    - listed: the names, or the value, in a reply to `listed_by`.
    - takes_off: for a key and some names, the operation and its arguments that take the names off. For a kind with one
      value, the names are the value to set.
    - unique: whether only one key of an account can have a name.
    - absent: the name of the refusal that says that there is nothing to take off; "" if there is none.
    - most: the largest number of names in one request.
    - own_value: the value that a new key has; "marker" for the description that this suite gave it; "read" if it must
      be read before the first change.
    """

    kind: str
    made_by: frozenset[str]
    taken_by: frozenset[str]
    takes_off: Callable[[str, tuple[str, ...]], tuple[str, Arguments]]
    requested: Callable[[Request], tuple[str, ...]] = _of_no_request
    replied: Callable[[object], tuple[str, ...]] = _of_no_reply
    recorded: bool = False
    listed_by: str = ""
    listed: Callable[[object], tuple[str, ...]] = _of_no_reply
    unique: bool = False
    absent: str = ""
    most: int = 1
    own_value: str | None = None


def texts_in(*names: str) -> Callable[[Request], tuple[str, ...]]:
    """A function that returns the texts of all fields with one of these names in a request."""
    wanted = frozenset(name.lower() for name in names)

    def found(request: Request) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for field in fields(request) if field.name in wanted for text in field.texts))

    return found


def texts_at(*path: str) -> Callable[[object], tuple[str, ...]]:
    """A function that returns the texts at a path of names in a reply; lists on the way stand for each of their items.

    A truth value is returned as `true` or `false`.
    """

    def found(value: object) -> tuple[str, ...]:
        nodes = [value]
        for name in path:
            inner = (node.get(name) for node in nodes if isinstance(node, Mapping))
            nodes = [each for node in inner for each in (node if isinstance(node, list) else [node])]
        return tuple(str(node).lower() if isinstance(node, bool) else str(node) for node in nodes if node is not None)

    return found


#: The description of a key, in the dialects whose requests and replies name it `Description`.
DESCRIPTION = Belonging(
    "description",
    made_by=frozenset({"update_description"}),
    taken_by=frozenset(),
    takes_off=lambda key, names: ("update_description", {"key_id": key, "description": names[0]}),
    requested=texts_in("Description"),
    listed_by="describe",
    listed=texts_at("Description"),
    own_value="marker",
)
