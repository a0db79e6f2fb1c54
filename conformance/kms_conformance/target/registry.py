"""The registry of ways to sign in: built-in, from installed packages, and registered by a program at run time.

A package adds a way by an entry point of the group `kms_conformance.ways` that names its class.

The built-in ways are loaded like plug-ins: this module imports `kms_conformance.auth` by name on first use, although
`auth` is a higher layer. import-linter does not see this import. `kms_conformance.core.specs` names the modules of
adapters and emulators in the same way. There were two alternatives:

- An entry point of our own package. Then no target file could be read from a source tree without installation metadata.
- Registration by every program that reads target files: commands, the pytest plug-in, workers, tools.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from kms_conformance.core import specs
from kms_conformance.core.spelling import suggestion
from kms_conformance.target.auth import Auth, shared_schemas
from kms_conformance.target.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUP = "kms_conformance.ways"
#: The package whose `WAYS` are the built-in classes; imported on first use.
_BUILT_IN = "kms_conformance.auth"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Names of headers, parameters and fields. They become parts of patterns.
_WIRE_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_NAMES_OF = (
    *("headers", "token_headers", "key_id_headers", "reply_headers"),
    *("parameters", "fresh_parameters", "body_fields"),
)

_registered: list[type[Auth]] = []


def ways() -> tuple[type[Auth], ...]:
    """All ways to sign in, the built-in ones first. Raises `TargetError` if an installed one is unusable."""
    return (*_installed(), *_registered)


def way_named(name: str) -> type[Auth]:
    """The class of the way with this name; raises `KeyError` if there is none."""
    return {kind.way: kind for kind in ways()}[name]


def ways_of(dialect: str, profile: str = "documents") -> tuple[type[Auth], ...]:
    """The ways of a dialect. If the profile lists ways (`auth_ways`), only these, in that order.

    Raises `TargetError` if the profile lists a way that the dialect lacks.
    """
    own = {kind.way: kind for kind in ways() if dialect in kind.dialects}
    # The dialect of another package may have no ways of its own. Its profile then lists ways of other dialects.
    known = own or {kind.way: kind for kind in ways()}
    named: Sequence[str] = specs.facts(dialect, profile).get("auth_ways", tuple(known))
    for name in named:
        if name not in known:
            raise TargetError(
                f"The profile {profile} of the dialect {dialect} cannot be used.",
                f"Its `auth_ways` lists {name}, and the dialect has no such way to sign in.",
                suggestion(name, known),
            )
    return tuple(known[name] for name in named)


def register(kind: type[Auth]) -> None:
    """Add a way in this process; raises `ValueError` if the class is incomplete or its name is taken."""
    _registered.append(_checked(kind, ways()))


def unregister(kind: type[Auth]) -> None:
    """Remove a registered way."""
    _registered.remove(kind)


@cache
def _installed() -> tuple[type[Auth], ...]:
    found: list[type[Auth]] = list(import_module(_BUILT_IN).WAYS)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found.append(_loaded(point, found))
    return tuple(found)


def _loaded(point: EntryPoint, known: Sequence[type[Auth]]) -> type[Auth]:
    try:
        return _checked(point.load(), known)
    except Exception as error:
        package = point.dist.name if point.dist is not None else "a package"
        raise TargetError(
            f"The way to sign in {point.name} of {package} cannot be used.",
            f"Loading {point.value} failed: {error}.",
            f"Fix {package}, or uninstall it.",
        ) from error


def _checked(kind: type[Auth], known: Sequence[type[Auth]]) -> type[Auth]:
    if not (isinstance(kind, type) and issubclass(kind, Auth)) or inspect.isabstract(kind):
        raise ValueError(f"{kind!r} is not a complete way to sign in")
    taken = {*shared_schemas(), *(other.way for other in known)}
    if not _NAME.fullmatch(kind.way) or kind.way in taken:
        raise ValueError(f"the name {kind.way!r} of a way to sign in is malformed or taken")
    for attribute in _NAMES_OF:
        names = getattr(kind, attribute)
        if not isinstance(names, tuple) or not all(
            isinstance(name, str) and _WIRE_NAME.fullmatch(name) for name in names
        ):
            raise ValueError(f"{attribute} of {kind.way} must be a tuple of names")
    reserved = sorted({*kind.key_names()} & {*dir(Auth)})
    if reserved:
        raise ValueError(f"{kind.way} has a key {reserved[0]}, which is an attribute of all ways")
    unknown = sorted({*kind.url_keys, kind.scope_key, *(kind.wrong_value or ())[:1]} - {*kind.key_names(), ""})
    if unknown:
        raise ValueError(f"{kind.way} has no key {unknown[0]}")
    shown = sorted(field.name for field in fields(kind) if field.repr and field.name in kind.credentials())
    if shown:
        raise ValueError(f"repr would show the credential {shown[0]} of {kind.way}")
    return kind
