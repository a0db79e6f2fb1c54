"""What `requirements` shows of one requirement, or as JSON of all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.cli._common import profile_of
from kms_conformance.core import specs
from kms_conformance.core.text import say
from kms_conformance.report.explanation import Explanation, UnknownRequirementError, explained
from kms_conformance.report.load import load_report
from kms_conformance.report.text.explanation import lines
from kms_conformance.report.text.screen import Screen
from kms_conformance.target import load_target

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport


_Explained = Sequence[tuple[Profile, Sequence["TargetReport"]]]


def profiles(dialect: str | None, target: Path | None, reports: Path | None) -> _Explained:
    """The profiles for which requirements are explained, each with its targets in the reports folder."""
    found = () if reports is None else load_report(reports).targets
    if target is not None:
        named = load_target(target)
        if dialect not in (None, named.dialect):
            raise click.UsageError(f"{target} is of the dialect {named.dialect}. Leave --dialect out.")
        profile = Profile.load(named.dialect, named.profile)
        return [(profile, [each for each in found if each.verdict.dialect == named.dialect])]
    if found:
        return [
            (profile_of(each), [each]) for each in found if dialect in (None, each.verdict.dialect)
        ] or _no_target_of(dialect, reports)
    return [(Profile.load(each), ()) for each in ((dialect,) if dialect else specs.dialects())]


def _no_target_of(dialect: str | None, reports: Path | None) -> _Explained:
    raise click.UsageError(f"The run in {reports} has no target of the dialect {dialect}. Leave --dialect out.")


def show(name: str | None, profiles: _Explained, reports: Path | None, *, as_json: bool) -> None:
    """Print the explanation of one requirement, or of all, for each profile. Raises `UnknownRequirementError`."""
    found = list(_explanations(name, profiles))
    if not found and name is not None:
        raise UnknownRequirementError(name, sorted({profile.dialect for profile, _ in profiles}))
    if as_json:
        shown = [each.to_json() for each in found]
        say(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    screen = Screen(width=None if Screen().is_terminal else 120)
    for number, each in enumerate(found):
        for line in ("", *lines(each, screen.width, reports)) if number else lines(each, screen.width, reports):
            screen.write_line(line)


def _explanations(name: str | None, profiles: _Explained) -> Iterator[Explanation]:
    for profile, targets in profiles:
        faults = _faults(profile.dialect)
        for requirement in Catalogue.load(profile.dialect):
            if name in (None, requirement.id):
                yield explained(requirement, profile, faults.get(requirement.id, {}), targets)


def _faults(dialect: str) -> Mapping[str, Mapping[str, str]]:
    """By requirement, the deliberate faults of the self-test that it must find, with their titles."""
    from kms_conformance.apps.selftest.faults import FAULTS  # noqa: PLC0415 - the list does not need them

    found: dict[str, dict[str, str]] = {}
    for fault in FAULTS:
        for requirement in fault.requirements if dialect in fault.dialects else ():
            found.setdefault(requirement, {})[fault.name] = fault.title
    return found
