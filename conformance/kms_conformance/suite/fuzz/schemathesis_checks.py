"""Schemathesis's own checks, applied to replies as far as the documents support them."""

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

# Each check of Schemathesis that is used, with the requirement that its failure breaks. None stands for the
# requirements that the schema of the reply names.
#
# The following checks are not used, because the documents do not demand them or because other code judges the same more
# exactly:
#   not_a_server_error            the exchange rules distinguish a 500 from a proxy's answer while the service is down
#   content_type_conformance      the adapters know vendor types such as text/json, and XML on request
#   response_headers_conformance  the only documented header is the request id, which the exchange rules judge
#   negative_data_rejection       the documents leave open unlisted fields, other JSON types, absent windows, lengths
#   positive_data_acceptance      valid data may be refused for unknown keys, states, taken aliases and quotas
#   unsupported_method, allow_header_conformance, ignored_auth   other families judge them by the documented codes
#   missing_required_header       no operation requires a header
#   use_after_free, ensure_resource_availability   a key that is scheduled for deletion must still be readable
#   object_level_authorization    a target file has one account
_CHECKS: Mapping[CheckFunction, RequirementId | None] = {
    status_code_conformance: "reply.status",
    response_schema_conformance: None,
}


def objections(generator: Generator, answer: Answer) -> Iterator[tuple[RequirementId, str]]:
    """Pairs (requirement, problem) for each failed check; none for replies that could not be decoded."""
    operation, spec = answer.operation, answer.spec
    # Schemathesis cannot read XML. The exchange rules have judged an undocumented content type already.
    if answer.front is not None:
        return
    if operation is None or spec is None or answer.problems or answer.reply.media_type not in spec.content_types:
        return
    described = generator.operation(operation.id)
    case = described.Case(path_parameters={parameter.name: "any" for parameter in described.path_parameters})
    received = response(answer.reply.status, answer.reply.body, answer.reply.headers)
    for check, requirement in _CHECKS.items():
        if requirement is None and spec.violations(answer.value):
            # The exchange rules have judged this violation, and they name the one requirement that it breaks.
            continue
        broken = spec.requirements if requirement is None else {requirement}
        for complaint in complaints(case, received, check):
            yield from ((name, complaint) for name in sorted(broken))


def response(status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> schemathesis.Response:
    """A reply as an object of Schemathesis."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return schemathesis.Response(status, values, body, _placeholder_request(), elapsed=0.0, verify=True)


@cache
def _placeholder_request() -> PreparedRequest:
    """One request for all replies, because the checks do not read it and preparing one costs as much as a check."""
    return Unprepared("GET", "http://target.invalid/").prepare()
