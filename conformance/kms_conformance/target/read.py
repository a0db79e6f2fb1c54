"""From a path to the mapping that stands in the file: reading and YAML, with every way to fail worded for its user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from kms_conformance.core import specs
from kms_conformance.target.errors import Problem, TargetError

if TYPE_CHECKING:
    from pathlib import Path

#: A target file has some 20 lines; what is longer than this is another file.
_MAX_CHARACTERS = 1 << 16
_TOO_LONG = Problem("It is too long for a target file.", "Name a YAML file of the form that the README shows.")


def read(path: Path, base: str = "where you are now") -> str:
    """The text of the file; raises `TargetError`. `base` says which folder a relative path is relative to."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(_MAX_CHARACTERS + 1)
    except FileNotFoundError:
        problem = Problem("There is no such file.", f"Check the path; it is relative to {base}.")
    except IsADirectoryError:
        problem = Problem("It is a directory.", "Name a file in it.")
    except UnicodeDecodeError:
        problem = Problem("It is not UTF-8 text.", "Name a YAML file, saved as UTF-8.")
    except OSError as error:
        problem = Problem(f"It cannot be read: {error.strerror}.", "Check the path and its permissions.")
    except ValueError:
        problem = Problem("Its path has characters that no path can have.", "Check the path.")
    raise TargetError.of(str(path), [problem])


def mapping(text: str, origin: str) -> dict[str, Any]:
    """The mapping that the text is; `origin` names it in errors. Raises `TargetError`."""
    if len(text) > _MAX_CHARACTERS:
        raise TargetError.of(origin, [_TOO_LONG])
    try:
        document = specs.parse_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TargetError.of(origin, [_yaml_problem(error)]) from None
    if not isinstance(document, dict):
        problem = Problem("It is no mapping of keys to values.", "Begin with `name: ...`, as the README shows.")
        raise TargetError.of(origin, [problem])
    return {str(key): value for key, value in document.items()}


def _yaml_problem(error: Exception) -> Problem:
    # The parser's own words can quote the file, and so a secret. Only the place is told, and the one finding that is
    # worded here.
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    finding = str(getattr(error, "problem", ""))
    if finding.endswith(" stands twice"):
        return Problem(f"In its YAML {finding}{place}.", "Remove one of the two.")
    return Problem(
        f"It is not valid YAML{place}.",
        "Use no tabs, and put quotes around values that contain `: ` or ` #` or begin with one of * & ! % @ ` { [ > |.",
    )
