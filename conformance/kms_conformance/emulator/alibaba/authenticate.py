"""Who is let in, by either version of the signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kms_conformance.emulator.alibaba import credentials, v1, v3
from kms_conformance.emulator.alibaba.nonces import Nonces
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.alibaba.pairs import Pairs
    from kms_conformance.emulator.replies import Inbound
    from kms_conformance.emulator.service import Service


class Doorman:
    """Judges signatures on real time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._nonces = Nonces()

    def admit(self, inbound: Inbound, pairs: Pairs) -> None:
        """Raises `Refused` unless the request is rightly signed; `pairs` are all parameters of query and form."""
        found = self._found(inbound, pairs)
        problem = self._service.decisions.signature_problem(found.refusal if found else None, inbound)
        if problem is None:
            return
        if found is None or found.refusal != problem or not found.string_to_sign:
            raise Refused(problem)
        # An official client takes this message apart at its colon and fails where there is none.
        told = "Specified signature is not matched with our calculation. server string to sign is:"
        raise Refused(problem, told + found.string_to_sign)

    def _found(self, inbound: Inbound, pairs: Pairs) -> v1.Found | None:
        now = self._service.clock.real()
        if not (inbound.header("authorization") or "").startswith(v3.ALGORITHM):
            return v1.problem(inbound.method, pairs, credentials.ACCESS_KEYS, self._nonces, now)
        refusal = v3.problem(inbound, credentials.ACCESS_KEYS, self._nonces, now)
        # The same client never signs by version 3, so that there is no text to show it.
        return None if refusal is None else v1.Found(refusal, v3.ALGORITHM if refusal == "wrong_signature" else "")
