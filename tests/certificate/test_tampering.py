"""Changes to sealed files that `verify` detects: by form, digests, rejudging, or signature."""

from __future__ import annotations

import io
import json
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from forging import Forgery, answer, body, edited, with_byte_changed
from sealing_runs import run

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.certify import certify
from kms_conformance.apps.certificate.contents import name_note
from kms_conformance.apps.certificate.pack import MANIFEST, MEMBERS, STATEMENT, unpack
from kms_conformance.apps.certificate.verify import Verification, verify_file
from kms_conformance.core.tier import EFFORTS
from kms_conformance.report import layout

NAME = "emulator-huawei.partial.zip"
CANCEL, DESCRIBE = "cancel.reply.key-id", "describe.reply"


def said_of(folder: Path, data: bytes, *, name: str = NAME, key: Path | None = None) -> Verification:
    path = folder / name
    path.write_bytes(data)
    return verify_file(path, key=key)


def found(verification: Verification) -> str:
    assert verification.exit_code == 1, str(verification)
    return "\n".join(verification.problems)


# --- the file ---------------------------------------------------------------------------------------------------------


def zipped(data: bytes, change: Callable[[zipfile.ZipFile], object]) -> bytes:
    """The file with an addition by a zip program."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings(action="ignore"):
        change(archive)
    return file.getvalue()


def packed_otherwise(data: bytes, kind: int, padding: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, member in unpack(data).items():
            archive.writestr(zipfile.ZipInfo(name), member + (padding if name == MANIFEST else b""), kind)
    return file.getvalue()


FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    **{f"a byte of {name}": (lambda data, name=name: with_byte_changed(data, name), "") for name in MEMBERS},
    "cut short": (lambda data: data[:-100], "cannot be unpacked"),
    "emptied": (lambda _: b"", "cannot be unpacked"),
    "a member more": (lambda data: zipped(data, lambda z: z.writestr("notes.txt", "x")), "member 'notes.txt'"),
    "a member twice": (
        lambda data: zipped(data, lambda z: z.writestr("verdict.json", "{}")),
        "two members verdict.json",
    ),
    "a name that leads out": (lambda data: zipped(data, lambda z: z.writestr("../verdict.json", "{}")), "'../verdict"),
    "a name from the root": (lambda data: zipped(data, lambda z: z.writestr("/etc/passwd", "x")), "'/etc/passwd'"),
    "a comment": (lambda data: zipped(data, lambda z: setattr(z, "comment", b"approved")), "has additional bytes, or"),
    "bytes after it": (lambda data: data + b"x", "has additional bytes, or"),
    "bytes before it": (lambda data: b"#!/bin/sh\n" + data, "has additional bytes, or"),
    "dates of its members": (lambda data: packed_otherwise(data, zipfile.ZIP_STORED), "its members are not stored as"),
    "a bomb": (
        lambda data: packed_otherwise(data, zipfile.ZIP_DEFLATED, b" " * (64 << 20)),
        "is compressed or encrypted",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_changed_as_a_file(name: str, plain: Path, tmp_path: Path) -> None:
    change, why = FILES[name]
    assert why in found(said_of(tmp_path, change(plain.read_bytes())))


def test_a_copy_under_another_name_verifies(plain: Path, tmp_path: Path) -> None:
    said = said_of(tmp_path, plain.read_bytes(), name="0.1.0-emulator-huawei.partial.zip")
    assert said.exit_code == 0, str(said)
    assert "is called" not in str(said)


@pytest.mark.parametrize(
    ("name", "noted"),
    [
        ("emulator-huawei.partial (1).zip", False),
        ("0.1.0-emulator-huawei.partial.zip", False),
        ("x", False),
        ("\u00e9.zip", False),
        ("emulator-huawei.partial-evidence.zip", True),
        ("other.certificate.zip", True),
    ],
)
def test_a_name_is_worth_a_note_where_it_says_another_kind(name: str, noted: bool, plain: Path) -> None:
    document = json.loads(unpack(plain.read_bytes())[MANIFEST])
    assert bool(name_note(Path(name), document)) is noted


def test_a_name_that_says_more_than_the_file_is_gets_a_note_and_every_line_says_what_it_is(
    plain: Path, tmp_path: Path
) -> None:
    said = said_of(tmp_path, plain.read_bytes(), name="emulator-huawei.certificate.zip")
    assert said.exit_code == 0, str(said)
    note = "is named emulator-huawei.certificate.zip; its contents were sealed as emulator-huawei.partial.zip."
    assert note in str(said)
    assert all(line.startswith("[partial: its tier is smoke, ") for line in str(said).splitlines())


# --- contents, with all digests computed again ------------------------------------------------------------------------


def without_exchange(forgery: Forgery) -> None:
    forgery.lines.remove(forgery.exchange(CANCEL))


def doubled_exchange(forgery: Forgery) -> None:
    at = forgery.lines.index(forgery.exchange(CANCEL))
    forgery.lines.insert(at, forgery.lines[at])


def other_status(forgery: Forgery) -> None:
    forgery.exchange(CANCEL)["reply"]["status"] = 202


def other_key_in_reply(forgery: Forgery) -> None:
    answer(
        forgery.exchange(CANCEL), body(forgery.exchange(CANCEL)) | {"key_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
    )


def other_plaintext(forgery: Forgery) -> None:
    """Changes a decrypted plaintext."""
    for line in forgery.lines:
        if "plain_text" in line["reply"]["body"]:
            answer(line, body(line) | {"plain_text": "another"})


def same_request_id(forgery: Forgery) -> None:
    first, last = forgery.lines[5]["reply"], forgery.exchange(CANCEL)["reply"]
    last["headers"] = first["headers"]


def other_request(forgery: Forgery) -> None:
    request = forgery.exchange(CANCEL)["request"]
    request["body"] = request["body"].replace('"key_id"', '"keyid"')


def no_reply(forgery: Forgery) -> None:
    forgery.exchange(DESCRIBE).update(reply=None, failure={"kind": "timeout", "text": "no whole reply in time"})


def set_to(name: str, **values: object) -> Callable[[Forgery], None]:
    return lambda forgery: forgery.requirement(name).update(values)


def without_requirement(forgery: Forgery) -> None:
    forgery.verdict["requirements"].remove(forgery.requirement("cancel.date-cleared"))


def more_requirements(forgery: Forgery) -> None:
    forgery.verdict["requirements"].append(forgery.requirement("cancel.effect") | {"id": "cancel.always", "judged": 0})


def all_passed(forgery: Forgery) -> None:
    for entry in forgery.verdict["requirements"]:
        if entry["verdict"] in ("not_tested", "inconclusive"):
            entry.update(verdict="not_applicable", reason="does not speak of this target")
            entry.pop("not_run", None)
    del forgery.verdict["unfinished"]
    forgery.verdict["result"] = "conformant"


def without_check(forgery: Forgery) -> None:
    forgery.environment["checks"].pop()


def whole(forgery: Forgery) -> None:
    forgery.environment.update(tier="standard", partial=[])
    forgery.verdict["tier"] = forgery.results["tier"] = "standard"


def fewer_planned(forgery: Forgery) -> None:
    forgery.environment["planned"] = sorted(forgery.environment["checks"])
    forgery.environment["partial"] = ["its tier is smoke"]


def other_seed(forgery: Forgery) -> None:
    forgery.verdict["seed"] = forgery.results["seed"] = forgery.environment["seed"] = 2


def other_target(forgery: Forgery) -> None:
    forgery.verdict["target"]["base_url"] = "https://kms.example.com"


def other_day(forgery: Forgery) -> None:
    forgery.verdict["started"] = forgery.results["started"] = "2027-01-01T00:00:00Z"


def other_isolation(forgery: Forgery) -> None:
    forgery.verdict["isolation"]["listed_after"] += 1


def without_ledger_line(forgery: Forgery) -> None:
    forgery.ledger = "".join(forgery.ledger.splitlines(keepends=True)[:-1])


SEALED_AGAIN: dict[str, tuple[Callable[[Forgery], None], str]] = {
    "an exchange is missing": (without_exchange, "recorded is"),
    "an exchange stands twice": (doubled_exchange, "recorded is"),
    "a reply has another status": (other_status, "reply.status: it failed by the exchanges up to that point"),
    "a reply names another key": (other_key_in_reply, "cancel.reply.key-id: claimed is passed"),
    "a plaintext is another one": (other_plaintext, "judged again: failed (expected what was encrypted"),
    "a request id stands twice": (same_request_id, "reply.request-id: claimed is "),
    "a request is another one": (other_request, "with the body"),
    "a reply is missing": (no_reply, "at exchange "),
    "a reason is edited": (
        set_to("schedule.from-disabled", reason="not asked"),
        "schedule.from-disabled: claimed reason is not asked; judged again: ",
    ),
    "a level is edited": (
        set_to("cancel.effect", level="MAY"),
        "cancel.effect: claimed level is MAY; judged again: MUST",
    ),
    "a requirement is missing": (without_requirement, "cancel.date-cleared"),
    "a requirement is made up": (more_requirements, "cancel.always"),
    "what was not asked does not apply": (all_passed, "claimed is not_applicable; judged again: inconclusive"),
    "a check did not begin": (without_check, "recorded is"),
    "a partial run is called whole": (whole, "the reasons for partial are: "),
    "fewer checks were planned": (fewer_planned, "did not run"),
    "another seed": (other_seed, "at exchange "),
    "another endpoint on the verdict": (other_target, "target: claimed is"),
    "another day": (other_day, "the run started at 2027-01-01T00:00:00Z, but"),
    "keys of others": (other_isolation, "isolation: claimed is"),
    "a line of the ledger is missing": (without_ledger_line, "ledger.jsonl: its lines"),
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", SEALED_AGAIN)
def test_contents_that_were_changed_and_sealed_again(name: str, plain: Path, tmp_path: Path) -> None:
    change, why = SEALED_AGAIN[name]
    forgery = Forgery(plain.read_bytes())
    change(forgery)
    assert why in found(verify_file(forgery.saved(tmp_path)))


def test_what_is_sealed_again_unchanged_holds(plain: Path, tmp_path: Path) -> None:
    data = plain.read_bytes()
    assert Forgery(data).packed() == data
    assert said_of(tmp_path, data).exit_code == 0


def test_other_specs_are_not_what_is_here(plain: Path, tmp_path: Path) -> None:
    forgery = Forgery(plain.read_bytes())
    forgery.verdict["suite"]["specs_digest"] = "sha256:" + "0" * 64
    forgery.environment["suite"]["specs_digest"] = "sha256:" + "0" * 64
    said = said_of(tmp_path, forgery.packed())
    assert said.exit_code == 3
    assert "It was sealed with other specs" in str(said)
    assert "by this one it does" in str(said)


@pytest.mark.parametrize(("package", "code"), [("jsonschema-rs", 3), ("hypothesis", 1)])
def test_versions_that_judge_are_asked_for_before_anything_is_called_forged(
    package: str, code: int, plain: Path, tmp_path: Path
) -> None:
    forgery = Forgery(plain.read_bytes())
    forgery.environment["packages"][package] = "1.0"
    assert said_of(tmp_path, forgery.packed()).exit_code == 0
    without_exchange(forgery)
    said = said_of(tmp_path, forgery.packed())
    assert said.exit_code == code
    assert (f"Judging it again needs {package} 1.0 (here: " in str(said)) is (code == 3)


# --- generated requests -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sealed file with generated requests of each kind: single operations, chains along links, lifecycle walks.

    A few of each kind, which takes a fifth of the time.
    """
    few = replace(EFFORTS["standard"], fuzz_examples=2, fuzz_coverage=False, walks=2, steps=6, chains=2)
    chosen = "test_entry.py or test_chains or test_lifecycle.py or test_fuzzing.py and disable"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EFFORTS, "standard", few)
        folder = run(tmp_path_factory.mktemp("generated"), "huawei", ("-k", chosen), tier="standard")
        yield certify(folder, evidence=True)[0].path


