"""Files to copy are what their systems take, by real linters; and they ask for no more than they need."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import ROOT

from kms_conformance import __version__
from kms_conformance.target import load_target

EXAMPLES = ROOT / "examples"
GITHUB = EXAMPLES / "github" / "nightly.yml"
OUR_NIGHT = ROOT / ".github" / "workflows" / "nightly.yml"
GITLAB = EXAMPLES / "gitlab" / ".gitlab-ci.yml"
CONTAINER = EXAMPLES / "container" / "Containerfile"
# What the examples install, and the command that makes it in a checkout.
WHEEL = f"kms_conformance-{__version__}-py3-none-any.whl"
MAKING = "pip wheel --no-deps --wheel-dir wheels ."
# Environments of tox.ini that no night of ours runs: what a change waits for, what is started by hand to compare or to
# measure, and releases of Python that a runner may lack.
ASKED_OTHERWISE = {"certify", "quick", "test", "peer", "many", "py3{11,12,13,14}"}
_TEXTS = {".md", ".yml", ".yaml", ".py", ".j2", ".html"}
KUBERNETES = EXAMPLES / "kubernetes" / "fleet.yaml"


def lint(program: str, *arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a linter of the extra `lint`; the test is skipped where it is not installed."""
    found = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: pip install '.[lint]'")
    # Linters find each other beside them, as actionlint finds shellcheck.
    path = f"{Path(found).parent}:/usr/bin:/bin"
    command = [found, *map(str, arguments)]
    return subprocess.run(command, input=text, env={"PATH": path}, capture_output=True, text=True, check=False)


