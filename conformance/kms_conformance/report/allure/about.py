"""Files that Allure reads besides results: environment, executor, categories, and the configuration of Allure 3."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kms_conformance import __version__
from kms_conformance.core.text import one_line
from kms_conformance.report.ci.environment import executor, origin
from kms_conformance.report.files import to_text, write_atomically
from kms_conformance.report.layout import ALLURE_REPORT
from kms_conformance.verdict.decide import specs_digest

CONFIG = "allurerc.mjs"
#: The name of our configuration file if somebody else has written an `allurerc.mjs`.
CONFIG_BESIDE = "allurerc.kms-conformance.mjs"
#: Environment variable: the path of a user's own `allurerc.mjs` in the reports folder. Such a file is used only if the
#: variable names it, because a configuration is a program.
CONFIG_VARIABLE = "KMS_CONFORMANCE_ALLURE_CONFIG"
HISTORY = "allure-history.jsonl"
# Environment variable: the path of the file of trends, if it is not in the reports folder. A CI system may keep it.
HISTORY_VARIABLE = "KMS_CONFORMANCE_ALLURE_HISTORY"

_PROPERTY_ESCAPE = re.compile(r"\\|[^ -~]")
_OURS = "// Made by kms-conformance for Allure 3. Remove this line, and your edits are kept."
_WAIVED = "^Waived: "
_STALE = "^Waiver out of date"


@dataclass(frozen=True)
class NamedTarget:
    """The facts of a target that Allure shows: no addresses and no secrets."""

    name: str
    dialect: str
    profile: str


@dataclass(frozen=True)
class _Category:
    """A category of results in Allure, with the status of its results and a regex that their message matches.

    A result belongs to the first category that matches.
    """

    name: str
    status: str
    message: str = ""


# Results that change the exit code have the status failed (red) or broken (yellow); all others are skipped.
_CATEGORIES = (
    _Category("Waiver out of date: renew or remove it", "failed", _STALE),
    _Category("Deviation: the target does not follow its documents", "failed", f"(?!{_STALE})"),
    _Category("Inconclusive: could not be judged, not the target's fault", "broken"),
    _Category("Waived: an accepted deviation", "skipped", _WAIVED),
    _Category("Does not change the result: SHOULD and MAY", "skipped", f"(?!{_WAIVED})"),
)


def write(results: Path, targets: Iterable[NamedTarget], tier: str, seed: int, environ: Mapping[str, str]) -> None:
    """Write environment, executor and categories into the folder of results, for Allure 2 and 3.

    The configuration of Allure 3 is written beside that folder (see `configuration`). `environ`: the environment
    variables; only the variables of CI systems are read (see `ci.environment`).
    """
    write_atomically(
        results / "environment.properties", _properties(_environment(targets, tier, seed) | origin(environ))
    )
    write_atomically(results / "executor.json", to_text(executor(environ)))
    write_atomically(results / "categories.json", to_text([_for_second(each) for each in _CATEGORIES]))
    config = results.parent / CONFIG
    if not config.exists() or _is_ours(config):
        write_atomically(config, _config(results.name))


def configuration(results: Path, environ: Mapping[str, str]) -> str:
    """Write the configuration of Allure 3 beside the folder of results, and return its file name.

    If `KMS_CONFORMANCE_ALLURE_CONFIG` names the user's own `allurerc.mjs` there, that file is used and none is written.
    """
    config = results.parent / CONFIG
    named = environ.get(CONFIG_VARIABLE)
    if named and Path(named).resolve() == config.resolve():
        return CONFIG
    name = CONFIG if not config.exists() or _is_ours(config) else CONFIG_BESIDE
    write_atomically(results.parent / name, _config(results.name))
    return name


def _is_ours(config: Path) -> bool:
    with config.open(encoding="utf-8", errors="replace") as file:
        return file.read(len(_OURS)) == _OURS


def _for_second(category: _Category) -> dict[str, Any]:
    """The category for Allure 2, in which a regex must match the whole message."""
    found: dict[str, Any] = {"name": category.name, "matchedStatuses": [category.status]}
    return found | ({"messageRegex": f"(?s){category.message}.*"} if category.message else {})


def _for_third(category: _Category) -> dict[str, Any]:
    """The category for Allure 3, which searches a regex anywhere in the message; so the regex is anchored."""
    matchers: dict[str, Any] = {"statuses": [category.status]}
    anchored = category.message if category.message.startswith("^") else f"^{category.message}"
    return {"name": category.name, "matchers": matchers | ({"message": anchored} if category.message else {})}


def _environment(targets: Iterable[NamedTarget], tier: str, seed: int) -> dict[str, str]:
    """The environment that Allure shows above the results. Addresses of targets are left out: ports may change."""
    found = {"suite": f"kms-conformance {__version__}", "tier": tier, "seed": str(seed)}
    for target in targets:
        found[f"target.{target.name}"] = f"{target.dialect}, profile {target.profile}"
        found[f"specs.{target.dialect}"] = specs_digest(target.dialect)
    return found | {"python": platform.python_version()}


def _properties(values: Mapping[str, str]) -> str:
    """A Java properties file. Its keys are our own words or names of targets, and need no escapes."""
    return "".join(f"{key} = {_PROPERTY_ESCAPE.sub(_escaped, one_line(value))}\n" for key, value in values.items())


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _config(results: str) -> str:
    config = {
        "name": "KMS conformance",
        "resultsDir": results,
        "output": ALLURE_REPORT,
        "appendHistory": True,
        "historyLimit": 30,
        "categories": [_for_third(each) for each in _CATEGORIES],
        # `allure quality-gate` (needs Node 22) fails if any result is failed or broken, as the exit code of a run does.
        "qualityGate": {"rules": [{"maxFailures": 0}]},
        "plugins": {
            "awesome": {
                "options": {
                    "reportName": "KMS conformance",
                    "singleFile": True,
                    "groupBy": ["epic", "feature", "story"],
                    "reportLanguage": "en",
                    "stepTreeExpansion": "expand_failed_only",
                }
            }
        },
    }
    return (
        f"{_OURS}\n"
        f"const config = {json.dumps(config, indent=2)};\n"
        f'config.historyPath = process.env.{HISTORY_VARIABLE} ?? "{HISTORY}";\n'
        "for (const { matchers } of config.categories) {\n"
        "  if (matchers.message) matchers.message = new RegExp(matchers.message);\n"
        "}\n"
        "export default config;\n"
    )
