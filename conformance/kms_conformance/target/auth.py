"""`Auth`, the description of a way to sign in: its keys in a target file, its secret headers, its dialects.

Each way is a subclass. `kms_conformance.auth.scheme.Scheme` extends `Auth` by the signing of requests.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from kms_conformance.core import specs

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "schemas/target.schema.json"
#: Metadata of fields: references to the shared JSON Schemas of a credential, of the id of a project, and of any text.
CREDENTIAL: Mapping[str, Any] = {"$ref": "#/$defs/credential"}
PROJECT_ID: Mapping[str, Any] = {"$ref": "#/$defs/project_id"}
TEXT: Mapping[str, Any] = {"$ref": "#/$defs/text"}


def shared_schemas() -> dict[str, Any]:
    """The shared JSON Schemas of keys, by name.

    They are the entries under `$defs` in the schema of target files, except for the schemas of ways to sign in.
    """
    frame = specs.load(SCHEMA)
    ways = {node["$ref"].rpartition("/")[2] for node in frame["properties"]["auth"]["oneOf"]}
    return {name: node for name, node in frame["$defs"].items() if name not in ways}


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON Schema of a key, with a reference to a shared schema replaced by that schema."""
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
    #: A short phrase that names the credential and its use, such as "an access key that signs RPC calls". The JSON
    #: Schema of target files has it as the description of the way.
    title: ClassVar[str] = ""
    #: The dialects that support the way. A profile can exclude ways of its dialect (`auth_ways`).
    dialects: ClassVar[tuple[str, ...]] = ()
    #: Another way of the dialect, whose requirements also apply to this way; "" if the requirements name this way.
    like: ClassVar[str] = ""
    #: The keys whose values are URLs that a run may send requests to.
    url_keys: ClassVar[tuple[str, ...]] = ()
    #: The key whose value identifies the account or project.
    scope_key: ClassVar[str] = ""
    #: The key to which checks through a vendor's client give a wrong value, and the name of the refusal in the profile
    #: that is expected then. None: these checks are left out.
    wrong_value: ClassVar[tuple[str, str] | None] = None
    #: Request headers that hold credentials, besides `Authorization`.
    headers: ClassVar[tuple[str, ...]] = ()
    #: Those of `headers` whose whole value is a token, which may come from a service instead of the target file.
    token_headers: ClassVar[tuple[str, ...]] = ()
    #: Those of `headers` whose whole value is the id of an access key. Some checks send a random id there.
    key_id_headers: ClassVar[tuple[str, ...]] = ()
    #: Query and form parameters that hold credentials.
    parameters: ClassVar[tuple[str, ...]] = ()
    #: Query parameters whose values differ in every run: signatures, nonces, times, random ids.
    fresh_parameters: ClassVar[tuple[str, ...]] = ()
    #: Reply headers that hold credentials.
    reply_headers: ClassVar[tuple[str, ...]] = ()
    #: Fields of request bodies that hold credentials.
    body_fields: ClassVar[tuple[str, ...]] = ()
    #: Further public words of requests, separated by blanks: headers and parameters without credentials, algorithms.
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
        """The keys whose values are secret: those with `writeOnly` in their JSON Schema."""
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
        """Words that are not secret: `words`, and the names of headers, parameters and fields."""
        return frozenset((*cls.words.split(), *cls.headers, *cls.parameters, *cls.reply_headers, *cls.body_fields))

    @property
    def urls(self) -> tuple[str, ...]:
        """The values of `url_keys`."""
        return tuple(str(getattr(self, key)) for key in self.url_keys)

    @property
    def scope(self) -> str:
        """The value of `scope_key`, which identifies the account or project; "" if there is none."""
        return str(getattr(self, self.scope_key, None) or "")
