"""A second opinion on replies: Schemathesis's own checks, as far as the documents bear them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import schemathesis
from requests import PreparedRequest
from requests import Request as Unprepared
from schemathesis.checks import CheckFunction

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.suite.fuzz.adapter import complaints, response_schema_conformance, status_code_conformance
from kms_conformance.suite.fuzz.generator import Generator

# What a failure of a check breaks; None stands for what the schema of the reply itself names.
#
# Left out, because the documents do not say so much, or because others judge it better:
#   not_a_server_error            the examiner tells 500 from what a proxy answers when the service is out
#   content_type_conformance      the adapter knows more: a vendor's text/json, XML where it was asked for
#   response_headers_conformance  no header is documented but the request id, which the examiner judges
#   negative_data_rejection       unlisted fields, other JSON types, absent windows and many lengths are left open
#   positive_data_acceptance      valid data meets unknown keys, states, aliases that are taken, and quotas
#   unsupported_method, allow_header_conformance, ignored_auth   judged by the documents' own codes, in other families
#   missing_required_header       no operation has a header of its own
#   use_after_free, ensure_resource_availability   a key that is to be deleted can still be read, and so it must
#   object_level_authorization    there is one account
_CHECKS: Mapping[CheckFunction, RequirementId | None] = {
    status_code_conformance: "reply.status",
    response_schema_conformance: None,
}


def objections(generator: Generator, answer: Answer) -> Iterator[tuple[RequirementId, str]]:
    """(requirement, what is wrong) for every objection to a reply that can be read."""
    operation, spec = answer.operation, answer.spec
    # Schemathesis reads no XML, and what is declared as something else has been judged already.
    if operation is None or spec is None or answer.problems or answer.reply.media_type not in spec.content_types:
        return
    described = generator.operation(operation.id)
    case = described.Case(path_parameters={parameter.name: "any" for parameter in described.path_parameters})
    received = response(answer.reply.status, answer.reply.body, answer.reply.headers)
    for check, requirement in _CHECKS.items():
        if requirement is None and spec.violations(answer.value):
            # The examiner has found what is wrong, and knows which requirement of several it breaks.
            continue
        broken = spec.requirements if requirement is None else {requirement}
        for complaint in complaints(case, received, check):
            yield from ((name, complaint) for name in sorted(broken))


def response(status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> schemathesis.Response:
    """A reply as Schemathesis reads it."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return schemathesis.Response(status, values, body, _asked(), elapsed=0.0, verify=True)


@cache
def _asked() -> PreparedRequest:
    """What every reply answers, for all that Schemathesis's checks look at: to prepare it costs as much as a check."""
    return Unprepared("GET", "http://target.invalid/").prepare()