def fewer_drawn(forgery: Forgery) -> None:
    forgery.drawn.remove(next(line for line in forgery.drawn if line["drawn"].startswith("requests")))


def others_drawn(forgery: Forgery) -> None:
    for line in forgery.drawn:
        if line["drawn"] == "walks" and line["value"] is not None:
            line["value"] = [0, "enable", 1]


def more_drawn(forgery: Forgery) -> None:
    forgery.drawn.append(forgery.drawn[-1])


def nothing_drawn(forgery: Forgery) -> None:
    forgery.drawn = []


def malformed_drawn(forgery: Forgery) -> None:
    forgery.drawn = [line | {"value": {"method": 1}} for line in forgery.drawn]


DRAWN = (fewer_drawn, others_drawn, more_drawn, nothing_drawn, malformed_drawn)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("change", DRAWN)
def test_what_was_drawn_cannot_be_changed_although_nothing_is_drawn_again(
    change: Callable[[Forgery], None], generated: Path, tmp_path: Path
) -> None:
    forgery = Forgery(generated.read_bytes())
    forgery.environment["packages"]["hypothesis"] = "6.0.0"
    change(forgery)
    assert found(verify_file(forgery.saved(tmp_path)))


def test_a_generated_request_that_went_badly_cannot_be_left_out(generated: Path, tmp_path: Path) -> None:
    """Removes a generated request and its exchange."""
    forgery = Forgery(generated.read_bytes())
    fewer_drawn(forgery)
    assert "the values drawn for the requests of " in found(verify_file(forgery.saved(tmp_path)))


