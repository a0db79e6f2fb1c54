"""Allure: what each check is called and sorted under there, and the files beside its results."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import allure
import pytest

from conformance import __version__
from conformance.reporting.ci import executor, origin
from conformance.reporting.failure import render
from conformance.reporting.files import to_text, write_atomically
from conformance.reporting.text import one_line
from conformance.verdict import specs_digest

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.catalogue.requirements import Catalogue, Level, Requirement
    from conformance.results import CheckResult
    from conformance.target import Target

_SEVERITIES: Mapping[Level, str] = {"MUST": "critical", "SHOULD": "normal", "MAY": "minor"}
_LEVELS: Sequence[Level] = ("MUST", "SHOULD", "MAY")

# Has no types.
_DYNAMIC: Any = allure.dynamic
_PROPERTY_ESCAPE = re.compile(r"\\|[^ -~]")

# Allure calls a test failed when an assertion did not hold, and broken when anything else ended it.
_CATEGORIES = (
    ("Not conformant: the target does otherwise than its documents", "failed"),
    ("Inconclusive: could not be judged, and not the target's fault", "broken"),
)


@dataclass(frozen=True)
class Labels:
    """What Allure is told of one check. `stories` are ids of requirements, `links` pairs of a name and an address."""

    title: str
    description: str
    epic: str
    feature: str
    stories: tuple[str, ...]
    parent_suite: str
    suite: str
    severity: str
    links: tuple[tuple[str, str], ...]


def label(
    *, target: str, dialect: str, family: str, title: str, check: str, requirements: Iterable[Requirement]
) -> Labels:
    """The labels of one check at one target; `title` and `check` are its title and id, as in `CheckResult`.

    Nothing in them changes from run to run: Allure tells a test's history by its name and parameters.
    """
    judged = tuple(requirements)
    levels = {requirement.level for requirement in judged}
    strongest: Level = next((level for level in _LEVELS if level in levels), "MAY")
    return Labels(
        title=f"{title[:1].upper()}{title[1:]} · {target}",
        description=_description(check, judged),
        epic=dialect,
        feature=family.replace("_", " "),
        stories=tuple(requirement.id for requirement in judged),
        parent_suite=target,
        suite=family.replace("_", " "),
        severity=_SEVERITIES[strongest],
        links=_links(judged),
    )


def allure_dynamic(labels: Labels) -> None:
    """Put labels on the test that is running, by whatever Allure plugin is listening; else nothing happens.

    Allure's pytest plugin gives a test its plain name once more when set-up ends, so labels that are put on earlier are
    lost in part: `Labelling` calls this at the right time.
    """
    _DYNAMIC.title(labels.title)
    _DYNAMIC.description(labels.description)
    _DYNAMIC.epic(labels.epic)
    _DYNAMIC.feature(labels.feature)
    _DYNAMIC.story(*labels.stories)
    _DYNAMIC.parent_suite(labels.parent_suite)
    _DYNAMIC.suite(labels.suite)
    _DYNAMIC.severity(labels.severity)
    for name, url in labels.links:
        _DYNAMIC.link(url, name=name)


class Labelling:
    """A pytest plugin that labels each test as its set-up ends, also one that fails there.

    `label_of` says how; None is for tests that are none of ours.
    """

    def __init__(self, label_of: Callable[[pytest.Item], Labels | None]) -> None:
        self._label_of = label_of

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Outermost, so that Allure's own plugin has spoken."""
        try:
            yield
        finally:
            found = self._label_of(item)
            if found is not None:
                allure_dynamic(found)


def attach(result: CheckResult, catalogue: Catalogue) -> None:
    """Attach each failure of a check, as text, to the test that is running."""
    for failure in result.failures:
        text = render(failure, catalogue.requirements.get(failure.requirement), result.exchanges)
        allure.attach(text, name=failure.requirement, attachment_type=allure.attachment_type.TEXT)


def write_files(
    results: Path, targets: Iterable[Target], *, tier: str, seed: int, environ: Mapping[str, str] = os.environ
) -> None:
    """Write what Allure reads beside its results: environment, executor and categories, for Allure 2 and 3.

    `results` is the folder that `--alluredir` names. `allurerc.mjs`, for Allure 3, goes beside that folder, unless one
    is there: it is a file that users edit. `environ` is searched for what a CI system says of its job, see `ci`.
    """
    write_atomically(
        results / "environment.properties", _properties(_environment(targets, tier, seed) | origin(environ))
    )
    write_atomically(results / "executor.json", to_text(executor(environ)))
    categories = [{"name": name, "matchedStatuses": [status]} for name, status in _CATEGORIES]
    write_atomically(results / "categories.json", to_text(categories))
    config = results.parent / "allurerc.mjs"
    if not config.exists():
        write_atomically(config, _config(results.name))


def _description(check: str, requirements: Sequence[Requirement]) -> str:
    """Markdown: the id that selects the check, and what it judges."""
    lines = [f"`{check}`", "", "| Requirement | Level | What must hold | Source |", "|---|---|---|---|"]
    for requirement in requirements:
        sources = "; ".join(f"[{_cell(str(source))}]({source.document.url})" for source in requirement.sources)
        lines.append(f"| `{requirement.id}` | {requirement.level} | {_cell(requirement.statement)} | {sources} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|").replace("[", "\\[").replace("]", "\\]")


def _links(requirements: Iterable[Requirement]) -> tuple[tuple[str, str], ...]:
    """Each document once: Allure keeps one link an address."""
    documents = {source.document.url: source.document for each in requirements for source in each.sources}
    return tuple((f"{document.publisher}: {document.title}", url) for url, document in documents.items())


def _environment(targets: Iterable[Target], tier: str, seed: int) -> dict[str, str]:
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
    categories = [{"name": name, "matchers": {"statuses": [status]}} for name, status in _CATEGORIES]
    config = {
        "name": "KMS conformance",
        "resultsDir": results,
        "output": "allure-report",
        "categories": categories,
        "plugins": {"awesome": {"options": {"groupBy": ["epic", "feature", "story"]}}},
    }
    return (
        f"// For Allure 3: npx allure generate --config allurerc.mjs\nexport default {json.dumps(config, indent=2)};\n"
    )
