"""The steps of chains, drawn along the links of the spec before the first of them is sent.

Schemathesis draws a step from the replies to earlier ones. Here it gets made-up replies: success for valid requests,
with a placeholder wherever a link reads a value. The value of the target takes its place when the step is sent. So no
reply changes which steps are drawn, and the steps of a seed can be kept in the draw cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hypothesis
import schemathesis
from hypothesis.stateful import run_state_machine_as_test

from kms_conformance.catalogue.api import Operation
from kms_conformance.suite.draw_cache import DrawCache, source_digest
from kms_conformance.suite.fuzz.adapter import is_negative
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.generator import Generator, code_digest, settings_for
from kms_conformance.suite.fuzz.schemathesis_checks import response

#: One request, as {"operation": name, "draft": JSON of a draft}. None begins a chain.
ChainStep = Mapping[str, Any] | None

# The number of requests in a chain: enough to schedule, cancel and schedule again with other requests in between.
_STEPS = 10
# They need no escapes in a URL or in JSON, so they stand in a draft as they are.
_KEY, _CIPHERTEXT = "kms-conformance-key-of-the-chain", "kms-conformance-ciphertext-of-the-chain"
_FROM_BODY = "$response.body#/"


def drawn_chains(generator: Generator, chains: int, seed: int, cache: DrawCache) -> list[ChainStep]:
    """The steps of at most `chains` chains; the same for the same numbers."""
    return cache.drawn(
        draw_inputs(generator, chains, seed),
        lambda: _generated(generator, chains, seed),
        to_json=list,
        from_json=_checked,
    )


def draw_inputs(generator: Generator, chains: int, seed: int) -> dict[str, object]:
    """All that the steps follow from, but the versions of packages; JSON types. Chains use the whole document."""
    document = hashlib.sha256(json.dumps(generator.api.document).encode()).hexdigest()
    code = [code_digest(), source_digest(Path(__file__))]
    return {"kind": "chains", "code": code, "seed": seed, "chains": chains, "document": document}


def with_values(draft: Draft, key: str, ciphertext: str | None) -> Draft:
    """The draft with the key of the chain, and with its last ciphertext if there is one, in place of placeholders."""
    for placeholder, value in ((_KEY, key), (_CIPHERTEXT, ciphertext)):
        if value is not None:
            query = draft.query.replace(placeholder, quote(value, safe="-_.~"))
            body = draft.body.replace(placeholder.encode(), json.dumps(value)[1:-1].encode())
            draft = replace(draft, query=query, body=body)
    return draft


def _checked(values: Any) -> list[ChainStep]:  # noqa: ANN401 - JSON
    """The steps of a stored entry. Raises an error of `Draft.from_json` for any other JSON."""
    for value in values:
        if value is not None:
            Draft.from_json(value["draft"])
            str(value["operation"])
    return list(values)


class _Chain:
    """Mix-in for the state machine that Schemathesis builds from the links: it stores requests and sends none."""

    generator: Generator
    drawn: list[ChainStep]

    def setup(self) -> None:
        self.drawn.append(None)

    def call(self, case: schemathesis.Case[Any], **_: object) -> schemathesis.Response:
        operation, draft = self.generator.ours(case), self.generator.draft(case)
        # A chain creates no key: the reply to `create` leads to the key that the chain begins with.
        if operation.name != "create" and draft is not None:
            self.drawn.append({"operation": operation.name, "draft": draft.to_json()})
        elif draft is None:
            return response(404, b"{}")
        if operation.name != "create" and is_negative(case):
            return response(400, b"{}")
        return response(operation.success[0], json.dumps(_made_up(self.generator, operation)).encode())

    def validate_response(self, *_: object, **__: object) -> None:
        """Do nothing: there is no reply of a target."""


def _generated(generator: Generator, chains: int, seed: int) -> list[ChainStep]:
    drawn: list[ChainStep] = []
    own = {"generator": generator, "drawn": drawn}
    machine = type("Chain", (_Chain, generator.schema.as_state_machine()), own)
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings_for(chains, _STEPS))
    return drawn


def _made_up(generator: Generator, operation: Operation) -> dict[str, Any]:
    """The body of a made-up reply: a placeholder stands wherever a link reads a value."""
    body: dict[str, Any] = {}
    raw = generator.api.document["paths"][operation.path][operation.method.lower()]
    for expression in _texts(raw["responses"][str(operation.success[0])].get("links", {})):
        if expression.startswith(_FROM_BODY):
            *steps, last = expression.removeprefix(_FROM_BODY).split("/")
            node = body
            for step in steps:
                node = node.setdefault(step, {})
            node[last] = _CIPHERTEXT if operation.name == "encrypt" else _KEY
    return body


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _texts(child)