def passed(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def test_github_workflow() -> None:
    assert passed(lint("actionlint", GITHUB))
    assert passed(lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", GITHUB))
    broken = GITHUB.read_text().replace("${{ matrix.target }}", "${{ matrix.tarqet }}")
    assert lint("actionlint", "-", text=broken).returncode != 0


def test_our_own_night_runs_every_long_environment() -> None:
    assert passed(lint("actionlint", OUR_NIGHT))
    assert passed(lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", OUR_NIGHT))
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini")
    known = {name.removeprefix("testenv:") for name in settings.sections() if name.startswith("testenv:")}
    asked = yaml.safe_load(OUR_NIGHT.read_text())["jobs"]["tox"]["strategy"]["matrix"]["environment"]
    assert known - set(asked) == ASKED_OTHERWISE
    assert set(asked) <= known


def test_gitlab_pipeline(tmp_path: Path) -> None:
    assert passed(lint("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", GITLAB))
    (tmp_path / "broken.yml").write_text(GITLAB.read_text().replace("when: always\n", "when: sometimes\n"))
    assert lint("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", tmp_path / "broken.yml").returncode != 0


def test_container_file() -> None:
    assert passed(lint("hadolint", CONTAINER))
    assert lint("hadolint", "-", text=CONTAINER.read_text() + "USER root\n").returncode != 0


def test_all_that_the_wheel_is_built_from_goes_to_the_builder_of_the_image() -> None:
    kept = CONTAINER.with_name("Containerfile.dockerignore").read_text().splitlines()
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {f"!{name}" for name in (*wheel["packages"], *wheel["force-include"])} <= set(kept)


def test_kubernetes_manifests(tmp_path: Path) -> None:
    assert passed(lint("kubernetes-validate", "--strict", KUBERNETES))
    (tmp_path / "broken.yaml").write_text(KUBERNETES.read_text().replace("completionMode:", "completionmode:"))
    assert lint("kubernetes-validate", "--strict", tmp_path / "broken.yaml").returncode != 0


def pods() -> list[dict[str, Any]]:
    documents = list(yaml.safe_load_all(KUBERNETES.read_text()))
    jobs = [document["spec"]["jobTemplate"]["spec"] for document in documents if document["kind"] == "CronJob"]
    return [job["template"]["spec"] for job in jobs]


def test_pods_have_no_privilege() -> None:
    assert len(pods()) == 2
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            sealed = container["securityContext"]
            assert (sealed["allowPrivilegeEscalation"], sealed["readOnlyRootFilesystem"]) == (False, True)
            assert sealed["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_fleet_has_a_worker_for_every_shard() -> None:
    documents = list(yaml.safe_load_all(KUBERNETES.read_text()))
    targets = next(document["data"] for document in documents if document["kind"] == "ConfigMap")
    fleet = next(d["spec"]["jobTemplate"]["spec"] for d in documents if d["metadata"]["name"] == "certify")
    words = fleet["template"]["spec"]["containers"][0]["args"][0].split()
    shards = int(words[words.index("--shards") + 1])
    assert words.count("--target") == len(targets)
    assert fleet["completions"] == len(targets) * shards


def test_actions_are_pinned_and_may_do_no_more_than_read() -> None:
    workflow = yaml.safe_load(GITHUB.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 90
        assert all("@v" in step["uses"] for step in job["steps"] if "uses" in step)


@pytest.mark.parametrize("path", [GITHUB, GITLAB])
def test_release_that_is_installed_is_the_wheel_of_this_one_and_the_file_says_how_it_is_made(path: Path) -> None:
    text = path.read_text()
    assert text.count("pip install ") == text.count(f"pip install wheels/{WHEEL}") >= 1
    assert MAKING in text


def test_no_registry_is_asked_for_a_package_that_it_does_not_have() -> None:
    """`kms-conformance` has been published nowhere: whoever copied such a line got "no matching distribution"."""
    offered = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    offered += [ROOT / "action.yml"]
    offered += [
        path for folder in ("docs", "examples", "templates", "conformance") for path in (ROOT / folder).rglob("*")
    ]
    texts = {
        path: path.read_text(errors="replace") for path in offered if path.suffix in _TEXTS or "Container" in path.name
    }
    assert len(texts) > 100
    registry = re.compile(
        r"(pip|pipx|uv pip|uv tool|uv add) install [^#\n`]*?(?<![/\w])kms[-_]conformance\b|uvx kms|uv add kms"
        r"|--(spec|from|with)[ =]['\"]?kms[-_]conf|(?<![/\w])kms[-_]conformance(\[[\w,]+\])? ?(==|>=|~=|===) ?[\d{]"
    )
    assert registry.search("pipx run --spec kms-conformance==0.1.0 kms-conformance verify x")
    assert registry.search("pip install --quiet kms-conformance")
    assert not registry.search("pip install wheels/kms_conformance-0.1.0-py3-none-any.whl")
    assert [str(path.relative_to(ROOT)) for path, text in texts.items() if registry.search(text)] == []


@pytest.mark.skipif(os.environ.get("KMS_CONFORMANCE_SHARDS") != "all", reason="builds a wheel: tox run -e shards")
def test_the_wheel_that_the_examples_install_can_be_made_and_installed_as_they_say(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *MAKING.split()[1:-1], str(ROOT)], cwd=tmp_path, check=True)
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == [WHEEL]
    installed = ["install", "--no-deps", "--target", str(tmp_path / "there"), f"wheels/{WHEEL}"]
    subprocess.run([*pip, *installed], cwd=tmp_path, check=True)
    asked = [sys.executable, "-m", "kms_conformance", "--version"]
    told = subprocess.run(
        asked, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "there")}, capture_output=True, text=True, check=True
    )
    assert __version__ in told.stdout


def test_target_files_are_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KMS", "OTC", "ALIBABA"):
        monkeypatch.setenv(f"{name}_ACCESS_KEY_ID", f"{name}-identifier")
        monkeypatch.setenv(f"{name}_ACCESS_KEY_SECRET", f"{name}-secret-value")
    maps = (d["data"] for d in yaml.safe_load_all(KUBERNETES.read_text()) if d["kind"] == "ConfigMap")
    for name, text in next(maps).items():
        (tmp_path / name).write_text(text)
    for path in [*(EXAMPLES / "targets").glob("*.yaml"), *tmp_path.glob("*.yaml")]:
        target = load_target(path)
        assert (target.name, target.real_account) == (path.stem, True)
        # Three shards: two keys each, and one more for one that is planted.
        assert target.limits.max_keys >= 7
