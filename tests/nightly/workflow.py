"""Runs the shell steps of a GitHub workflow as its runner would, with the actions that it uses played by folders."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kms_conformance import __version__

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_ALWAYS = frozenset({"always()", "failure() || cancelled()", "!cancelled()"})


@dataclass
class Hub:
    """What outlives a job: caches and artefacts, a folder each; `targets` are what the repository holds."""

    folder: Path
    targets: Path
    secrets: Mapping[str, str] = field(default_factory=dict)

    def save(self, key: str, path: Path) -> None:
        _copy(path, self.folder / "cache" / key)

    def restore(self, key: str, others: str, path: Path) -> None:
        """The cache with this key, else the newest whose key begins with one of `others`."""
        kept = sorted((self.folder / "cache").glob("*"), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        found = [entry for entry in kept if entry.name == key]
        found += [entry for prefix in others.split() for entry in kept if entry.name.startswith(prefix)]
        if found:
            _copy(found[0], path)


@dataclass(frozen=True)
class Done:
    """One job that was run: its name, whether it is green, and what its steps wrote to the job's summary."""

    name: str
    green: bool
    summary: str
    said: str


def run_workflow(path: Path, hub: Hub, number: int, **inputs: str) -> list[Done]:
    """Run all jobs in order, each for every entry of its matrix; the targets are those that `hub` has files for."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    artifacts = hub.folder / f"artifacts-{number}"
    artifacts.mkdir()
    known = {"github.run_number": str(number), "github.run_id": f"run{number}"}
    known |= {f"secrets.{name}": value for name, value in hub.secrets.items()}
    known |= {f"inputs.{name}": value for name, value in inputs.items()}
    done = []
    for name, job in workflow["jobs"].items():
        for cell in _cells(job, {path.stem for path in hub.targets.glob("*.yaml")}):
            folder = hub.folder / f"night-{number}" / "-".join([name, *cell.values()])
            folder.mkdir(parents=True)
            here = known | {f"matrix.{axis}": value for axis, value in cell.items()}
            runner = _Runner(hub, artifacts, folder, here | {"github.workspace": str(folder)})
            done.append(runner.run(job, workflow.get("env", {})))
    return done


def _cells(job: Mapping[str, Any], targets: set[str]) -> Iterator[dict[str, str]]:
    axes = {axis: [str(value) for value in values] for axis, values in job["strategy"]["matrix"].items()}
    axes["target"] = [target for target in axes["target"] if target in targets]
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


@dataclass
class _Runner:
    hub: Hub
    artifacts: Path
    folder: Path
    known: Mapping[str, str]

    def run(self, job: Mapping[str, Any], environment: Mapping[str, str]) -> Done:
        summary = self.folder.with_name(f"{self.folder.name}.md")
        summary.touch()
        given = {**environment, **job.get("env", {})}
        variables = _clean() | {name: self._filled(value) for name, value in given.items()}
        variables |= {"GITHUB_STEP_SUMMARY": str(summary), "NO_COLOR": "1", "PATH": self._path()}
        green, said = True, []
        for step in job["steps"]:
            wanted = str(step.get("if", "success()"))
            if wanted not in _ALWAYS and not green:
                continue
            if wanted == "failure() || cancelled()" and green:
                continue
            if "uses" in step:
                self._act(step["uses"].partition("@")[0], step.get("with", {}))
                continue
            shell = ["bash", "-e", "-c", self._filled(step["run"])]
            ended = subprocess.run(shell, cwd=self.folder, env=variables, capture_output=True, text=True, check=False)
            said.append(f"$ {step['run']}\n{ended.stdout}{ended.stderr}[exit {ended.returncode}]")
            green = green and ended.returncode == 0
        return Done(self.folder.name, green, summary.read_text(encoding="utf-8"), "\n".join(said))

    def _act(self, action: str, given: Mapping[str, str]) -> None:
        """What the actions of this workflow do, as far as files go."""
        given = {name: self._filled(value) for name, value in given.items()}
        path = self.folder / given.get("path", ".")
        if action == "actions/checkout":
            _copy(self.hub.targets, self.folder / "targets")
        elif action == "actions/cache/restore":
            self.hub.restore(given["key"], given["restore-keys"], path)
        elif action == "actions/cache/save":
            self.hub.save(given["key"], path)
        elif action == "actions/upload-artifact":
            _copy(path, self.artifacts / given["name"])
        elif action == "actions/download-artifact":
            for found in self.artifacts.glob(given["pattern"]):
                _copy(found, path / found.name)
        elif action != "actions/setup-python":
            raise AssertionError(f"{action} is not played here")

    def _filled(self, text: object) -> str:
        return _EXPRESSION.sub(lambda found: self._value(found[1]), str(text))

    def _value(self, expression: str) -> str:
        """A name that is known, or the literal after ||."""
        for part in expression.split("||"):
            word = part.strip()
            literal = word.strip("'") if word.startswith("'") or word == "false" else ""
            if value := self.known.get(word, literal):
                return value
        return ""

    def _path(self) -> str:
        """Our commands first; `pip install` succeeds for the release that is being tested, and for no other."""
        tools = self.folder.with_name("bin")
        tools.mkdir(exist_ok=True)
        pip = tools / "pip"
        pip.write_text(
            f'#!/bin/sh\ntest "$*" = "install wheels/kms_conformance-{__version__}-py3-none-any.whl"\n',
            encoding="utf-8",
        )
        pip.chmod(0o755)
        return os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GITHUB", "KMS_"))}
