"""What lies beside Allure's results: where they come from, their categories, and how a report is made of them."""

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
#: The same where a configuration of somebody else's has that name.
CONFIG_BESIDE = "allurerc.kms-conformance.mjs"
#: Names a configuration in a reports folder that may be used although we did not write it: it is a program.
CONFIG_VARIABLE = "KMS_CONFORMANCE_ALLURE_CONFIG"
HISTORY = "allure-history.jsonl"
# Names another file for the trends, such as one that a CI system keeps.
HISTORY_VARIABLE = "KMS_CONFORMANCE_ALLURE_HISTORY"

_PROPERTY_ESCAPE = re.compile(r"\\|[^ -~]")
_OURS = "// Made by kms-conformance for Allure 3. Take out this line, and your edits are kept."
_WAIVED = "^Waived: "
_STALE = "^Stale waiver"


@dataclass(frozen=True)
class NamedTarget:
    """A target, by what can be told of it."""

    name: str
    dialect: str
    profile: str


@dataclass(frozen=True)
class _Category:
    """Results of one status whose message fits; of those that fit, the first takes them. `message` is a regex."""

    name: str
    status: str
    message: str = ""


# What decides is red or yellow: failed and broken. What does not is skipped.
_CATEGORIES = (
    _Category("Stale waiver: mend or remove it", "failed", _STALE),
    _Category("Deviation: the target does otherwise than its documents demand", "failed", f"(?!{_STALE})"),
    _Category("Inconclusive: could not be judged, and not the target's fault", "broken"),
    _Category("Waived: a deviation that whoever ordered the run accepts", "skipped", _WAIVED),
    _Category("Shown, and does not decide: SHOULD and MAY", "skipped", f"(?!{_WAIVED})"),
)


def write(results: Path, targets: Iterable[NamedTarget], tier: str, seed: int, environ: Mapping[str, str]) -> None:
    """Write environment, executor and categories into the folder of results, for Allure 2 and 3.

    The configuration of Allure 3 goes beside that folder, unless one is there that its user has made his own. `environ`
    is searched for what a CI system says of its job, see `ci`.
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
    """Write the configuration to build a report of these results by, and return its name; it lies beside their folder.

    One that its user has made his own is used where the environment names it, and never only because it is there.
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
    """Allure 2 matches a regex with the whole of a message."""
    found: dict[str, Any] = {"name": category.name, "matchedStatuses": [category.status]}
    return found | ({"messageRegex": f"(?s){category.message}.*"} if category.message else {})


def _for_third(category: _Category) -> dict[str, Any]:
    """Allure 3 searches, so that a look ahead must be tied to the beginning."""
    matchers: dict[str, Any] = {"statuses": [category.status]}
    anchored = category.message if category.message.startswith("^") else f"^{category.message}"
    return {"name": category.name, "matchers": matchers | ({"message": anchored} if category.message else {})}


def _environment(targets: Iterable[NamedTarget], tier: str, seed: int) -> dict[str, str]:
    """Shown above the results; no address of a target, because some name a port of the day."""
    found = {"suite": f"kms-conformance {__version__}", "tier": tier, "seed": str(seed)}
    for target in targets:
        found[f"target.{target.name}"] = f"{target.dialect}, profile {target.profile}"
        found[f"specs.{target.dialect}"] = specs_digest(target.dialect)
    return found | {"python": platform.python_version()}


def _properties(values: Mapping[str, str]) -> str:
    """A Java properties file. In keys, which are ours or names of targets, nothing needs an escape."""
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
        # Failed and broken are what a run's exit code is not 0 for. `allure quality-gate` needs Node 22.
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
