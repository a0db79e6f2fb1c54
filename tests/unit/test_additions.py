"""The six kinds of addition are made, and the files that each one changes or adds are counted.

The table "Where to add what" in docs/architecture.md names the same files. The additions to the package are made in a
copy of it, one after the other; the copy is then run. A dialect from outside of the package is certified by
`tests/dialects/test_toy_dialect.py`, and a way to sign in from outside by `tests/auth/test_added_way.py`.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import kms_conformance
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, Key, State

ROOT = Path(__file__).parents[2]
PACKAGE = Path(kms_conformance.__file__).parent
SOURCE = "conformance/kms_conformance"
#: The files that each addition may change or add, besides tests and documents of its own.
PLACES = {"way": 4, "operation": 8, "requirement": 4, "profile": 1, "format": 1}
IDS = f"{SOURCE}/catalogue/requirement_ids.py"


def of_test(name: str) -> Mapping[str, Any]:
    """The names of a test module in another folder."""
    return runpy.run_path(str(ROOT / "tests" / name))


WAY = of_test("auth/test_added_way.py")
TOY = of_test("dialects/test_toy_dialect.py")

# Each edit of a file: the text before which lines are put, and the lines; a new file has "" as the text.
Edits = Mapping[str, tuple[str, str]]

OPERATION: Edits = {
    "specs/huawei/openapi.yaml": (
        "  /v1.0/{project_id}/kms/user-instances:\n",
        """\
  /v1.0/{project_id}/kms/user-features:
    parameters: [{$ref: "#/components/parameters/ProjectId"}]
    get:
      operationId: user-features
      x-kms-operation: features
      x-kms-reads: true
      summary: An operation that only this test knows.
      responses:
        "200":
          description: The names of features.
          content:
            application/json:
              schema:
                x-requirement: features.reply
                type: object
                required: [features]
                properties:
                  features: {type: array, items: {type: string}}
        <<: *refusals

""",
    ),
    "specs/huawei/requirements.yaml": (
        "  - {id: instances.reply,",
        "  - {id: features.reply, level: MUST, source: [{document: api, row: x}], statement: A list of features.}\n",
    ),
    f"{SOURCE}/dialects/huawei.py": (
        '    "instances": "/v1.0/',
        '    "features": "/v1.0/{project_id}/kms/user-features",\n',
    ),
    f"{SOURCE}/emulator/huawei/api.py": (
        '            "user-instances": _Route(',
        '            "user-features": _Route("features", "GET", operations.list_features),\n',
    ),
    f"{SOURCE}/emulator/huawei/operations.py": (
        "    def count_instances(",
        """\
    def list_features(self, _: HuaweiParameters) -> dict[str, Any]:
        return {"features": ["deletion"]}

""",
    ),
    f"{SOURCE}/suite/test_contact.py": (
        '@requirement("list.reply")\n',
        """\
@requirement("features.reply")
def test_features_are_listed(kms: Scenario) -> None:
    kms.accepts("features.reply", "features")


""",
    ),
}
REQUIREMENT: Edits = {
    "specs/huawei/requirements.yaml": (
        "  - {id: instances.reply,",
        """\
  - id: enable.keeps-description
    level: MUST
    reached: [enabled]
    source: [{document: api, row: enable-key}]
    statement: Enabling a key does not change its description.
""",
    ),
    f"{SOURCE}/suite/test_states.py": (
        "@requirement(",
        """\
@requirement("enable.keeps-description")
def test_enabled_key_keeps_its_description(kms: Scenario) -> None:
    key = kms.key("enabled")
    kms.done("update_description", key_id=key, description=kms.pool.marker(key))
    kms.pool.bring(key, "disabled")
    described = kms.read(key).description
    kms.accepts("enable.keeps-description", "enable", key_id=key, states=["enabled"])
    view = kms.read(key)
    kms.judge.that("enable.keeps-description", view.description == described, described, view.description)


""",
    ),
    f"{SOURCE}/apps/selftest/faults/states.py": (
        '    _fault(\n        name="disabled-key-encrypts",\n',
        """\
    _fault(
        name="enable-loses-the-description",
        title="Enabling a key takes its description away.",
        families=("states",),
        requirements=frozenset({"enable.keeps-description"}),
        decisions=(doing("enable", lambda _, after: with_(description="")(after)),),
    ),
