"""Reads a target file and parses its YAML; each failure raises a `TargetError` with a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from kms_conformance.core import specs
from kms_conformance.target.errors import Problem, TargetError

if TYPE_CHECKING:
    from pathlib import Path

#: A target file has about 20 lines. A longer text than this is not a target file.
_MAX_CHARACTERS = 1 << 16
_TOO_LONG = Problem("The file is too long for a target file.", "Name a YAML file like the one in the README.")


def read(path: Path, base: str = "the current folder") -> str:
    """The text of the file; raises `TargetError`. `base` says which folder a relative path is relative to."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_MAX_CHARACTERS + 1)
    except FileNotFoundError:
        problem = Problem("The file does not exist.", f"Check the path; it is relative to {base}.")
    except IsADirectoryError:
        problem = Problem("The path is a directory.", "Name a file in it.")
    except UnicodeDecodeError:
        problem = Problem("The file is not UTF-8 text.", "Name a YAML file, saved as UTF-8.")
    except OSError as error:
        problem = Problem(f"The file cannot be read: {error.strerror}.", "Check the path and its permissions.")
    except ValueError:
        problem = Problem("The path has characters that are not allowed in paths.", "Check the path.")
    raise TargetError.of(str(path), [problem])


def mapping(text: str, origin: str) -> dict[str, Any]:
    """The text parsed as a YAML mapping; errors name `origin`. Raises `TargetError`."""
    if len(text) > _MAX_CHARACTERS:
        raise TargetError.of(origin, [_TOO_LONG])
    try:
        document = specs.parse_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TargetError.of(origin, [_yaml_problem(error)]) from None
    if not isinstance(document, dict):
        problem = Problem(
            "The file is not a mapping of keys to values.", "Begin with `name: ...`, as the README shows."
        )
        raise TargetError.of(origin, [problem])
    return {str(key): value for key, value in document.items()}


def _yaml_problem(error: Exception) -> Problem:
    # Messages of the YAML parser can quote the file, and so a secret. So only the place is reported, and a key that
    # occurs twice.
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    finding = str(getattr(error, "problem", ""))
    if finding.endswith(" occurs twice"):
        return Problem(f"In the YAML, {finding}{place}.", "Remove one of the two.")
    return Problem(
        f"The file is not valid YAML{place}.",
        "Use no tabs. Put quotes around values that contain `: ` or ` #` or begin with one of * & ! % @ ` { [ > |.",
    )
