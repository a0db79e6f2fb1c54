"""Reads commit, branch, and the content of Allure's executor.json from the environment variables of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kms_conformance import __version__

# Only the variables named in this file are read, because others may hold tokens.
_COMMIT = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
_BRANCH = ("GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "GIT_BRANCH")


def origin(environ: Mapping[str, str]) -> dict[str, str]:
    """Commit and branch of the build, if known."""
    found = {"ci.commit": _first(environ, _COMMIT), "ci.branch": _first(environ, _BRANCH)}
    return {name: value for name, value in found.items() if value}


def executor(environ: Mapping[str, str]) -> dict[str, Any]:
    """The content of Allure's executor.json; outside of CI, it names only the suite."""
    if environ.get("GITHUB_RUN_ID"):
        found = _github(environ)
    elif environ.get("CI_PIPELINE_ID"):
        found = _gitlab(environ)
    elif environ.get("BUILD_URL"):
        found = _jenkins(environ)
    else:
        found = {"name": "local", "type": "local"}
    report = {"reportName": f"kms-conformance {__version__}"}
    return {name: value for name, value in (found | report).items() if value not in (None, "")}


def _github(environ: Mapping[str, str]) -> dict[str, Any]:
    server, repository, run = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return {
        "name": "GitHub Actions",
        "type": "github",
        "url": f"{server}/{repository}" if server and repository else None,
        "buildUrl": f"{server}/{repository}/actions/runs/{run}" if server and repository else None,
    } | _build(environ, "GITHUB_WORKFLOW", "GITHUB_RUN_NUMBER")


def _gitlab(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "GitLab CI",
        "type": "gitlab",
        "url": environ.get("CI_PROJECT_URL"),
        "buildUrl": environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL"),
    } | _build(environ, "CI_JOB_NAME", "CI_PIPELINE_ID")


def _jenkins(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "Jenkins",
        "type": "jenkins",
        "url": environ.get("JENKINS_URL"),
        "buildUrl": environ.get("BUILD_URL"),
    } | _build(environ, "JOB_NAME", "BUILD_NUMBER")


def _first(environ: Mapping[str, str], names: Iterable[str]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _build(environ: Mapping[str, str], job: str, number: str) -> dict[str, Any]:
    order = _number(environ, number)
    parts = (environ.get(job), None if order is None else f"#{order}")
    return {"buildName": " ".join(part for part in parts if part), "buildOrder": order}


def _number(environ: Mapping[str, str], name: str) -> int | None:
    written = environ.get(name, "")
    return int(written) if written.isascii() and written.isdigit() else None
