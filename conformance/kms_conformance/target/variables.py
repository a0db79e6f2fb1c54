"""Environment variables in a target file (`${NAME}`), and the values of the file that are secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kms_conformance.target.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kms_conformance.target.auth import Auth

# `$${` is an escaped `${`. `${` without a name and a closing brace is an error.
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Variables:
    """Substitutes environment variables.

    - used: the value of each variable, by its name.
    - places: the keys of the file that use a variable, by the name of the variable.
    - unfilled: the keys whose variables cannot be substituted.
    - problems: the reasons why they cannot be.
    """

    used: dict[str, str] = field(default_factory=dict)
    places: dict[str, set[str]] = field(default_factory=dict)
    unfilled: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def fill(self, text: str, where: str) -> str | None:
        """The text of the key `where` with its variables substituted; None if one of them cannot be substituted."""
        filled = _REFERENCE.sub(lambda found: self._value(found, where), text)
        return None if where in self.unfilled else filled

    def _value(self, found: re.Match[str], where: str) -> str:
        if found[0] == "$${":
            return "${"
        name = found[1]
        if name is None or not _NAME.fullmatch(name):
            why = f"`{where}` has a ${{ without a variable name and a closing brace."
            return self._cannot(Problem(why, "Write ${NAME}, or $${ for a literal ${.", where))
        value = os.environ.get(name, "")
        if not value:
            state = "empty" if name in os.environ else "not set"
            why = f"`{where}` needs the environment variable {name}, which is {state}."
            return self._cannot(Problem(why, f"Set it: export {name}=...", where))
        self.used[name] = value
        self.places.setdefault(name, set()).add(where)
        return value

    def _cannot(self, problem: Problem) -> str:
        self.unfilled.add(problem.where)
        if problem not in self.problems:
            self.problems.append(problem)
        return ""


#: Keys whose values appear in reports and in no request.
_SHOWN = (
    "name",
    "dialect",
    "profile",
    "verify",
    "allow_plain_http",
    "real_account",
    "disposable",
    "correlation",
    "limits",
)
_URLS = ("base_url", "time_control")


def labels_of(values: Mapping[str, Any], way: type[Auth], variables: Variables) -> dict[str, str]:
    """The name of each secret value, by the value.

    - Credentials are secret.
    - Values of environment variables are secret, unless they are used only in keys that reports show (name, dialect,
      limits), or in the scheme and host of a URL.
    - If a variable holds a whole URL, only the path of the URL is secret.
    """
    urls = (*_URLS, *(f"auth.{key}" for key in way.url_keys))
    labels = {str(values["auth"][key]): key.upper() for key in sorted(way.credentials()) if key in values["auth"]}
    from_environment = {
        value: name
        for name, value in variables.used.items()
        if not all(_is_shown(value, where, values, urls) for where in variables.places[name])
    }
    paths = {
        path: name
        for name, value in variables.used.items()
        if "://" in value and variables.places[name] & set(urls) and (path := urlsplit(value).path.rstrip("/"))
    }
    return labels | from_environment | paths


def _is_shown(value: str, where: str, values: Mapping[str, Any], urls: tuple[str, ...]) -> bool:
    if where in urls:
        section, _, key = where.rpartition(".")
        parts = urlsplit((values[section] if section else values)[key])
        return value in f"{parts.scheme}://{parts.netloc}" or "://" in value
    return where.partition(".")[0] in _SHOWN
