"""Runs the steps of the composite action and the script of the GitLab component as their runners would.

`Installed` plays Python and pip, and a program that ends with a given exit code; None stands for the real ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from commands import ROOT

ACTION = ROOT / "action.yml"
COMPONENT = ROOT / "templates" / "certify.yml"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")


@dataclass(frozen=True)
class Ended:
    """What a job sees of the step: its exit code, outputs, summary, artefacts and caches, and what it said."""

    code: int
    outputs: Mapping[str, str]
    summary: str
    kept: Mapping[str, str]
    said: str


@dataclass(frozen=True)
class Installed:
    """A machine whose `kms-conformance run` ends with `code`, and whose `compare` ends with `compared`.

    Each call is noted in `folder`.
    """

    folder: Path
    code: int = 0
    compared: int = 0

    def python(self) -> Path:
        """A Python whose environments hold a pip that is called, and our program."""
        script = self._script("python", 'mkdir -p "$3/bin"\ncp "${0%/*}/pip" "${0%/*}/kms-conformance" "$3/bin/"')
        self.path()
        return script

    def path(self) -> Path:
        """The folder with pip and our program."""
        noted = f"printf '%s\\t' \"${{0##*/}}\" \"$@\" >> '{self.folder}/calls'; echo >> '{self.folder}/calls'\n"
        self._script("pip", noted)
        compared = f'{noted}case "$1" in\ncompare) echo changed > "$5"; exit {self.compared} ;;\n'
        wrote = 'run) mkdir -p "$5"; echo "{}" > "$5/results.json"; env | grep KMS_CONFORMANCE_STATE= ;;\nesac\n'
        self._script("kms-conformance", f"{compared}{wrote}exit {self.code}")
        return self.folder

    def calls(self) -> list[list[str]]:
        """The words of each call of pip and of our program."""
        return [line.split("\t")[:-1] for line in (self.folder / "calls").read_text(encoding="utf-8").splitlines()]

    def _script(self, name: str, body: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
        return path


@dataclass
class _Composite:
    folder: Path
    inputs: Mapping[str, str]
    python: Path
    cancelled: bool
    steps: dict[str, dict[str, str]] = field(default_factory=dict)

    def value(self, expression: str) -> str:
        """The first of the names between || that is not empty."""
        known = {f"inputs.{name}": value for name, value in self.inputs.items()}
        known |= {f"steps.{step}.outputs.{name}": v for step, out in self.steps.items() for name, v in out.items()}
        known |= {"github.action_path": str(ROOT), "github.job": "job", "strategy.job-index": "0"}
        known |= {"github.run_id": "7", "github.run_attempt": "1", "steps.python.outputs.python-path": str(self.python)}
        return next((known[name.strip()] for name in expression.split("||") if known.get(name.strip())), "")

    def filled(self, text: object) -> str:
        return _EXPRESSION.sub(lambda found: self.value(found[1]), str(text))

    def wanted(self, condition: str, *, green: bool) -> bool:
        """Whether a step with this `if` runs. A condition without a function of state implies `success()`."""
        terms = [term.strip() for term in condition.split("&&")]
        states = {"always()": True, "cancelled()": self.cancelled}
        if not any(term in states for term in terms):
            terms.append("success()")
        states["success()"] = green and not self.cancelled
        return all(states[term] if term in states else self._differs(term) for term in terms)

    def _differs(self, term: str) -> bool:
        name, operator, empty = term.split()
        assert (operator, empty) == ("!=", "''"), term
        return self.value(name) != ""


def run_action(
    folder: Path, inputs: Mapping[str, str], installed: Installed | None = None, *, cancelled: bool = False
) -> Ended:
    """Run the steps of `action.yml` in `folder`, the workspace."""
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    assert set(inputs) <= set(action["inputs"])
    given = {name: str(about.get("default", "")) for name, about in action["inputs"].items()} | dict(inputs)
    machine = _Composite(folder, given, installed.python() if installed else Path(sys.executable), cancelled)
    temporary, summary = folder / "temporary", folder / "summary.md"
    temporary.mkdir(exist_ok=True)
    summary.touch()
    code, said, kept = 0, [], {}
    for number, step in enumerate(action["runs"]["steps"]):
        if not machine.wanted(str(step.get("if", "success()")), green=code == 0):
            continue
        if "uses" in step:
            kept[step["uses"].partition("@")[0]] = machine.filled(step.get("with", {}).get("path", ""))
            continue
        written = folder / f"output-{number}"
        written.touch()
        files = {"GITHUB_OUTPUT": written, "GITHUB_STEP_SUMMARY": summary, "RUNNER_TEMP": temporary}
        variables = {name: machine.filled(value) for name, value in step.get("env", {}).items()}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        ended = _run(shell, folder, {**variables, **{name: str(path) for name, path in files.items()}})
        said.append(ended.stdout + ended.stderr)
        code = code or ended.returncode
        machine.steps[step.get("id", "")] = _variables(written)
    outputs = {name: machine.filled(about["value"]) for name, about in action["outputs"].items()}
    return Ended(code, outputs, summary.read_text(encoding="utf-8"), kept, "\n".join(said))


def interpolated(inputs: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header of the component, and its pipeline with these inputs; what has no default must be given."""
    head, body = COMPONENT.read_text(encoding="utf-8").split("\n---\n")
    header = yaml.safe_load(head)
    declared = header["spec"]["inputs"]
    assert set(inputs) <= set(declared)
    values = {name: inputs.get(name, about.get("default")) for name, about in declared.items()}
    return header, yaml.safe_load(_INPUT.sub(lambda found: values[found[1]], body))


def run_component(folder: Path, inputs: Mapping[str, str], installed: Installed | Path) -> Ended:
    """Run the script of the component's job in `folder`, the directory of the project.

    `installed`: a played machine, or the folder with the programs of an environment.
    """
    [job] = interpolated(inputs)[1].values()
    variables = {name: str(value).replace("$CI_PROJECT_DIR", str(folder)) for name, value in job["variables"].items()}
    path = installed.path() if isinstance(installed, Installed) else installed
    variables |= {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    ended = _run(["sh", "-e", "-c", "\n".join(job["script"])], folder, variables)
    written = folder / job["artifacts"]["reports"]["dotenv"]
    kept = {path: path for path in job["artifacts"]["paths"]}
    outputs = _variables(written) if written.exists() else {}
    return Ended(ended.returncode, outputs, "", kept, ended.stdout + ended.stderr)


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GITHUB", "KMS_"))}
    return subprocess.run(
        command, cwd=folder, env={**ours, "NO_COLOR": "1", **variables}, capture_output=True, text=True, check=False
    )


def _variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines())
