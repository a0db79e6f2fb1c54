"""What is released, as a stranger gets it: built twice, installed in clean environments, run beside no repository.

Takes minutes and needs a package index for the dependencies, so it is asked by `tox run -e release` only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from kms_conformance import __version__
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Decisions, Emulator
from tools.release import ROOT, built_twice, wheel_of_sdist

sys.path.insert(0, str(ROOT / "tests" / "nightly"))

from copied_steps import run_action, run_component

pytestmark = pytest.mark.skipif(
    os.environ.get("KMS_CONFORMANCE_RELEASE") != "all", reason="takes minutes: `tox run -e release` asks it"
)
WHEEL = f"kms_conformance-{__version__}-py3-none-any.whl"
SDIST = f"kms_conformance-{__version__}.tar.gz"
FAULT = next(fault for fault in FAULTS if fault.name == "cancel-does-nothing")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of the commit that is checked out."""
    folder = tmp_path_factory.mktemp("release")
    first, second = built_twice(ROOT, folder)
    assert sorted(first) == sorted([WHEEL, SDIST])
    assert [name for name in first if first[name] != second[name]] == []
    assert wheel_of_sdist(ROOT, first[SDIST], folder) == {WHEEL: first[WHEEL]}
    return folder / "dist-one"


@pytest.fixture(scope="module", params=[WHEEL, SDIST], ids=["wheel", "sdist"])
def installed(dist: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of an environment that has nothing but what was released."""
    return environment(tmp_path_factory.mktemp("clean"), dist / request.param)


def environment(folder: Path, *packages: Path) -> Path:
    venv.create(folder / "venv", with_pip=True, symlinks=True)
    programs = folder / "venv" / "bin"
    if packages:
        called(programs / "pip", "install", "--quiet", "--disable-pip-version-check", *packages, cwd=folder)
    return programs


def called(
    program: Path, *arguments: object, cwd: Path, code: int = 0, variables: Mapping[str, str] | None = None
) -> str:
    """Its output; it sees no variable of ours but those of pip and the way to programs."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in {"PATH", "HOME"}}
    done = subprocess.run(
        [program, *map(str, arguments)],
        cwd=cwd,
        env={**kept, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_it_runs_where_there_is_no_repository(installed: Path, tmp_path: Path) -> None:
    program = installed / "kms-conformance"
    state = {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
    assert __version__ in called(program, "--version", cwd=tmp_path)
    called(program, "run", "--tier", "smoke", "--reports", "there", cwd=tmp_path, variables=state)
    assert [result(path) for path in (tmp_path / "there").glob("*/verdict.json")] == ["conformant"] * 3
    code = "import kms_conformance; print(kms_conformance.__file__)"
    loaded = called(installed / "python", "-c", code, cwd=tmp_path)
    assert loaded.startswith(str(installed.parent / "lib"))
    # What is released is complete: pip finds nothing missing, and the emulator makes its certificate.
    assert "No broken requirements" in called(installed / "pip", "check", cwd=tmp_path)
    with Emulator("aws", tls=True) as emulator:
        (tmp_path / "tls.yaml").write_text(emulator.target_yaml())
        options = ("--target", "tls.yaml", "--tier", "smoke", "--reports", "tls")
        called(program, "run", *options, cwd=tmp_path, variables=state)
    assert result(tmp_path / "tls" / "verdict.json") == "conformant"


def result(verdict: Path) -> str:
    return str(json.loads(verdict.read_text())["result"])


@pytest.fixture(params=["action", "component"])
def step(request: pytest.FixtureRequest, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The action, from its own checkout, and the component, with the wheel in the repository of its user."""
    if request.param == "action":
        yield run_action
        return
    programs = environment(tmp_path_factory.mktemp("runner"))
    yield lambda folder, inputs: run_component(folder, {"package": str(dist / WHEEL), **inputs}, programs)


def test_steps_to_copy_install_run_and_decide(step: object, tmp_path: Path) -> None:
    assert callable(step)
    inputs = {"target": "targets/*.yaml", "tier": "smoke"}
    (tmp_path / "targets").mkdir()
    verdicts = []
    for decisions, baseline in (((), ""), (FAULT.decisions, ""), (FAULT.decisions, "good"), (FAULT.decisions, "bad")):
        served = type("Served", (*decisions, Decisions), {})
        with Emulator("huawei", decisions=served) as emulator:
            (tmp_path / "targets" / "mine.yaml").write_text(yaml.safe_dump(emulator.target()))
            reports = "good" if not decisions else "bad" if not baseline else "again"
            ended = step(tmp_path, {**inputs, "baseline": baseline, "reports": reports})
        told = ended.outputs.get("verdict") or ended.outputs["KMS_CONFORMANCE_VERDICT"]
        verdicts.append((told, ended.code))
        assert (tmp_path / reports / "index.html").is_file(), ended.said
    if "verdict" in ended.outputs:
        assert "emulator-huawei" in ended.summary
    bad = "nonconformant"
    # Against itself nothing regressed: the step is green, and the verdict is what it was.
    assert verdicts == [("conformant", 0), (bad, 1), (bad, 1), (bad, 0)]
