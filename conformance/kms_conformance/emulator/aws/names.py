"""How keys and aliases are named in this dialect: by id, by ARN and, where an operation allows it, by alias."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kms_conformance.emulator.aws.credentials import ACCOUNT_ID, REGION
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service

_HERE = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ELSEWHERE = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/.+")


def key_arn(key: Key) -> str:
    """The full name of a key."""
    return f"{_HERE}key/{key.id}"


def alias_arn(alias: str) -> str:
    """The full name of an alias."""
    return _HERE + alias


def bare(name: object) -> object:
    """The id in a key's full name; any other value as it is."""
    return name.removeprefix(f"{_HERE}key/") if isinstance(name, str) else name


class Names:
    """Finds the id that a name stands for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def id_of(self, name: str, *, or_alias: bool = False) -> str:
        """The id of the key that is meant; whether there is such a key shows later. Raises `Refused`."""
        local = name.removeprefix(_HERE)
        if local.startswith("alias/"):
            problem = None if or_alias else "alias_as_key"
            if problem is not None:
                problem = self._service.decisions.parameter_problem(problem, "KeyId", name)
            if problem is not None:
                raise Refused(problem)
            return self._service.store.by_alias(local).id
        if _ELSEWHERE.fullmatch(local):
            raise Refused("unknown_key", f"Key '{name}' does not exist")
        local = local.removeprefix("key/") if name != local else local
        if not _ID.fullmatch(local):
            problem = self._service.decisions.parameter_problem("malformed_key", "KeyId", name)
            if problem is not None:
                raise Refused(problem, f"Invalid keyId '{name}'")
        return local
