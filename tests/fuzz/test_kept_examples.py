"""Kept examples: a failure that one seed found is found again by runs with any other, before anything else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no types; the product does not use it
import pytest
from click.testing import CliRunner

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.cli.run import run
from kms_conformance.core import specs
from kms_conformance.core.runtime import Draws
from kms_conformance.core.tier import DEFAULT_SEED, EFFORTS
from kms_conformance.emulator import Inbound, Outbound
from kms_conformance.emulator.messages import reply
from kms_conformance.recording.draws import PlayedDraws
from kms_conformance.run.settings import Settings, chosen_seed
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.examples import ExampleFolder, KeptExample
from kms_conformance.target import TargetError

# Two valid requests, which do not find the fault; and requests at the boundaries of every field, which do.
FEW = replace(EFFORTS["smoke"], fuzz_examples=2)
MANY = replace(FEW, fuzz_coverage=True)
EXAMPLE = KeptExample(
    "huawei",
    "schedule",
    Draft("POST", headers=(("Content-Type", "application/json"),), body=b'{"key_id": "\xe9", "pending_days": "7"}'),
    "enabled",
    own_values=False,
    requirements=("reply.no-server-error",),
    found={"seed": 5, "suite": "0.1.0", "date": "2026-11-30"},
)
SCHEMA = json.loads((specs.SPECS / "schemas" / "example.schema.json").read_text(encoding="utf-8"))
FAULT = {"reply.status"}


def odd_at_lists(inbound: Inbound, outbound: Outbound) -> Outbound:
    """An undocumented status if the window to schedule with is a list."""
    if inbound.operation != "schedule" or not isinstance(inbound.parameters.get("pending_days"), list):
        return outbound
    return reply(422, outbound.headers, {}, outbound.encode)


class Stored(Draws):
    """The drawn values of a run by purpose, in their order."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def drew(self, of: str, value: object, /) -> None:
        self.lines.append({"drawn": of, "value": value})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "examples"


def test_what_an_exploring_run_found_is_found_by_each_later_run(scene, folder: Path) -> None:
    exploring = scene("huawei", filters=[odd_at_lists], effort=MANY, seed=5)
    exploring.kms.examples = ExampleFolder(folder, keeps=True)
    assert exploring.fuzz("schedule") == FAULT
    (path,) = folder.iterdir()
    text = path.read_text(encoding="ascii")
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert json.loads(text)["requirements"] == sorted(FAULT)
    secrets = [exploring.emulator.base_url, *exploring.kms.pool.keys, "EXAMPLE-TOKEN-OF-THE-EMULATOR"]
    assert [secret for secret in secrets if secret in text] == []

    assert scene("huawei", filters=[odd_at_lists], effort=FEW).fuzz("schedule") == set()
    later = scene("huawei", filters=[odd_at_lists], effort=FEW)
    later.kms.examples = ExampleFolder(folder)
    draws = Stored()
    later.kms.client.world = replace(later.kms.client.world, draws=draws)
    assert later.fuzz("schedule") == FAULT
    purposes = [line["drawn"] for line in draws.lines]
    assert purposes[0].startswith("examples of")
    # A verifier has no folder, and gets the examples from the recording.
    played = PlayedDraws(draws.lines, again=True)
    assert played.given(purposes[0], ()) == [json.loads(text)]

    healthy = scene("huawei", effort=FEW)
    healthy.kms.examples = ExampleFolder(folder)
    assert healthy.fuzz("schedule") == set()


def test_generated_requests_are_the_same_with_examples_and_without(scene, folder: Path) -> None:
    ExampleFolder(folder, keeps=True).keep(EXAMPLE)

    def sent(examples: ExampleFolder) -> list[bytes]:
        """The bodies of the requests, with the place of each key of the run instead of its id."""
        found = scene("huawei", effort=FEW)
        found.kms.examples = examples
        bodies: list[bytes] = []
        send = found.kms.client.send_if_allowed
        found.kms.client.send_if_allowed = lambda *given: bodies.append(given[0].body) or send(*given)
        found.fuzz("schedule")
        for place, key in enumerate(found.kms.pool.keys):
            bodies = [body.replace(key.encode(), b"%d" % place) for body in bodies]
        return bodies

    without = sent(ExampleFolder())
    _, *after = sent(ExampleFolder(folder))
    assert after == without


def test_an_example_is_read_as_it_was_written(folder: Path) -> None:
    keeping = ExampleFolder(folder, keeps=True)
    keeping.keep(EXAMPLE)
    keeping.keep(replace(EXAMPLE, found=EXAMPLE.found | {"seed": 6}))
    assert keeping.of("huawei", "schedule") == (EXAMPLE,)
    assert keeping.of("huawei", "cancel") == keeping.of("aws", "schedule") == ()
    assert [path.name for path in folder.iterdir()] == [EXAMPLE.name]


def test_the_folder_is_bounded(folder: Path) -> None:
    keeping = ExampleFolder(folder, keeps=True)
    for number in range(30):
        keeping.keep(replace(EXAMPLE, draft=Draft("POST", body=b"%d" % number)))
    keeping.keep(replace(EXAMPLE, operation="cancel", draft=Draft("POST", body=b"x" * 100_000)))
    assert len(list(folder.iterdir())) == 20


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 5])
def test_only_another_seed_than_the_default_adds_examples(seed: int, folder: Path) -> None:
    Settings((), None, "smoke", seed, examples=str(folder)).kept_examples.keep(EXAMPLE)
    assert folder.exists() == (seed != DEFAULT_SEED)


DAMAGES = {
    "{": "It cannot be read",
    "[]": "not valid by example.schema.json",
    json.dumps(EXAMPLE.to_json() | {"format": 2}): "not valid by example.schema.json",
    json.dumps(EXAMPLE.to_json() | {"more": 1}): "not valid by example.schema.json",
    json.dumps(EXAMPLE.to_json()) + " " * 70_000: "too long",
}


@pytest.mark.parametrize("content", DAMAGES)
def test_a_file_that_cannot_be_used_is_reported_before_the_first_request(content: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "package.json").write_text("of another program")
    (folder / EXAMPLE.name).write_text(content)
    with pytest.raises(TargetError, match=DAMAGES[content]) as raised:
        ExampleFolder(folder).check()
    assert EXAMPLE.name in str(raised.value)
    assert "Delete it" in str(raised.value)


def test_an_example_names_a_dialect_and_an_operation_that_exist() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(EXAMPLE.to_json())
    assert set(EXAMPLE.requirements) <= Catalogue.load("huawei").requirements.keys()


def test_seeds() -> None:
    assert chosen_seed("7") == 7
    assert len({chosen_seed("random") for _ in range(3)}) == 3
    found = CliRunner().invoke(run, ["--seed", "soon"])
    assert found.exit_code == 2
    assert "'soon' is neither a whole number nor `random`." in found.output
    found = CliRunner().invoke(run, ["--seed", "random", "--shard", "1/2"])
    assert found.exit_code == 2
    assert "give --seed the same number" in found.output
