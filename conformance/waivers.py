"""Waivers: requirements whose failure the user accepts, each with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from conformance import specs
from conformance.catalogue.requirements import Catalogue
from conformance.target import Target, TargetError


def load_waivers(path: str | None, targets: Iterable[Target]) -> dict[str, str]:
    """Reasons by requirement id, from a YAML mapping; raises `TargetError` for anything else or an unknown id."""
    if path is None:
        return {}
    try:
        raw: Any = specs.parse_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TargetError(f"The waivers file {path} cannot be read.", str(error), _FORM) from error
    if not isinstance(raw, dict) or not all(isinstance(reason, str) and reason.strip() for reason in raw.values()):
        raise TargetError(f"The waivers file {path} cannot be used.", "It is no mapping of ids to reasons.", _FORM)
    known = {requirement.id for target in targets for requirement in Catalogue.load(target.dialect)}
    unknown = sorted(str(name) for name in raw if name not in known)
    if unknown:
        raise TargetError(
            f"The waivers file {path} cannot be used.",
            f"No requirement is called {', '.join(unknown)}.",
            "`kms-conformance requirements` lists them.",
        )
    return {str(name): reason for name, reason in raw.items()}


_FORM = "Write one line a waiver: `cancel.date-cleared: why this failure is accepted`."
