"""Files from other code: verified as far as possible, never called forged, with the command that verifies them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forging import Forgery

from kms_conformance.apps.certificate.manifest import digest
from kms_conformance.apps.certificate.pack import pack, unpack
from kms_conformance.apps.certificate.statement import open_envelope, seal_statement
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.recording import code_version
from kms_conformance.report.files import canonical

OTHER = {"digest": "sha256:" + "0" * 64, "commit": "d109d79c9b1ef5e8f695b51fc2d7c83b8203a51e"}


def forged(plain: Path, folder: Path, change: Callable[[Forgery], object]) -> Path:
    forgery = Forgery(plain.read_bytes())
    change(forgery)
    return forgery.saved(folder)


def of_other_code(forgery: Forgery) -> None:
    forgery.environment["code"] = OTHER


def of_other_version(forgery: Forgery) -> None:
    forgery.environment["suite"]["version"] = forgery.verdict["suite"]["version"] = "0.0.7"


def test_what_this_code_judges_alike_holds_whoever_sealed_it(plain: Path, tmp_path: Path) -> None:
    said = verify_file(forged(plain, tmp_path, of_other_code))
    assert said.exit_code == 0, str(said)
    assert "sealed by other code (commit d109d79c9b1e" in str(said)
    assert "This code gets the same result." in str(said)


def test_what_this_code_judges_otherwise_is_told_in_part_with_the_command_that_tells_all(
    plain: Path, tmp_path: Path
) -> None:
    """An exchange that this suite does not send, as if a later version of the suite sent other requests."""

    def change(forgery: Forgery) -> None:
        of_other_code(forgery)
        forgery.lines.insert(100, forgery.lines[90])

    path = forged(plain, tmp_path, change)
    said = verify_file(path)
    assert said.exit_code == 3, str(said)
    lines = [line.removeprefix(said.mark) for line in str(said).splitlines()]
    judged = lines[lines.index("Judged:") + 1 : lines.index("Not judged:")]
    assert [line.split()[0] for line in judged] == ["Its", str(sum(1 for _ in replies(path))), judged[2].split()[0]]
    assert "one reply" not in judged[1]
    assert ", each judged alone: " in judged[1]
    assert f"up to exchange 100 of {len(Forgery(path.read_bytes()).lines)}: with exactly the failures" in judged[2]
    [why] = lines[lines.index("Not judged:") + 1 : lines.index("To verify the file with the code that sealed it:")]
    assert "follows from all its exchanges: exchanges.jsonl.gz: at exchange 101" in why
    command = shlex.split(lines[lines.index("To verify the file with the code that sealed it:") + 1])
    assert command[:3] == ["pipx", "run", "--spec"]
    assert command[3].endswith(f"@{OTHER['commit']}") or command[3] == "./kms_conformance-0.1.0-py3-none-any.whl"
    assert command[4:] == ["kms-conformance", "verify", str(path)]


def replies(path: Path) -> list[dict[str, Any]]:
    return [line for line in Forgery(path.read_bytes()).lines if line["operation"] and line["reply"]]


def test_a_reply_that_breaks_what_is_demanded_of_every_one_is_told_of_although_other_code_sealed_it(
    plain: Path, tmp_path: Path
) -> None:
    def change(forgery: Forgery) -> None:
        of_other_version(forgery)
        forgery.exchange("cancel.reply.key-id")["reply"]["status"] = 202

    said = verify_file(forged(plain, tmp_path, change))
    assert said.exit_code == 3, str(said)
    assert "It was sealed by kms-conformance 0.0.7; this is " in str(said)
    assert "some break reply.status, which the file does not claim" in str(said)


def test_another_version_is_never_vouched_for(plain: Path, tmp_path: Path) -> None:
    said = verify_file(forged(plain, tmp_path, of_other_version))
    assert said.exit_code == 3, str(said)
    assert "by its own release: by this one it does." in str(said)


def test_whoever_sealed_it_its_members_must_be_those_that_were_sealed(plain: Path, tmp_path: Path) -> None:
    path = forged(plain, tmp_path, of_other_version)
    members = dict(unpack(path.read_bytes()))
    members["ledger.jsonl"] += b"\n"
    path.write_bytes(pack(members))
    said = verify_file(path)
    assert said.exit_code == 1
    assert "ledger.jsonl: its digest is " in str(said)


def test_a_dialect_or_a_form_of_a_later_release_is_no_riddle(plain: Path, tmp_path: Path) -> None:
    def dialect(forgery: Forgery) -> None:
        of_other_version(forgery)
        forgery.environment["target"]["dialect"] = forgery.verdict["target"]["dialect"] = "tencent"

    said = verify_file(forged(plain, tmp_path, dialect))
    assert said.exit_code == 3, str(said)
    assert "This release does not know the dialect tencent." in str(said)

    path = forged(plain, tmp_path, of_other_version)
    members = dict(unpack(path.read_bytes()))
    manifest = json.loads(members["manifest.json"])
    manifest["format"] = 99
    members["manifest.json"] = json.dumps(manifest).encode()
    statement = json.loads(open_envelope(members["statement.dsse.json"]).payload)
    for subject in statement["subject"]:
        subject["digest"]["sha256"] = digest(members[subject["name"]]).removeprefix("sha256:")
    members["statement.dsse.json"] = seal_statement(canonical(statement), None)
    path.write_bytes(pack(members))
    said = verify_file(path)
    assert said.exit_code == 3, str(said)
    assert "All else: this release cannot read its form." in str(said)
    assert "pipx run --spec " in str(said)


# --- digest of the code -----------------------------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkout(folder: Path) -> Path:
    package = folder / "conformance" / "kms_conformance"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    return package


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def branch(root: Path) -> None:
    put(root / ".git" / "HEAD", "ref: refs/heads/main\n")
    put(root / ".git" / "refs" / "heads" / "main", f"{COMMIT}\n")


def packed(root: Path) -> None:
    put(root / ".git" / "HEAD", "ref: refs/heads/main\n")
    put(root / ".git" / "packed-refs", f"# pack-refs\n{'f' * 40} refs/heads/not-main\n{COMMIT} refs/heads/main\n")


def detached(root: Path) -> None:
    put(root / ".git" / "HEAD", f"{COMMIT}\n")


def worktree(root: Path) -> None:
    git = root.parent / "elsewhere" / ".git"
    put(git / "worktrees" / "w" / "HEAD", "ref: refs/heads/main\n")
    put(git / "worktrees" / "w" / "commondir", "../..\n")
    put(git / "refs" / "heads" / "main", f"{COMMIT}\n")
    put(root / ".git", f"gitdir: {git / 'worktrees' / 'w'}\n")


@pytest.mark.parametrize("lay", [branch, packed, detached, worktree])
def test_the_commit_of_a_checkout_is_known_without_asking_git(
    lay: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = checkout(tmp_path / "c o")
    lay(package.parents[1])
    monkeypatch.setattr(code_version, "_PACKAGE", package)
    monkeypatch.setattr(code_version, "_origin", dict)
    assert code_version.code()["commit"] == COMMIT
    said = code_version.command({"suite": {"version": "9"}, "code": {"commit": COMMIT}}, Path("a b.zip"))
    assert shlex.split(said)[3] == f"git+{package.parents[1].as_uri()}@{COMMIT}"
    assert said.endswith("kms-conformance verify 'a b.zip'")


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none", "\0", "ref: ../../../../etc/passwd", "x" * 40])
def test_a_checkout_that_tells_no_commit_has_none(head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = checkout(tmp_path / "c")
    put(package.parents[1] / ".git" / "HEAD", head)
    monkeypatch.setattr(code_version, "_PACKAGE", package)
    monkeypatch.setattr(code_version, "_origin", dict)
    assert code_version.code()["commit"] == ""


def test_what_was_installed_from_a_repository_names_it_and_what_was_not_its_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = {"url": "https://example.com/kms.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    monkeypatch.setattr(code_version, "_PACKAGE", tmp_path / "site-packages" / "kms_conformance")
    monkeypatch.setattr(code_version, "_origin", lambda: origin)
    environment = {"suite": {"version": "9"}, "code": {"commit": ""}}
    assert code_version.code()["commit"] == COMMIT
    assert shlex.split(code_version.command(environment, Path("x")))[3] == "git+https://example.com/kms.git@v9"
    monkeypatch.setattr(code_version, "_origin", dict)
    assert shlex.split(code_version.command(environment, Path("x")))[3] == "./kms_conformance-9-py3-none-any.whl"


def test_the_digest_of_code_depends_on_every_source_file_and_on_no_line_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest(**files: bytes) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, content in files.items():
            (folder / f"{name}.py").write_bytes(content)
        monkeypatch.setattr(code_version, "_PACKAGE", folder)
        code_version.digest.cache_clear()
        return code_version.digest()

    one = digest(a=b"1\n", b=b"2\n")
    assert digest(a=b"1\r\n", b=b"2\n") == one
    assert len({one, digest(a=b"1\n"), digest(a=b"2\n", b=b"2\n"), digest(a=b"1\nb", b=b"2\n")}) == 4
    monkeypatch.undo()
    code_version.digest.cache_clear()
