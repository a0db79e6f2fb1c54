"""Which values of a target file must never be shown, and what to call each instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kms_conformance.target.auth import Auth
    from kms_conformance.target.variables import Variables

#: What every report says of a target by its published schema, and what no request carries.
_SHOWN = ("name", "dialect", "profile", "verify", "allow_plain_http", "real_account", "limits")
_URLS = ("base_url", "time_control")


def labels_of(values: Mapping[str, Any], way: type[Auth], variables: Variables) -> dict[str, str]:
    """Secret values and their names: all credentials, and all that came from the environment.

    Spared are variables that only fill what every report shows: a target's name, dialect and limits, and the scheme
    and host of its URLs. Of a variable that is a whole URL, that leaves the path.
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