""",
    ),
}
SIGN_IN: Edits = {
    f"{SOURCE}/auth/client_hmac.py": (
        "",
        # Addresses of this dialect name a project.
        WAY["WAY"].replace("    now: object\n", '    now: object\n    project_id: str = "robot"\n'),
    ),
    f"{SOURCE}/auth/__init__.py": (
        "__all__ = [",
        "from kms_conformance.auth.client_hmac import ClientHmacAuth\n\nWAYS = (*WAYS, ClientHmacAuth)\n\n",
    ),
    f"{SOURCE}/emulator/huawei/authenticate.py": (
        '        if (inbound.header("authorization")',
        f"""\
        given = inbound.header("x-client-proof")
        if given:
            client, stamp, proof = given.split(":")
            text = f"{{client}} {{stamp}} {{inbound.method}} {{inbound.path}} ".encode() + inbound.body
            right = hmac.new({WAY["SECRET"].encode()!r}, text, hashlib.sha256).hexdigest()
            stale = abs(now - datetime.fromtimestamp(int(stamp), UTC)) > SKEW
            found = "wrong_signature" if proof != right else "stale_signature" if stale else None
            return decisions.signature_problem(found, inbound)
""",
    ),
}
FORMAT: Edits = {
    f"{SOURCE}/report/formats.py": (
        'register(ReportFormat("JUnit"',
        'register(ReportFormat("names", of_run={"names.txt": lambda shown, _: shown[0].verdict.name}))\n',
    ),
}
# Runs in the copy: certifies its emulator with two ways to sign in, and runs its self-test for one fault.
DRIVER = f"""
import subprocess, sys
from pathlib import Path
import yaml
from kms_conformance.apps.selftest.plan import Task
from kms_conformance.emulator import Emulator
def run(name, target, checks):
    Path(f"{{name}}.yaml").write_text(yaml.safe_dump(target | {{"name": name}}))
    words = f"run --target {{name}}.yaml --tier smoke --seed 1 --reports {{name}} -- -q -k".split()
    command = [sys.executable, "-m", "kms_conformance", *words, f"test_entry.py or {{checks}}"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)
with Emulator("huawei") as one, Emulator("huawei") as other:
    robot = dict(client="robot", shared_secret={WAY["SECRET"]!r})
    runs = [
        run("plain", one.target(), "features_are_listed or keeps_its_description"),
        run("signed", other.target() | dict(auth=robot), "test_authentication.py"),
    ]
    print(Task("fault", "enable-loses-the-description", "huawei", whole=False).run().problem or "killed")
    for each in runs:
        each.wait()
