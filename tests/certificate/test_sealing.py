"""Sealing: contents and names of files, and verification on any machine."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from forging import Forgery, answer, body
from sealing_runs import FEW, run

from kms_conformance.apps.certificate import keys
from kms_conformance.apps.certificate.certify import certify
from kms_conformance.apps.certificate.pack import MEMBERS, unpack
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Emulator
from kms_conformance.report.files import ReportError
from kms_conformance.verdict.decide import decide_result, is_sound
from kms_conformance.verdict.model import RequirementVerdict

# As on a machine without network: any attempt to use it fails at once.
_OFFLINE = """
import socket, sys
def refuse(*_): raise OSError("there is no network")
socket.socket.connect = socket.socket.connect_ex = socket.socket.bind = socket.getaddrinfo = refuse
from kms_conformance.cli import main
main()
"""


def offline(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _OFFLINE, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_an_untouched_file_holds_without_network_and_without_the_target(plain: Path, tmp_path: Path) -> None:
    shutil.copy(plain, tmp_path / plain.name)
    done = offline("verify", plain.name, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "verifies: its verdict follows from its" in lines[0]
    assert all(line.startswith("[partial: its tier is smoke, ") for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == [plain.name]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", ["alibaba", "aws"])
def test_a_file_of_any_dialect_holds(dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = run(tmp_path, dialect)
    # Sealed files were verified before.
    monkeypatch.setattr("socket.socket.connect", None)
    [sealed] = certify(reports)
    assert sealed.unverifiable == ()


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    with Emulator("aws") as emulator:
        secrets = [str(value) for name, value in emulator.target()["auth"].items() if name != "region"]
        [sealed] = certify(run(tmp_path, "aws", ("-k", "test_entry.py or decrypt or data"), emulator=emulator))
    members = unpack(sealed.path.read_bytes())
    whole = b"\n".join([*members.values(), gzip.decompress(members["exchanges.jsonl.gz"])]).decode("latin-1")
    assert set(members) == set(MEMBERS)
    assert secrets
    assert [secret for secret in secrets if secret in whole] == []
    assert "[redacted:AUTHORIZATION]" in whole


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", ["huawei", "aws"])
def test_a_file_holds_where_ciphertexts_show_their_plaintexts(
    dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that does not encrypt: plaintexts appear twice, in hex or in base64 beside other bytes."""
    shown: list[bytes] = []

    def kept(_key: object, _head: bytes, data: bytes) -> bytes:
        shown.append(data)
        return data

    monkeypatch.setattr("kms_conformance.emulator.crypto._masked", kept)
    # Sealed files were verified before.
    [sealed] = certify(run(tmp_path, dialect, ("-k", "test_entry.py or test_use.py or test_waiting_period.py")))
    members = unpack(sealed.path.read_bytes())
    whole = b"\n".join([*members.values(), gzip.decompress(members["exchanges.jsonl.gz"])])
    # The lengths of data keys. Texts that the suite itself sent are no secrets.
    keys_shown = [plain for plain in shown if len(plain) in {32, 64}]
    assert keys_shown
    for plain in keys_shown:
        assert plain.hex().encode() not in whole
        assert base64.b64encode(plain).rstrip(b"=")[:-1] not in whole


# --- rejudging --------------------------------------------------------------------------------------------------------


def test_a_reply_as_a_fault_gives_it_is_found_in_a_file_that_is_sealed_again(plain: Path, tmp_path: Path) -> None:
    """Exchanges are judged again, not only compared: all members of this forgery are consistent."""
    forgery = Forgery(plain.read_bytes())
    reply = forgery.exchange("cancel.reply.key-id")
    answer(reply, body(reply) | {"key_id": "0d0466b0-e727-4d9c-b35d-f84bb474a37f"})
    said = verify_file(forgery.saved(tmp_path))
    assert said.exit_code == 1
    assert "cancel.reply.key-id: claimed is passed; judged again: failed" in str(said)


def test_what_is_not_conformant_is_sealed_as_evidence_only(tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "cancel-answers-202")
    reports = run(tmp_path, "huawei", FEW, filters=fault.filters)
    with pytest.raises(ReportError, match="cannot be certified: it is nonconformant"):
        certify(reports)
    assert not list(reports.glob("*.zip"))
    [sealed] = certify(reports, evidence=True)
    assert sealed.path.name == "emulator-huawei.partial-evidence.zip"
    said = verify_file(sealed.path)
    assert said.exit_code == 0, str(said)
    assert all(line.startswith("[evidence, nonconformant; partial: ") for line in str(said).splitlines())
    assert (
        "<h1>Partial evidence, not a certificate</h1>" in unpack(sealed.path.read_bytes())["certificate.html"].decode()
    )
    # Removing a failure is detected, even if its requirement then seems not judged.
    forgery = Forgery(sealed.path.read_bytes())
    forgery.forgive()
    said = verify_file(forgery.saved(tmp_path))
    assert said.exit_code == 1
    assert "claimed is not_tested; judged again: failed" in str(said)


