"""The GitHub action and the GitLab component: what their systems take, and what their steps do with each exit code."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from commands import ROOT
from copied_steps import ACTION, COMPONENT, Ended, Installed, interpolated, run_action, run_component
from test_commands import refused
from test_linters import lint, passed

from kms_conformance import __version__

GITHUB = ROOT / "examples" / "github" / "certify.yml"
GITLAB = ROOT / "examples" / "gitlab" / "certify.gitlab-ci.yml"
Step = Callable[[Path, Mapping[str, str], Installed], Ended]
# The exit code of `run`, the verdict that follows, and the exit code of the step.
CODES = {
    0: ("conformant", 0),
    1: ("nonconformant", 1),
    2: ("none", 2),
    3: ("inconclusive", 3),
    4: ("inconclusive", 0),
    143: ("none", 143),
}


@pytest.fixture(params=[run_action, run_component], ids=["github", "gitlab"])
def step(request: pytest.FixtureRequest) -> Step:
    """The action, or the component with the input that it needs besides."""
    needed = {} if request.param is run_action else {"package": "wheels/ours.whl"}
    return lambda folder, inputs, installed: request.param(folder, {**needed, **inputs}, installed)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "machine").mkdir()
    return tmp_path / "machine"


def told(ended: Ended) -> tuple[str, str]:
    names = ("verdict", "exit-code"), ("KMS_CONFORMANCE_VERDICT", "KMS_CONFORMANCE_EXIT_CODE")
    verdict, code = names[0] if "verdict" in ended.outputs else names[1]
    return ended.outputs[verdict], ended.outputs[code]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("code", CODES)
def test_result_of_the_run_is_that_of_the_step(step: Step, code: int, machine: Path, tmp_path: Path) -> None:
    ended = step(tmp_path, {"target": "a.yaml"}, Installed(machine, code))
    verdict, red = CODES[code]
    assert (*told(ended), ended.code) == (verdict, str(code), red)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("code", "compared", "red"),
    # What regressed is red whatever the run says; what was as bad before is not; nothing judged is never green.
    [(0, 1, 1), (1, 0, 0), (3, 0, 0), (1, 2, 2), (2, 0, 2), (143, 0, 143)],
)
def test_with_a_baseline_only_what_regressed_is_red(
    step: Step, code: int, compared: int, red: int, machine: Path, tmp_path: Path
) -> None:
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "results.json").touch()
    installed = Installed(machine, code, compared)
    ended = step(tmp_path, {"target": "a.yaml", "baseline": "last"}, installed)
    assert ended.code == red
    assert [call[1] for call in installed.calls()][2:] == ([] if CODES[code][0] == "none" else ["compare"])
    if "verdict" in ended.outputs:
        assert ended.outputs["changes"] == ("" if CODES[code][0] == "none" else str(compared))
        assert ("changed" in ended.summary) is (CODES[code][0] != "none")


def test_without_the_baseline_the_run_decides(step: Step, machine: Path, tmp_path: Path) -> None:
    """A wrong folder must not turn every run green."""
    ended = step(tmp_path, {"target": "a.yaml", "baseline": "lats"}, Installed(machine, code=1))
    assert ended.code == 1
    assert "There is no lats/results.json to compare with" in ended.said


def test_inputs_become_options_that_there_are(step: Step, machine: Path, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").touch()
    inputs = {"target": "other/c.yaml *.yaml\n", "tier": "smoke", "waivers": "our waivers.yaml", "reports": "there"}
    installed = Installed(machine)
    assert step(tmp_path, {**inputs, "baseline": "there"}, installed).code == 0
    _, (_, *run), (_, *compare) = installed.calls()
    targets = [word for name in ("other/c.yaml", "a.yaml", "b.yaml") for word in ("--target", name)]
    assert run[5:] == [*targets, "--waivers", "our waivers.yaml"]
    assert run[:5] == ["run", "--tier", "smoke", "--reports", "there"]
    assert compare == ["compare", "there", "there", "--markdown", "there/changes.md"]
    assert [refused(arguments) for arguments in (run, compare)] == ["", ""]


def test_only_what_exists_is_installed(machine: Path, tmp_path: Path) -> None:
    installed = Installed(machine)
    run_action(tmp_path, {"target": "a.yaml"}, installed)
    run_action(tmp_path, {"target": "a.yaml", "version": "wheels/ours.whl"}, installed)
    run_component(tmp_path, {"target": "a.yaml", "package": "git+https://git.example/kms@v1"}, installed)
    said = [call for call in installed.calls() if call[0] == "pip"]
    assert [call[-1] for call in said] == [str(ROOT), "wheels/ours.whl", "git+https://git.example/kms@v1"]
    # Without a default, nobody's pipeline asks a registry.
    assert "default" not in interpolated({"package": "p", "target": "t"})[0]["spec"]["inputs"]["package"]


def test_ledger_and_reports_are_kept_and_a_cancelled_run_is_swept(machine: Path, tmp_path: Path) -> None:
    installed = Installed(machine)
    ended = run_action(tmp_path, {"target": "a.yaml"}, installed)
    assert f"KMS_CONFORMANCE_STATE={tmp_path}/kms-conformance-state" in ended.said
    kept = {"actions/cache/restore": "kms-conformance-state", "actions/cache/save": "kms-conformance-state"}
    uploaded = {"actions/upload-artifact": "kms-conformance-reports"}
    assert ended.kept == {"actions/setup-python": "", **kept, **uploaded}
    ended = run_action(tmp_path, {"target": "a.yaml", "ledger": "", "artifact": ""}, installed)
    assert "KMS_CONFORMANCE_STATE" not in ended.said
    assert ended.kept == {"actions/setup-python": ""}
    ended = run_action(tmp_path, {"target": "a.yaml b.yaml"}, installed, cancelled=True)
    assert [call[1:] for call in installed.calls()][-2:] == [
        ["sweep", "--target", name] for name in ("a.yaml", "b.yaml")
    ]
    assert ended.kept == {"actions/cache/save": "kms-conformance-state", **uploaded}
    ended = run_component(tmp_path, {"package": "p", "target": "a.yaml"}, installed)
    assert f"KMS_CONFORMANCE_STATE={tmp_path}/kms-conformance-state" in ended.said
    [job] = interpolated({"package": "p", "target": "a.yaml"})[1].values()
    assert job["cache"][0]["paths"] == ["kms-conformance-state"]


def test_action_is_one(tmp_path: Path) -> None:
    assert passed(lint("check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION))
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    for number, script in enumerate(scripts):
        (tmp_path / str(number)).write_text(script)
    assert passed(lint("shellcheck", "--shell=bash", *tmp_path.iterdir()))
    # What comes from inputs is a variable: an expression in a script would let an input be a command.
    assert not any("${{" in script for script in scripts)
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)


def test_workflow_to_copy_uses_inputs_and_outputs_that_there_are(tmp_path: Path) -> None:
    assert passed(lint("actionlint", GITHUB))
    assert passed(lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", GITHUB))
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    shutil.copy(ACTION, tmp_path / "action.yml")
    text = GITHUB.read_text().replace(f"OWNER/kms-conformance@v{__version__}", "./")
    copied = tmp_path / ".github" / "workflows" / "certify.yml"
    # Of an action in the same repository, actionlint knows the inputs and outputs.
    for change, wrong in (
        (("", ""), False),
        (("tier:", "tear:"), True),
        (("outputs.verdict", "outputs.vredict"), True),
    ):
        copied.write_text(text.replace(*change))
        linted = lint("actionlint", copied)
        assert (linted.returncode != 0) is wrong, linted.stdout


def test_component_is_one(tmp_path: Path) -> None:
    header, pipeline = interpolated({"package": "wheels/ours.whl", "target": "a.yaml"})
    for name, document in (("header", header), ("pipeline", pipeline), ("example", yaml.safe_load(GITLAB.read_text()))):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(document))
    assert passed(lint("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *tmp_path.iterdir()))
    [job] = pipeline.values()
    assert passed(lint("shellcheck", "--shell=sh", "-", text="\n".join(job["script"])))
    [included] = yaml.safe_load(GITLAB.read_text())["include"]
    needed = {name for name, about in header["spec"]["inputs"].items() if "default" not in about}
    assert needed <= set(included["inputs"]) <= set(header["spec"]["inputs"])


@pytest.mark.parametrize(
    "path", [GITHUB, GITLAB, ACTION, COMPONENT, ROOT / "docs" / "ci.md"], ids=lambda path: path.name
)
def test_files_to_copy_name_the_tag_of_this_release(path: Path) -> None:
    named = re.findall(r"@(v\d[\w.]*)", re.sub(r"uses: actions/\S+", "", path.read_text()))
    assert set(named) == {f"v{__version__}"}


def test_image_has_the_version_of_this_release() -> None:
    fleet = (ROOT / "examples" / "kubernetes" / "fleet.yaml").read_text()
    assert set(re.findall(r"image: \S+:(\S+)", fleet)) == {__version__}
