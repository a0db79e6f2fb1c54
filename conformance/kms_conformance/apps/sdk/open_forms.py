"""Forms of a client's request that the documents leave open: a target may serve or refuse such a request.

The request is compared with the documented fields and types, and with the request of this suite for the same operation.
The profile lists the accepted refusals of each form (`refusals`), and the erratum that explains why it is open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from kms_conformance.catalogue.api import Operation
from kms_conformance.catalogue.profile import Profile, Refusal
from kms_conformance.client.answer import Answer
from kms_conformance.dialects.base import Dialect, Raw
from kms_conformance.wire.contents import fields
from kms_conformance.wire.credentials import credential_places
from kms_conformance.wire.messages import Request

_PROBE = "kms-conformance-probe"
# Names of refusals in the profile, by the kind of difference. A profile that lacks one leaves that form not open.
_OTHER_TYPE_OF_WINDOW = "window_other_type"
_OTHER_TYPE = "field_other_type"
_NOT_LISTED = "unknown_field"
_CONTENT_TYPE = "no_content_type"
_NAMES_OF_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


@dataclass(frozen=True)
class OpenForm:
    """A difference between a client's request and the documented one that the documents leave open.

    - tells: the difference, in words.
    - refusal: the answers that are accepted if the target refuses the request.
    - erratum: the id of the erratum; "" if the profile names none.
    """

    tells: str
    refusal: Refusal
    erratum: str

    @property
    def reason(self) -> str:
        """Why the refusal is nobody's fault."""
        return f"{self.tells}. The documents leave open whether a target serves such a request: {self.refusal.reason}"


class OpenForms:
    """The open forms in the requests of one client at one target.

    A form that the target has served explains no later refusal.
    """

    def __init__(self, dialect: Dialect, profile: Profile) -> None:
        self._dialect = dialect
        self._profile = profile
        self._served: set[str] = set()

    def note(self, answer: Answer) -> None:
        """Note the forms of a request that the target has served."""
        if answer.accepted:
            self._served.update(form.tells for form in self._forms(answer))

    def explain(self, answer: Answer) -> OpenForm | None:
        """The form that explains a refusal; None if no form does. The answer holds the client's own request."""
        if answer.accepted:
            return None
        forms = (form for form in self._forms(answer) if form.refusal.admits(answer.status, answer.code))
        return next((form for form in forms if form.tells not in self._served), None)

    def _forms(self, answer: Answer) -> Iterator[OpenForm]:
        if answer.operation is None:
            return
        known = self._profile.facts["refusals"]
        for name, tells in _differences(answer.request, answer.operation, self._dialect):
            if name in known and self._profile.refusal(name).or_accepted:
                yield OpenForm(tells, self._profile.refusal(name), known[name].get("erratum", ""))


def _differences(request: Request, operation: Operation, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Differences from the documented request: the name of the refusal of each, and the difference in words."""
    ours = dialect.request(operation.name, {})
    # A name that every request of the dialect has, such as the action, is documented for all operations.
    # So are those of credentials; the names of some begin with that of another, such as the version of a signature.
    places = credential_places()
    common = (
        *(found.name for found in fields(ours)),
        *(name.lower() for name in (*places.parameters, *places.fresh_parameters)),
    )
    documented = {name.lower(): kind for name, kind in operation.parameters.items()}
    body = _body(request)
    for name, value in body.items():
        wanted, sent = documented.get(name.lower()), _NAMES_OF_TYPES[type(value)]
        if wanted and sent != wanted and (sent, wanted) != ("integer", "number"):
            told = f"The client sends {name} as JSON type {sent}, and the documents have type {wanted}"
            yield (_OTHER_TYPE_OF_WINDOW if name.lower() in _windows(dialect) else _OTHER_TYPE), told
    in_query = (name for name, _ in parse_qsl(request.query, keep_blank_values=True))
    for name in dict.fromkeys((*body, *in_query)):
        if name.lower() not in documented and not name.lower().startswith(common):
            yield _NOT_LISTED, f"The client sends {name}, which the documents do not list for this operation"
    sent_type, our_type = (_header(each, "Content-Type") for each in (request, ours))
    if our_type is not None and sent_type != our_type:
        yield _CONTENT_TYPE, f"The client sends Content-Type {sent_type}, and the documents have {our_type}"


def _windows(dialect: Dialect) -> frozenset[str]:
    """The names of the field that holds the waiting period, in lower case."""
    probe = dialect.request("schedule", {"window": Raw(_PROBE)})
    return frozenset(found.name for found in fields(probe) if _PROBE in found.texts)


def _body(request: Request) -> Mapping[str, Any]:
    """The members of a JSON object, or the pairs of a form, in the body."""
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)) if request.body else {}
    return value if isinstance(value, dict) else {}


def _header(request: Request, name: str) -> str | None:
    return next((value for found, value in request.headers if found.lower() == name.lower()), None)
