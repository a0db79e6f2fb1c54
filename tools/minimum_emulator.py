"""Write docs/minimum-emulator.md from the specs: `python -m tools.minimum_emulator`.

The page tells authors of emulators which operations, fields and refusals must be there before a run makes sense.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from kms_conformance.catalogue.api import Api, Operation, resolved
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.wanted import wanted
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.core import specs
from kms_conformance.core.tier import EFFORTS

PAGE = Path(__file__).parent.parent / "docs" / "minimum-emulator.md"
_STATES = (ENABLED, DISABLED, PENDING)
_FIELDS_DEEP = 3
# How requests reach an operation, in the words of the vendors.
_ROUTES = {
    "huawei": "Requests are `POST /v1.0/{project_id}/kms/OPERATION` with a JSON body and the header `X-Auth-Token`.",
    "alibaba": (
        "Requests are `GET /?Action=OPERATION&…` or a form by `POST /`, with the public parameters of RPC APIs and a "
        "signature. Replies, errors too, are XML for `Format=XML`, and JSON for `Format=JSON`."
    ),
    "aws": "Requests are `POST /` with the header `X-Amz-Target: TrentService.OPERATION` and a JSON body.",
}
_ABOUT = """\
# The minimum emulator

What an emulator must have before a run of the suite makes sense. `python -m tools.minimum_emulator` writes this
page from `specs/`; the facts are those of the profile `documents`. How to run and seal is on
[certify-your-emulator.md](certify-your-emulator.md).

- **Begin with** `create`, `describe`, `list`, `disable` and `enable`. The first checks create a key, find it again,
  disable and enable it. Where that does not work, nearly everything else is inconclusive.
- **Then** `schedule` and `cancel`, then what a key is used for. Each table is in that order.
- **Keep state.** An endpoint that answers without keeping keys passes nothing.
- A reply may have further fields. Where an operation that is not in a table is missing, its requirements are
  inconclusive with the name of the operation, until [a profile of your
  own](certify-your-emulator.md#operations-that-you-do-not-offer) says that you do not offer it.
- An unknown key is refused by every operation that names a key, with the answer in the last row of each table.
"""
_CERTIFICATE = """\
Only a run at `standard` or `nightly` is sealed as a certificate.

## What a certificate says, and what not

- It is about one endpoint at one time. It has no last day: the statement tells the date of the run and the age of
  the documents, and [compare-runs.md](compare-runs.md) shows what changed since.
- It says nothing about what the documents leave open (the statement lists these choices), about load, durability or
  cryptographic strength, or about operations that no requirement names.
- Without `time_control` or a [planted key](waiting-period.md), the end of the waiting period was not tested; the
  verdict says so."""


def page() -> str:
    """The page in Markdown; equal specs give equal pages."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _ABOUT
    for dialect in specs.emulated():
        yield f"## {dialect}"
        yield ""
        yield _ROUTES[dialect]
        yield _window(Profile.load(dialect))
        yield ""
        yield from _table(Api.of(dialect, "documents"), Profile.load(dialect))
        yield ""
    yield from _tiers()


def _table(api: Api, profile: Profile) -> Iterator[str]:
    yield "| operation | mandatory in the request | a reply with 200 has | enabled key | disabled | pending deletion |"
    yield "|---|---|---|---|---|---|"
    for operation in _in_order(api):
        states = " | ".join(_answer(profile, operation, state) for state in _STATES)
        yield f"| `{operation.id}` | {_mandatory(api, operation)} | {_has(operation)} | {states} |"
    yield f"| every operation on an unknown key | | | {profile.refusal('unknown_key')} | | |"


def _window(profile: Profile) -> str:
    """The bounds of the waiting period, and the state after cancelling."""
    window = profile.window
    default = "" if window.default is None else f", {window.default} where the request has none"
    return (
        f"The waiting period is {window.minimum} to {window.maximum} days, both included{default}. After cancelling, "
        f"the key is {profile.facts['after_cancel']}."
    )


def _in_order(api: Api) -> list[Operation]:
    """The operations that the lifecycle needs, in the order in which an author builds them."""
    first = ("create", "describe", "list", "disable", "enable", "schedule", "cancel")
    needed = [operation for operation in api.operations.values() if not operation.beside]
    return sorted(needed, key=lambda one: first.index(one.name) if one.name in first else len(first))


def _answer(profile: Profile, operation: Operation, state: str) -> str:
    lifecycle: Mapping[str, Mapping[str, str]] = profile.facts["lifecycle"]
    if operation.name not in lifecycle:
        return ""
    refusal = profile.refusal_in(operation.name, state)
    return "200" if refusal is None else str(profile.refusal(refusal))


def _mandatory(api: Api, operation: Operation) -> str:
    raw: Mapping[str, Any] = api.document["paths"][operation.path][operation.method.lower()]
    body = resolved(raw.get("requestBody", {}), api.document)
    schemas = [resolved(media.get("schema", {}), api.document) for media in body.get("content", {}).values()]
    named = [name for schema in schemas for name in schema.get("required", ())]
    parameters = [resolved(parameter, api.document) for parameter in raw.get("parameters", ())]
    named += [each["name"] for each in parameters if each.get("required") and each["in"] == "query"]
    return ", ".join(f"`{name}`" for name in dict.fromkeys(named)) or "nothing"


def _has(operation: Operation) -> str:
    schema = operation.replies[operation.success[0]].schema or {}
    return (
        wanted(schema, _FIELDS_DEEP)
        .partition(" with ")[2]
        .replace("an object with ", "")
        .replace("an object or null with ", "")
        or "nothing mandatory"
    )


def _tiers() -> Iterator[str]:
    smoke, standard = EFFORTS["smoke"], EFFORTS["standard"]
    yield "## What `standard` adds to `smoke`"
    yield ""
    yield "Both judge every MUST. An emulator that passes `smoke` may fail `standard`, which asks more of the same:"
    yield ""
    yield "| | smoke | standard |"
    yield "|---|---|---|"
    rows = (
        ("keys at once, at most", smoke.keys, standard.keys),
        ("generated requests for each operation", smoke.fuzz_examples, standard.fuzz_examples),
        ("boundary values of every parameter", _yes(smoke.fuzz_coverage), _yes(standard.fuzz_coverage)),
        ("every sequence of so many changes of a key", smoke.history, standard.history),
        ("the same with requests that must be refused", smoke.refused_history or "no", standard.refused_history),
        ("random sequences of operations", smoke.walks, standard.walks),
        ("random sequences of linked operations", smoke.chains, standard.chains),
        ("a key that waits for imported material", "no", "yes"),
    )
    for name, *values in rows:
        yield f"| {name} | {' | '.join(map(str, values))} |"
    yield ""
    yield _CERTIFICATE


def _yes(said: bool) -> str:  # noqa: FBT001 - a cell of the table
    return "yes" if said else "no"


@click.command(help=__doc__)
def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