def test_what_does_not_verify_is_not_sealed(reports: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(reports, folder)
    lines = gzip.decompress((folder / "exchanges.jsonl.gz").read_bytes()).splitlines()
    del lines[len(lines) // 2]
    lines[-1] = lines[-1].replace(b'"end":%d' % (len(lines)), b'"end":%d' % (len(lines) - 1))
    (folder / "exchanges.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    done = offline("certify", str(folder), folder=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    what, why, *_ = done.stderr.splitlines()
    assert what == "emulator-huawei.partial.zip is not sealed: its contents do not verify."
    assert why.startswith("exchanges.jsonl.gz: at exchange ")
    assert not list(folder.glob("*.zip"))


def test_what_nobody_can_judge_again_is_sealed_and_called_so(reports: Path, tmp_path: Path) -> None:
    """A run that was ended early can be sealed, but not judged again."""
    folder = tmp_path / "reports"
    shutil.copytree(reports, folder)
    document = json.loads((folder / "environment.json").read_text())
    document["interrupted"] = True
    document["partial"].insert(2, "it was ended early")
    (folder / "environment.json").write_text(json.dumps(document))
    done = offline("certify", str(folder), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "`verify` cannot judge this file again and will exit with 3: Its run was ended early" in done.stdout
    assert verify_file(folder / "emulator-huawei.partial.zip").exit_code == 3


# --- names and titles -------------------------------------------------------------------------------------------------


def test_the_page_says_that_it_is_partial_and_by_whom_it_was_signed(plain: Path, signed: Path, key: Path) -> None:
    page = unpack(plain.read_bytes())["certificate.html"].decode()
    for words in ("<h1>Partial result, not a certificate</h1>", "its tier is smoke", "It is not signed"):
        assert words in page
    signer = keys.public_key(key.with_name(f"{key.name}.pub")).keyid
    assert signer in unpack(signed.read_bytes())["certificate.html"].decode()


def entry(verdict: str, level: str = "MUST") -> RequirementVerdict:
    return RequirementVerdict("cancel.effect", level, verdict, (), "why", 1, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdict", "level", "partial", "sound"),
    [
        ("passed", "MUST", [], True),
        ("waived", "MUST", [], True),
        ("not_applicable", "MUST", [], True),
        ("not_tested", "MUST", [], False),
        ("not_tested", "MUST", ["its tier is smoke"], True),
        ("inconclusive", "MUST", ["its tier is smoke"], False),
        ("failed", "MUST", ["its tier is smoke"], False),
        ("failed", "SHOULD", [], True),
    ],
)
def test_only_what_was_not_asked_may_be_open_and_only_where_it_is_said(
    verdict: str, level: str, partial: list[str], sound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stored:
        requirements = (entry(verdict, level), entry("passed"))
        result = decide_result(requirements, unfinished=False, keys_left=False)
        keys_left = ()

    assert is_sound(Stored(), partial) is sound  # type: ignore[arg-type]


# --- refused runs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("environment.json", "its exchanges were not kept"),
        ("exchanges.jsonl.gz", "is missing"),
        ("ledger.jsonl", "is missing"),
        ("results.json", "is missing"),
        ("verdict.json", "is missing"),
    ],
)
def test_a_folder_with_a_missing_file_is_not_sealed(name: str, why: str, reports: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(reports, folder)
    (folder / name).unlink()
    with pytest.raises(ReportError, match=why):
        certify(folder)


def test_a_tape_that_was_cut_short_is_not_sealed(reports: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    shutil.copytree(reports, folder)
    tape = folder / "exchanges.jsonl.gz"
    tape.write_bytes(tape.read_bytes()[:-20])
    with pytest.raises(ReportError, match="it is cut short"):
        certify(folder)


def test_keys_are_not_replaced_and_mistakes_are_told(tmp_path: Path, plain: Path) -> None:
    path = tmp_path / "k.pem"
    public = keys.new_key(path)
    assert (path.stat().st_mode & 0o777, public.name) == (0o600, "k.pem.pub")
    for wrong in (lambda: keys.new_key(path), lambda: keys.signer_of(public), lambda: keys.public_key(path)):
        with pytest.raises(ReportError):
            wrong()
    with pytest.raises(ReportError, match="cannot be read"):
        verify_file(plain, key=tmp_path / "none.pem")
    with pytest.raises(ReportError, match="cannot be read"):
        verify_file(tmp_path / "none.zip")


def test_a_run_that_was_ended_early_or_had_company_is_not_judged_again(plain: Path, tmp_path: Path) -> None:
    for name, value, words in (("interrupted", True, "ended early"), ("alone", False, "the same ledger")):
        forgery = Forgery(plain.read_bytes())
        forgery.environment[name] = value
        said = verify_file(forgery.saved(tmp_path))
        assert said.exit_code == 3
        assert words in str(said)


def test_the_environment_is_json_that_its_schema_describes(reports: Path) -> None:
    document = json.loads((reports / "environment.json").read_text())
    assert document["target"]["auth"] == {
        "way": "token",
        "token": "[redacted:TOKEN]",
        "project_id": document["target"]["auth"]["project_id"],
        "expired_token": "[redacted:EXPIRED_TOKEN]",
    }
    assert document["partial"][0] == "its tier is smoke"
