"""A result that rests on a profile of the user's own: its file holds the profile, and every text about it says so."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from forging import Forgery, Json
from sealing_runs import run

from kms_conformance.apps.certificate.certify import certify
from kms_conformance.apps.certificate.pack import PAGE, STATEMENT, unpack
from kms_conformance.apps.certificate.verify import verify_file
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.core.specs import OwnProfile

PROFILE = "name: my-cloud\ntitle: My Cloud\nfacts: {after_cancel: enabled}\n"
CONTENT = {"name": "my-cloud", "title": "My Cloud", "facts": {"after_cancel": "enabled"}}
OWN = OwnProfile("huawei", CONTENT)
[FAULT] = [fault for fault in FAULTS if fault.name == "cancel-ends-enabled" and "huawei" in fault.dialects]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at an emulator that deviates from the documents as the profile says, whose profile is gone since."""
    folder = tmp_path_factory.mktemp("own")
    profile = folder / "mine.yaml"
    profile.write_text(PROFILE)
    found = run(folder / "run", "huawei", decisions=FAULT.decisions[0], profile=str(profile))
    profile.unlink()
    return found


@pytest.fixture(scope="module")
def sealed(reports: Path) -> Path:
    return certify(reports)[0].path


def elsewhere(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that has never seen the profile."""
    command = [sys.executable, "-m", "kms_conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_verdict_names_and_holds_the_profile(reports: Path) -> None:
    verdict = json.loads((reports / "verdict.json").read_text())
    assert verdict["target"]["profile"] == OWN.reference
    assert verdict["own_profile"] == CONTENT
    environment = json.loads((reports / "environment.json").read_text())
    assert environment["target"]["own_profile"] == CONTENT
    assert {entry["verdict"] for entry in verdict["requirements"] if entry["id"] == "cancel.state-after"} == {"passed"}


def test_its_file_is_judged_again_without_the_profile_and_says_whose_it_is(sealed: Path) -> None:
    done = elsewhere("verify", str(sealed))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"verifies: its verdict by the user's own profile ({OWN.reference}) follows from its" in done.stdout
    assert "Answers that only this profile accepts are its author's claim." in done.stdout


def test_the_statement_and_the_page_name_the_profile(sealed: Path) -> None:
    members = unpack(sealed.read_bytes())
    payload = json.loads(base64.b64decode(json.loads(members[STATEMENT])["payload"]))
    configuration = payload["predicate"]["configuration"]
    assert configuration[1:] == [{"name": f"profile/{OWN.reference}", "digest": {"sha256": OWN.digest}}]
    assert "judged by the user&#39;s own profile my-cloud" in members[PAGE].decode()


def test_the_report_is_made_again_without_the_profile(reports: Path) -> None:
    done = elsewhere("report", str(reports))
    assert "It was judged by the user's own profile my-cloud" in " ".join(done.stdout.split())
    assert "My Cloud" in (reports / "index.html").read_text()


def in_both(change: Callable[[Json], object]) -> Callable[[Forgery], object]:
    return lambda forgery: [
        change(forgery.verdict["own_profile"]),
        change(forgery.environment["target"]["own_profile"]),
    ]


def renamed(forgery: Forgery) -> None:
    """Another profile, with the reference that it has."""
    own = {"name": "my-cloud", "title": "My Cloud", "facts": {"after_cancel": "disabled"}}
    forgery.verdict["own_profile"] = forgery.environment["target"]["own_profile"] = own
    reference = OwnProfile("huawei", own).reference
    forgery.verdict["target"]["profile"] = forgery.environment["target"]["profile"] = reference


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_both(lambda own: own.update(title="Yours")), "The profile does not match `own_profile`."),
        (in_both(lambda own: own["facts"].update(after_cancel="gone")), "The profile does not match `own_profile`"),
        (lambda forgery: forgery.verdict.pop("own_profile"), "The profile does not match `own_profile`"),
        (lambda forgery: forgery.environment["target"].pop("own_profile"), "verdict"),
        (lambda forgery: forgery.environment["target"]["own_profile"].update(name=1), "own_profile"),
        (renamed, "does not verify"),
    ],
    ids=["title", "facts", "not in verdict", "not in environment", "no profile", "another"],
)
def test_a_file_whose_profile_was_changed_does_not_hold(
    sealed: Path, tmp_path: Path, change: Callable[[Forgery], object], said: str
) -> None:
    forgery = Forgery(sealed.read_bytes())
    change(forgery)
    verification = verify_file(forgery.saved(tmp_path))
    assert verification.exit_code == 1, str(verification)
    assert said in str(verification)
