"""Who is let in, by token or by signature."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kms_conformance.emulator.huawei import aksk, credentials
from kms_conformance.emulator.huawei.tokens import Tokens

if TYPE_CHECKING:
    from kms_conformance.emulator.replies import Inbound
    from kms_conformance.emulator.service import Service


class Doorman:
    """Judges credentials on real time. Where a request carries both kinds, the token counts: no page chooses."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.tokens = Tokens()
        now = service.clock.real()
        year = timedelta(days=365)
        self.tokens.issue(credentials.PROJECT_ID, now, year, credentials.TOKEN)
        self.tokens.issue(credentials.OTHER_PROJECT_ID, now, year, credentials.OTHER_PROJECT_TOKEN)
        self.tokens.issue(credentials.PROJECT_ID, now - timedelta(hours=25), text=credentials.EXPIRED_TOKEN)

    def problem(self, inbound: Inbound, project_id: str | None) -> str | None:
        """Why the request is not let in to a project, or (None) to an address without one; None when it is."""
        decisions = self._service.decisions
        now = self._service.clock.real()
        token = inbound.header("x-auth-token")
        if token:
            return decisions.token_problem(self.tokens.problem(token, project_id, now), inbound)
        if (inbound.header("authorization") or "").startswith(aksk.ALGORITHM):
            return decisions.signature_problem(self._signature_problem(inbound, project_id), inbound)
        return decisions.token_problem("no_credentials", inbound)

    def _signature_problem(self, inbound: Inbound, project_id: str | None) -> str | None:
        secrets = {credentials.ACCESS_KEY_ID: credentials.ACCESS_KEY_SECRET}
        found = aksk.problem(inbound, secrets, self._service.clock.real())
        if found is not None or project_id is None:
            return found
        claimed = inbound.header("x-project-id") or project_id
        return None if claimed == project_id == credentials.PROJECT_ID else "wrong_project"
