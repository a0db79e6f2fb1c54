"""Who is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kms_conformance.emulator.aws import credentials, sigv4
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.replies import Inbound
    from kms_conformance.emulator.service import Service

_HERE = (credentials.REGION, "kms")


def admit(service: Service, inbound: Inbound) -> None:
    """Raises `Refused` unless the request is rightly signed; judges on real time."""
    found = sigv4.problem(inbound, credentials.ACCESS_KEYS, _HERE, service.clock.real())
    problem = service.decisions.signature_problem(found, inbound)
    if problem is not None:
        raise Refused(problem)