def test_a_machine_that_draws_otherwise_judges_what_was_recorded(generated: Path, tmp_path: Path) -> None:
    forgery = Forgery(generated.read_bytes())
    forgery.environment["packages"]["hypothesis"] = "6.0.0"
    forgery.environment["python"] = "3.99.1"
    said = verify_file(forgery.saved(tmp_path))
    assert said.exit_code == 0, str(said)
    assert "were not drawn again; this needs python 3.99 (here: " in str(said)


# --- the signature ----------------------------------------------------------------------------------------------------


def stripped(members: dict[str, bytes]) -> None:
    envelope = json.loads(members[STATEMENT])
    members[STATEMENT] = (
        json.dumps(envelope | {"signatures": []}, sort_keys=True, separators=(",", ":")) + "\n"
    ).encode()


def other_signature(members: dict[str, bytes]) -> None:
    envelope: dict[str, Any] = json.loads(members[STATEMENT])
    signature = envelope["signatures"][0]["sig"]
    envelope["signatures"][0]["sig"] = ("B" if signature[0] == "A" else "A") + signature[1:]
    members[STATEMENT] = (json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n").encode()


def test_a_signed_file_holds_by_its_key_and_by_no_other(signed: Path, key: Path, tmp_path: Path) -> None:
    public = key.with_name("ours.pem.pub")
    said = verify_file(signed, key=public)
    assert said.exit_code == 0
    assert "It is signed with the key" in str(said)
    other = keys.new_key(tmp_path / "other.pem")
    assert "did not sign it" in found(verify_file(signed, key=other))
    assert "to check it, name the public key with --key FILE" in str(verify_file(signed))


def test_where_a_signature_is_asked_for_there_must_be_one(plain: Path, key: Path) -> None:
    assert "It has no signature" in found(verify_file(plain, key=key.with_name("ours.pem.pub")))


@pytest.mark.parametrize("change", [stripped, other_signature])
def test_a_signature_that_was_changed(
    change: Callable[[dict[str, bytes]], None], signed: Path, key: Path, tmp_path: Path
) -> None:
    said = said_of(tmp_path, edited(signed.read_bytes(), change), key=key.with_name("ours.pem.pub"))
    assert "did not sign it" in found(said)


def test_the_envelope_of_another_certificate(signed: Path, plain: Path, key: Path, tmp_path: Path) -> None:
    forgery = Forgery(plain.read_bytes())
    forgery.environment["packages"]["pytest"] = "0"
    envelope = unpack(signed.read_bytes())[STATEMENT]
    data = edited(forgery.packed(), lambda members: members.update({STATEMENT: envelope}))
    assert "its digests are not those of the members" in found(
        said_of(tmp_path, data, key=key.with_name("ours.pem.pub"))
    )


def test_what_no_judging_can_find_the_key_finds(signed: Path, key: Path, tmp_path: Path) -> None:
    forgery = Forgery(signed.read_bytes())
    forgery.environment["packages"]["pytest"] = "0"
    assert said_of(tmp_path, forgery.packed()).exit_code == 0
    assert "It has no signature" in found(said_of(tmp_path, forgery.packed(), key=key.with_name("ours.pem.pub")))


def test_the_same_results_make_the_same_bytes(
    reports: Path, plain: Path, signed: Path, key: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(reports, folder)
    again = certify(folder, key=key, issued=datetime(2026, 2, 1, 8, 0, 0, tzinfo=UTC))[0].path
    assert again.read_bytes() == signed.read_bytes() != plain.read_bytes()
    assert layout.is_sealed(again.name)
