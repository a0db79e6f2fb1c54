"""Hooks for Schemathesis (`SCHEMATHESIS_HOOKS`): sign every request, and map RPC actions to their one path.

A user of Schemathesis must write the same for such a service. An RPC service has one path, and the document has one for
each action. A signature covers the request that is sent, so both changes happen just before sending.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import schemathesis
from requests import PreparedRequest
from requests.auth import AuthBase

from benchmarks.settings import TARGET
from kms_conformance.auth import Signer, signer_for
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.target import load_target
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session


class Credentials(AuthBase):
    """Signs requests with a target's credentials; paths of actions become the parameter Action."""

    def __init__(self, signer: Signer, document: Mapping[str, Any]) -> None:
        self._signer = signer
        self._version = document["info"]["version"]
        self._actions = {
            path: operation["x-kms-action"]
            for path, item in document["paths"].items()
            for operation in item.values()
            if isinstance(operation, dict) and "x-kms-action" in operation
        }

    def __call__(self, prepared: PreparedRequest) -> PreparedRequest:
        """The signed request, with the action as a parameter."""
        body = prepared.body or b""
        request = Request(
            str(prepared.method),
            str(prepared.url),
            tuple((name, _text(value)) for name, value in prepared.headers.items()),
            body.encode() if isinstance(body, str) else bytes(body),
        )
        action = self._actions.get(request.path)
        if action is not None:
            own = f"Action={action}&Version={self._version}&Format=JSON"
            request = request.with_target("/", f"{own}&{request.query}" if request.query else own)
        signed = self._signer.sign(request)
        prepared.url = signed.url
        prepared.headers.clear()
        prepared.headers.update(signed.headers)
        return prepared


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def install() -> None:
    """Sign every request of this process with the credentials of the target file named in the environment."""
    target = load_target(os.environ[TARGET])
    signer = signer_for(target, Session(target.limits, target.urls, verify=target.verify))
    document = Api.load(Profile.load(target.dialect, target.profile)).document
    schemathesis.auth.set_from_requests(Credentials(signer, document))  # type: ignore[attr-defined] # set at run time


# Tests import this module without a target.
if TARGET in os.environ:
    install()