"""


# What CONTRIBUTING.md says to run after such changes.
GENERATORS = """
from tools import requirement_ids, target_schema
target_schema.main()
requirement_ids.main(["--write"])
"""


def verdicts(reports: Path) -> dict[str, str]:
    """The verdict of each requirement in a reports folder."""
    found = json.loads((reports / "verdict.json").read_text())
    return {entry["id"]: entry["verdict"] for entry in found["requirements"]}


@dataclass(frozen=True)
class Copy:
    """A copy of the package, its specs and tools with all additions; `printed` is the output of the driver."""

    folder: Path
    touched: Mapping[str, frozenset[str]]
    printed: str


def python(folder: Path, *arguments: str, source: Path | None = None) -> str:
    """The output of a Python process in a folder that imports the package from `source`, or from the folder."""
    changed = {
        "PYTHONPATH": os.pathsep.join((str(source or folder / "conformance"), str(folder))),
        "KMS_CONFORMANCE_STATE": str(folder / "state"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | changed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*") if path.suffix != ".pyc"
    }


def make(folder: Path, edits: Edits) -> frozenset[str]:
    """Make an addition, with the generated file that follows from it; returns the files that differ from before."""
    before = contents(folder)
    for name, (anchor, lines) in edits.items():
        text = (folder / name).read_text(encoding="utf-8") if anchor else ""
        assert anchor in text, f"{name}: {anchor}"
        (folder / name).write_text(text.replace(anchor, lines + anchor, 1), encoding="utf-8")
    python(folder, "-c", GENERATORS)
    after = contents(folder)
    return frozenset(name for name in after if after[name] != before.get(name))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("copy")
    without = shutil.ignore_patterns("__pycache__", ".pytest_cache", "_specs")
    shutil.copytree(PACKAGE, folder / SOURCE, ignore=without)
    shutil.copytree(specs.SPECS, folder / "specs")
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=without)
    made = {"way": SIGN_IN, "operation": OPERATION, "requirement": REQUIREMENT, "format": FORMAT}
    touched = {name: make(folder, edits) for name, edits in made.items()}
    return Copy(folder, touched, python(folder, "-c", DRIVER))


def test_a_way_to_sign_in_is_added_and_its_sabotages_are_refused(copy: Copy) -> None:
    assert copy.touched["way"] == {*SIGN_IN, "specs/schemas/target.schema.json"}
    assert len(copy.touched["way"]) == PLACES["way"]
    found = verdicts(copy.folder / "signed")
    assert {found[f"auth.{name}"] for name in ("missing", "wrong-secret", "stale")} == {"passed"}


def test_an_operation_is_added_and_its_requirement_is_passed(copy: Copy) -> None:
    assert copy.touched["operation"] == {*OPERATION, IDS}
    assert len(copy.touched["operation"]) <= PLACES["operation"]
    assert verdicts(copy.folder / "plain")["features.reply"] == "passed"


def test_a_requirement_is_added_and_its_fault_is_found(copy: Copy) -> None:
    assert copy.touched["requirement"] == {*REQUIREMENT, IDS}
    assert len(copy.touched["requirement"]) == PLACES["requirement"]
    assert verdicts(copy.folder / "plain")["enable.keeps-description"] == "passed"
    assert copy.printed == "killed\n"


def test_a_report_format_is_added_and_written(copy: Copy) -> None:
    assert copy.touched["format"] == {*FORMAT}
    assert len(copy.touched["format"]) == PLACES["format"]
    assert (copy.folder / "plain" / "names.txt").read_text() == "plain"


class Enabling(Decisions):
    """An endpoint on which a key is enabled after its deletion was cancelled."""

    def state_after_cancel(self, key: Key) -> State:
        return State.ENABLED


def test_a_profile_is_one_file_beside_the_target_file(tmp_path: Path) -> None:
    with Emulator("huawei", decisions=Enabling) as emulator:
        for name, changes in (("plain", {}), ("own", {"profile": "my-cloud.yaml"})):
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(emulator.target() | changes))
        before = contents(tmp_path)
        (tmp_path / "my-cloud.yaml").write_text("name: mine\ntitle: Mine\nfacts: {after_cancel: enabled}\n")
        assert len(contents(tmp_path).keys() - before.keys()) == PLACES["profile"]

        def run(name: str) -> str:
            words = f"run --target {name}.yaml --tier smoke --seed 1 --reports {name} -- -q -k".split()
            program = "from kms_conformance.cli import main\ntry: main()\nexcept SystemExit: pass"
            checks = "test_entry.py or test_cancel.py"
            return python(tmp_path, "-c", program, *words, checks, source=PACKAGE.parent)

        with ThreadPoolExecutor() as pool:
            list(pool.map(run, ("plain", "own")))
    assert verdicts(tmp_path / "plain")["cancel.state-after"] == "failed"
    own = verdicts(tmp_path / "own")
    assert own["cancel.state-after"] == "passed"
    assert "failed" not in own.values()


def test_a_dialect_is_its_specs_its_adapter_and_its_emulator() -> None:
    installed = {
        path.relative_to(TOY["HERE"] / "toy_kms").as_posix() for path in TOY["contents"](TOY["HERE"] / "toy_kms")
    }
    assert installed == TOY["FILES"]
    assert {name.partition("/")[0] for name in installed} == {"__init__.py", "specs", "adapter.py", "emulator.py"}
    named = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if "huawei" in path.name and "__pycache__" not in path.parts and "_specs" not in path.parts
    }
    assert {"dialects/huawei.py", "emulator/huawei"} <= named
