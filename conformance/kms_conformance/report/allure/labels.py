"""Labels of checks in Allure: title, description, behaviours, suites, severity, links."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import allure
import pytest

from kms_conformance.core.text import one_line
from kms_conformance.report.allure import about
from kms_conformance.report.text.failure import render

if TYPE_CHECKING:
    from pathlib import Path

    from kms_conformance.catalogue.requirements import Catalogue, Level, Requirement
    from kms_conformance.target import Target
    from kms_conformance.verdict.results import CheckResult

_SEVERITIES: Mapping[Level, str] = {"MUST": "critical", "SHOULD": "normal", "MAY": "minor"}
_LEVELS: Sequence[Level] = ("MUST", "SHOULD", "MAY")

# allure has no types.
_DYNAMIC: Any = allure.dynamic


@dataclass(frozen=True)
class Labels:
    """The labels of one check in Allure. `stories`: the ids of its requirements. `links`: pairs of name and URL."""

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
    """The labels of one check on one target; `title` and `check` are those of `CheckResult`.

    The labels are the same in every run, because Allure finds the history of a test by its name and parameters.
    """
    judged = tuple(requirements)
    levels = {requirement.level for requirement in judged}
    strongest: Level = next((level for level in _LEVELS if level in levels), "MAY")
    return Labels(
        title=f"{title[:1].upper()}{title[1:]} · {target}",
        description=describe(check, judged),
        epic=dialect,
        feature=family.replace("_", " "),
        stories=tuple(requirement.id for requirement in judged),
        parent_suite=target,
        suite=family.replace("_", " "),
        severity=_SEVERITIES[strongest],
        links=links_of(judged),
    )


def allure_dynamic(labels: Labels) -> None:
    """Set the labels of the running test; without an Allure plugin, nothing happens.

    This must be called when the set-up of a test ends (see `Labelling`), because Allure's pytest plugin resets the
    title at that time.
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
    """A pytest plugin that sets the labels of each test when its set-up ends, also if the set-up fails.

    `label_of` returns the labels of a test; None for tests that are not checks of the suite.
    """

    def __init__(self, label_of: Callable[[pytest.Item], Labels | None]) -> None:
        self._label_of = label_of

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Set the labels after the set-up. This is the outermost wrapper, so that Allure's plugin has run before."""
        try:
            yield
        finally:
            found = self._label_of(item)
            if found is not None:
                allure_dynamic(found)


def attach(result: CheckResult, catalogue: Catalogue) -> None:
    """Attach each failure of a check, as text, to the running test."""
    for failure in result.failures:
        text = render(failure, catalogue.requirements.get(failure.requirement), result.exchanges)
        allure.attach(text, name=failure.requirement, attachment_type=allure.attachment_type.TEXT)


def write_files(
    results: Path, targets: Iterable[Target], *, tier: str, seed: int, environ: Mapping[str, str] = os.environ
) -> None:
    """Write the files beside the results of Allure's pytest plugin; see `about.write`."""
    about.write(results, [about.NamedTarget(t.name, t.dialect, t.profile) for t in targets], tier, seed, environ)


def describe(check: str, requirements: Sequence[Requirement]) -> str:
    """The description as Markdown: the id of the check, and the requirements that it judges."""
    lines = [f"`{check}`", "", "| Requirement | Level | Statement | Source |", "|---|---|---|---|"]
    for requirement in requirements:
        sources = "; ".join(f"[{_cell(str(source))}]({source.document.url})" for source in requirement.sources)
        lines.append(f"| `{requirement.id}` | {requirement.level} | {_cell(requirement.statement)} | {sources} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|").replace("[", "\\[").replace("]", "\\]")


def links_of(requirements: Iterable[Requirement]) -> tuple[tuple[str, str], ...]:
    """Links to the source documents, each once, because Allure keeps one link per URL."""
    documents = {source.document.url: source.document for each in requirements for source in each.sources}
    return tuple((f"{document.publisher}: {document.title}", url) for url, document in documents.items())
