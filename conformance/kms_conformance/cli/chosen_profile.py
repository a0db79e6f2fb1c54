"""The profile that an option names: one of the specs, or a YAML file of the user's own."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.core import specs
from kms_conformance.core.spelling import suggestion
from kms_conformance.target.own_profile import is_file, profile_in


def chosen_profile(dialect: str, named: str, option: str = "--profile") -> str:
    """The reference of a profile. Raises `BadParameter` for an unknown name or a file that cannot be used."""
    known = specs.profile_names(dialect)
    if named in known:
        return named
    if not is_file(named):
        advice = f"{suggestion(named, known)} A file of your own ends in .yaml."
        raise click.BadParameter(f"{dialect} has no profile {named!r}. {advice}", param_hint=option)
    if not Path(named).is_file():
        raise click.BadParameter(f"the file {named} does not exist.", param_hint=option)
    found = profile_in(Path(named), dialect)
    if isinstance(found, specs.OwnProfile):
        return specs.add_profile(found)
    problems = " ".join(f"{problem.why} {problem.hint}" for problem in found)
    raise click.BadParameter(f"{named}: {problems}", param_hint=option)
