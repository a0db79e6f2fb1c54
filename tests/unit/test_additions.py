"""The six kinds of addition are made, and the files that each one changes or adds are counted.

The table "Where to add what" in docs/architecture.md gives the same numbers. A way to sign in, a report format and a
dialect from outside of the package are made by tests of their own, which are named here.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import kms_conformance
from kms_conformance.core import specs

ROOT = Path(__file__).parents[2]
PACKAGE = Path(kms_conformance.__file__).parent
SOURCE = "conformance/kms_conformance"
#: The most files that an addition may change or add, besides its own tests.
MOST = {"operation": 8, "requirement": 4, "profile": 1}

# Each edit of a file: the text before which lines are put, and the lines.
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
        "  - {id: features.reply, level: MUST, source: [{document: api, row: user-features}], "
        "statement: The reply to user-features has the documented fields and types.}\n",
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
        '    def list_features(self, _: HuaweiParameters) -> dict[str, Any]:\n        return {"features": ["deletion"]}\n\n',
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
        "  - {id: enable.keeps-description, level: MUST, reached: [enabled], source: [{document: api, row: enable-key}], "
        "statement: Enabling a key does not change its description.}\n",
    ),
    f"{SOURCE}/suite/test_states.py": (
        "@requirement(",
        """\
@requirement("enable.keeps-description")
def test_enabled_key_keeps_its_description(kms: Scenario) -> None:
    key = kms.key("disabled")
    described = kms.marked(key).description
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
# Runs in the copy: serves its emulator, certifies it, and runs its self-test for one fault.
DRIVER = """
import subprocess, sys
from pathlib import Path
from kms_conformance.apps.selftest.plan import Task
from kms_conformance.emulator import Emulator
with Emulator("huawei") as emulator:
    Path("target.yaml").write_text(emulator.target_yaml())
    words = "run --target target.yaml --tier smoke --seed 1 --reports reports -- -q -k".split()
    checks = "test_entry.py or features_are_listed or keeps_its_description"
    subprocess.run([sys.executable, "-m", "kms_conformance", *words, checks], stdout=subprocess.DEVNULL)
for dialect in ("huawei",):
    print(Task("fault", "enable-loses-the-description", dialect, whole=False).run().problem or "killed")
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the package, of its specs and of the tools, in which both additions were made."""

    folder: Path
    touched: Mapping[str, frozenset[str]]

    def verdict(self, requirement: str) -> str:
        verdict = json.loads((self.folder / "reports" / "verdict.json").read_text())
        return next(str(entry["verdict"]) for entry in verdict["requirements"] if entry["id"] == requirement)


def python(folder: Path, *arguments: str) -> str:
    """The output of a Python process that imports the package from a copy."""
    changed = {
        "PYTHONPATH": os.pathsep.join((str(folder / "conformance"), str(folder))),
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
        text = (folder / name).read_text(encoding="utf-8")
        assert anchor in text, f"{name}: {anchor}"
        (folder / name).write_text(text.replace(anchor, lines + anchor, 1), encoding="utf-8")
    python(folder, "-m", "tools.requirement_ids", "--write")
    after = contents(folder)
    return frozenset(name for name in after if after[name] != before.get(name))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("copy")
    without = shutil.ignore_patterns("__pycache__", "_specs")
    shutil.copytree(PACKAGE, folder / SOURCE, ignore=without)
    shutil.copytree(specs.SPECS, folder / "specs")
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=without)
    touched = {"operation": make(folder, OPERATION), "requirement": make(folder, REQUIREMENT)}
    (folder / "said.txt").write_text(python(folder, "-c", DRIVER))
    return Copy(folder, touched)


def test_an_operation_is_added_and_its_requirement_is_passed(copy: Copy) -> None:
    assert copy.touched["operation"] == {*OPERATION, f"{SOURCE}/catalogue/requirement_ids.py"}
    assert len(copy.touched["operation"]) <= MOST["operation"]
    assert copy.verdict("features.reply") == "passed"


def test_a_requirement_is_added_and_its_fault_is_found(copy: Copy) -> None:
    assert copy.touched["requirement"] == {*REQUIREMENT, f"{SOURCE}/catalogue/requirement_ids.py"}
    assert len(copy.touched["requirement"]) == MOST["requirement"]
    assert copy.verdict("enable.keeps-description") == "passed"
    assert (copy.folder / "said.txt").read_text() == "killed\n"


# As docs/architecture.md names them: the test that makes the addition, and how many files it takes.
ELSEWHERE = {
    "auth/test_added_way.py": "test_a_way_is_one_file",
    "reporting/test_formats.py": "test_a_format_that_is_registered_is_written_made_again_and_removed",
    "dialects/test_toy_dialect.py": "test_a_toy_dialect_is_certified_and_only_its_own_files_are_written",
}


@pytest.mark.parametrize(("name", "test"), ELSEWHERE.items())
def test_the_other_additions_are_made_by_tests_of_their_own(name: str, test: str) -> None:
    tree = ast.parse((ROOT / "tests" / name).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
