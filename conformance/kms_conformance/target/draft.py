"""A parsed target file: substitutes variables, collects problems, and builds the `Target`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import yaml

from kms_conformance.core import specs
from kms_conformance.core.spelling import suggestion
from kms_conformance.target.auth import Auth
from kms_conformance.target.check import problems_of_auth, problems_of_file, takes_text
from kms_conformance.target.errors import Problem
from kms_conformance.target.model import Limits, Target
from kms_conformance.target.ordinary import public_words
from kms_conformance.target.own_profile import is_file, profile_in
from kms_conformance.target.registry import ways_of
from kms_conformance.target.schema import choose
from kms_conformance.target.urls import is_loopback, problem_with
from kms_conformance.target.variables import Variables, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kms_conformance.core.specs import OwnProfile

#: Default limit of requests a second for endpoints on other machines, which have other users. The vendors' smallest
#: quotas are 10 requests a second.
_DEFAULT_PACE = 5.0


@dataclass
class TargetDraft:
    """The content of a target file.

    - folder: the folder of the file, to which paths in the file are relative.
    - own: the user's own profile if `profile` names a file, or the problems with this file.
    """

    document: dict[str, Any]
    folder: Path
    variables: Variables = field(default_factory=Variables)
    own: OwnProfile | tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        self.document = {key: self._filled(value, key) for key, value in self.document.items()}
        given, dialect = self.document.get("profile"), self.document.get("dialect")
        if isinstance(given, str) and is_file(given) and dialect in specs.dialects():
            self.own = profile_in(self.folder / given, dialect)
            if not isinstance(self.own, tuple):
                specs.add_profile(self.own)

    def problems(self) -> list[Problem]:
        """All problems, without duplicates."""
        return [
            *self.variables.problems,
            *(
                problem
                for problem in (*problems_of_file(self.document), *self._dialect_problems(), *self._other_problems())
                if problem.where not in self.variables.unfilled
            ),
        ]

    def target(self) -> Target:
        """The target. Call this only if `problems` returned none."""
        values, way = self.document, self._way()
        assert not isinstance(way, Problem)
        auth = {key: value.rstrip("/") if key in way.url_keys else value for key, value in values["auth"].items()}
        base_url = values["base_url"].rstrip("/")
        labels = labels_of(values, way, self.variables)
        public = public_words(values["dialect"], self._profile())
        clock = self._clock()
        return Target(
            name=values["name"],
            dialect=values["dialect"],
            profile=self._profile(),
            base_url=base_url,
            auth=way(**auth),
            limits=self._limits(is_loopback(base_url)),
            time_control=clock.get("url"),
            clock_moves=clock.get("moves", "lifetimes"),
            real_account=values.get("real_account", False),
            disposable=values.get("disposable", False),
            verify=self._verify(),
            correlation=values.get("correlation", True) and self._facts().get("trace_context", True),
            ledger=self._ledger(),
            instance_id=values.get("instance_id"),
            secrets=frozenset(labels),
            labels=labels,
            ordinary=frozenset(filter(public.is_ordinary, labels)),
        )

    def _filled(self, value: object, where: str) -> object:
        if isinstance(value, dict) and "." not in where:
            return {str(key): self._filled(child, f"{where}.{key}") for key, child in value.items()}
        if not isinstance(value, str):
            return value
        filled = self.variables.fill(value, where)
        if filled is None:
            return value
        if filled != value and not takes_text(where):
            # Environment variables are text; a number must be parsed.
            try:
                return specs.parse_yaml(filled)
            except (yaml.YAMLError, ValueError):
                return filled
        return filled

    def _profile(self) -> str:
        own = self.own
        return str(self.document.get("profile", "documents")) if isinstance(own, tuple) else own.reference

    def _facts(self) -> Mapping[str, Any]:
        return specs.facts(self.document["dialect"], self._profile())

    def _dialect_problems(self) -> Iterator[Problem]:
        dialect, profile, auth = self.document.get("dialect"), self._profile(), self.document.get("auth")
        if not isinstance(dialect, str):
            return
        if dialect not in specs.dialects():
            yield Problem("`dialect` names an unknown dialect.", suggestion(dialect, specs.dialects()), "dialect")
            return
        if isinstance(self.own, tuple) and self.own:
            yield from self.own
        elif self.own == () and profile not in specs.profile_names(dialect):
            hint = suggestion(profile, specs.profile_names(dialect))
            yield Problem(f"`profile` names no profile of the dialect {dialect}.", hint, "profile")
        if "instance_id" in self.document and not specs.facts(dialect, "documents").get("instances", False):
            yield Problem(f"`instance_id` has no meaning in the dialect {dialect}.", "Remove the key.", "instance_id")
        if isinstance(auth, dict):
            way = self._way()
            if isinstance(way, Problem):
                yield way
            else:
                yield from problems_of_auth(auth, way)

    def _way(self) -> type[Auth] | Problem:
        dialect = self.document["dialect"]
        profile = self._profile() if specs.has_profile(dialect, self._profile()) else "documents"
        return choose(self.document["auth"], ways_of(dialect, profile))

    def _other_problems(self) -> Iterator[Problem]:
        allow = self.document.get("allow_plain_http") is True
        auth = self.document.get("auth")
        clock, offered = self._clock(), self.document.get("time_control")
        urls = {"base_url": self.document.get("base_url")}
        urls["time_control.url" if isinstance(offered, dict) else "time_control"] = clock.get("url")
        if isinstance(auth, dict):
            way = self._way() if self.document.get("dialect") in specs.dialects() else None
            keys = way.url_keys if isinstance(way, type) else ()
            urls |= {f"auth.{key}": auth.get(key) for key in keys}
        for where, url in urls.items():
            if isinstance(url, str) and url:
                problem = problem_with(url, where, allow_plain_http=allow)
                if problem is not None:
                    yield problem
        if isinstance(self.document.get("verify"), str):
            try:
                ssl.create_default_context(cafile=str(self._verify()))
            except (OSError, ValueError) as error:  # an SSLError is an OSError
                reason = getattr(error, "strerror", None) or "it is not a PEM file"
                hint = "Name a file of PEM certificates, relative to the target file."
                yield Problem(f"`verify` names a file that cannot be used: {reason}.", hint, "verify")

    def _clock(self) -> dict[str, Any]:
        """The value of `time_control` in its long form: a mapping with `url` and perhaps `moves`; empty without one."""
        given = self.document.get("time_control")
        return given if isinstance(given, dict) else {"url": given} if given is not None else {}

    def _verify(self) -> Literal[True] | Path:
        verify = self.document.get("verify", True)
        return self.folder / verify if isinstance(verify, str) else True

    def _ledger(self) -> str | Path | None:
        given = self.document.get("ledger")
        return self.folder / given if isinstance(given, str) and given.endswith(".jsonl") else given

    def _limits(self, on_loopback: bool) -> Limits:  # noqa: FBT001 - private
        given = dict(self.document.get("limits", {}))
        if "max_keys" in given:
            given["max_keys"] = int(given["max_keys"])  # the JSON Schema accepts 6.0 as an integer
        return Limits(**{"requests_per_second": None if on_loopback else _DEFAULT_PACE, **given})
