"""The table of all that the specs say is asked: operation, state, name of the key, caller, form of the request.

The whole product would be too large for a run, so that the table has pairs of them. Each pair is one cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from fnmatch import fnmatchcase

from kms_conformance.auth import Sabotage
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, PENDING_IMPORT
from kms_conformance.core import specs
from kms_conformance.dialects import adapter
from kms_conformance.suite.near_misses import KINDS

#: The form of a request that an adapter makes.
PLAIN = "plain"
_OF_KEYS = (ENABLED, DISABLED, PENDING, PENDING_IMPORT)
_FIELDS = ("subject", "place", "what", "name")


@dataclass(frozen=True, order=True)
class Cell:
    """One thing to ask.

    - subject: `state`, `caller`, `form` or `near miss`.
    - place: an operation, or an operation and the argument that names a key, with a dot between them.
    - what: the state of the key, the refusal of the caller, the form of the request, or the kind of near miss.
    - name: the form of the key's name, such as `alias`; `ciphertext` for a key that only a ciphertext names; for forms,
      the state of the key; else empty.
    """

    subject: str
    place: str
    what: str
    name: str = ""

    @property
    def critical(self) -> bool:
        """Whether the cell is a call without valid credentials, or a call on a pending key."""
        return self.subject == "caller" or PENDING in (self.what, self.name)

    def __str__(self) -> str:
        return " · ".join(part for part in astuple(self) if part)


@dataclass(frozen=True)
class Exclusion:
    """A pattern of cells that no run asks, or not at smoke; the reason stands beside it in the specs.

    - subject, place, what, name: patterns as of file names.
    - smoke_only: whether higher tiers ask them; they are left out for their price alone.
    - requests: the number of requests that they would cost at smoke; 0 if no tier asks them.
    """

    subject: str
    place: str
    what: str
    name: str
    reason: str
    smoke_only: bool = False
    requests: int = 0

    def covers(self, cell: Cell) -> bool:
        """Whether the pattern covers a cell."""
        return all(fnmatchcase(getattr(cell, field), getattr(self, field)) for field in _FIELDS)


def exclusions(dialect: str) -> tuple[Exclusion, ...]:
    """The exclusions in `specs/<dialect>/coverage.yaml`."""
    found = []
    for entry in specs.load(f"{dialect}/coverage.yaml")["excluded"]:
        patterns = {field: entry.get(field, "*") for field in _FIELDS}
        smoke = entry.get("tier") == "smoke"
        found.append(Exclusion(**patterns, reason=entry["reason"], smoke_only=smoke, requests=entry.get("requests", 0)))
    return tuple(found)


def cells(profile: Profile, sabotages: tuple[Sabotage, ...]) -> frozenset[Cell]:
    """All cells of a dialect in a profile; `sabotages` are the faulty signers of a way to sign in."""
    api, dialect = Api.load(profile), adapter(profile, "http://localhost", "")
    forms = (PLAIN, *dialect.forms)
    return frozenset(
        (
            *_of_states(profile, api),
            *(
                Cell("caller", operation, sabotage.refusal)
                for operation in api.operations
                if not api.is_public(operation)
                for sabotage in sabotages
            ),
            *(Cell("form", operation, form) for operation in api.operations for form in forms),
            *_of_forms(profile, api, forms),
            *(
                Cell("near miss", place, kind, name)
                for place, names in profile.key_names.items()
                for kind in KINDS
                for name in names
            ),
        )
    )


def _of_states(profile: Profile, api: Api) -> Iterator[Cell]:
    for place, names in profile.key_names.items():
        operation = place.partition(".")[0]
        if operation in api and operation in profile.facts["lifecycle"]:
            yield from (Cell("state", place, state, name) for state in _states(profile) for name in names)
    for operation in ("decrypt", "re_encrypt"):
        if operation in api:
            yield from (Cell("state", operation, state, "ciphertext") for state in _states(profile))


def _of_forms(profile: Profile, api: Api, forms: tuple[str, ...]) -> Iterator[Cell]:
    for operation, by_state in profile.facts["lifecycle"].items():
        for state in _states(profile) if operation in api else ():
            if state in by_state:
                yield from (Cell("form", operation, form, state) for form in forms)


def _states(profile: Profile) -> list[str]:
    """The states into which a run brings keys; waiting for material is one only where the profile has such keys."""
    return [state for state in _OF_KEYS if state != PENDING_IMPORT or profile.facts["external_keys"]]
