"""What a way to sign in says about itself: its keys in a target file, its secret headers, its dialects.

A subclass describes one way. `kms_conformance.auth.scheme.Scheme` adds how requests are signed.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from kms_conformance.core import specs

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "schemas/target.schema.json"
#: The metadata of fields that hold a credential, a project's id, or any text: JSON Schemas that several ways share.
CREDENTIAL: Mapping[str, Any] = {"$ref": "#/$defs/credential"}
PROJECT_ID: Mapping[str, Any] = {"$ref": "#/$defs/project_id"}
TEXT: Mapping[str, Any] = {"$ref": "#/$defs/text"}


def shared_schemas() -> dict[str, Any]:
    """The JSON Schemas that several keys share, by name: in `$defs` of the schema of target files, beside the ways."""
    frame = specs.load(SCHEMA)
    ways = {node["$ref"].rpartition("/")[2] for node in frame["properties"]["auth"]["oneOf"]}
    return {name: node for name, node in frame["$defs"].items() if name not in ways}


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON Schema of a key, or the shared one that it refers to."""
    found: Mapping[str, Any] = shared_schemas()[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return found


@dataclass(frozen=True)
class Auth:
    """The credentials of a target for one way to sign in.

    Each field is a key under `auth` in the target file. The field's metadata is the JSON Schema of the key. A field
    without a default is required. The field of a credential has `repr=False`.
    """

    #: The name of the way in profiles, requirements, clients and reports.
    way: ClassVar[str] = ""
    #: The credential and its use in a few words, for the JSON Schema of target files.
    title: ClassVar[str] = ""
    #: The dialects whose endpoints know the way; a profile may name fewer ways (`auth_ways`).
    dialects: ClassVar[tuple[str, ...]] = ()
    #: A way of the dialect whose requirements hold for this one too; "" where the requirements name this one.
    like: ClassVar[str] = ""
    #: The keys whose values are URLs. A run may send requests there.
    url_keys: ClassVar[tuple[str, ...]] = ()
    #: The key whose value tells accounts or projects apart.
    scope_key: ClassVar[str] = ""
    #: (a key, the profile's refusal of a wrong value there), for checks through a vendor's client; None for no check.
    stranger: ClassVar[tuple[str, str] | None] = None
    #: Headers of requests that hold credentials. `Authorization` always counts as one.
    headers: ClassVar[tuple[str, ...]] = ()
    #: Those of `headers` whose whole value lets others in, and may be unknown to the target file.
    token_headers: ClassVar[tuple[str, ...]] = ()
    #: Those of `headers` whose whole value is the id of an access key, and made up in some checks.
    key_id_headers: ClassVar[tuple[str, ...]] = ()
    #: Parameters of a query or a form that hold credentials.
    parameters: ClassVar[tuple[str, ...]] = ()
    #: Parameters of a query that differ in every run, with or without credentials: signatures, nonces, times.
    fresh_parameters: ClassVar[tuple[str, ...]] = ()
    #: Headers of replies that hold credentials.
    reply_headers: ClassVar[tuple[str, ...]] = ()
    #: Fields of request bodies that hold credentials.
    body_fields: ClassVar[tuple[str, ...]] = ()
    #: Further public words of its requests, divided by blanks: headers and parameters without credentials, algorithms.
    words: ClassVar[str] = ""

    @classmethod
    def key_names(cls) -> tuple[str, ...]:
        """All keys of the way, in their order."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def required(cls) -> tuple[str, ...]:
        """The keys that a target file must have."""
        return tuple(field.name for field in fields(cls) if field.default is MISSING)

    @classmethod
    def credentials(cls) -> frozenset[str]:
        """The keys whose values are never shown: those whose JSON Schema says `writeOnly`."""
        return frozenset(field.name for field in fields(cls) if resolved(field.metadata).get("writeOnly"))

    @classmethod
    def form(cls) -> str:
        """The way and its required keys, as messages show them."""
        return f"{cls.way} ({', '.join(cls.required())})"

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the mapping under `auth`."""
        return {
            "description": cls.title,
            "type": "object",
            "additionalProperties": False,
            "required": list(cls.required()),
            "properties": {field.name: dict(field.metadata) for field in fields(cls)},
        }

    @classmethod
    def public_words(cls) -> frozenset[str]:
        """Words that are nobody's secret: `words`, and the names of headers, parameters and fields."""
        return frozenset((*cls.words.split(), *cls.headers, *cls.parameters, *cls.reply_headers, *cls.body_fields))

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs that the way sends requests to."""
        return tuple(str(getattr(self, key)) for key in self.url_keys)

    @property
    def scope(self) -> str:
        """The value that tells accounts or projects apart; "" where there is none."""
        return str(getattr(self, self.scope_key, None) or "")
