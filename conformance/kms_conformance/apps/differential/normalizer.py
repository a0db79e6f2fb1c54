"""Normalization of replies: values that differ between any two accounts are replaced by placeholders.

A key becomes the same placeholder in all fields, on every target. A text that does not look like a word of an API, such
as a state or an error code, becomes `<text>`, so that no secret and no other text of a target gets into a recording.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kms_conformance.apps.differential.question import KEY
from kms_conformance.apps.differential.timestamps import relative_time, time_of

_ARN = re.compile(r"\b(arn:aws[a-z-]*|acs):([a-z0-9-]+):([a-z0-9-]*):([0-9]*):")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_ACCOUNT = re.compile(r"[0-9]{12}|[0-9]{16}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.DOTALL)
_HOST = re.compile(r"(localhost|[0-9]{1,3}(\.[0-9]{1,3}){3}|[a-z0-9-]+(\.[a-z0-9-]+){2,})(:[0-9]+)?")
# For example eu-de, cn-hangzhou, us-east-1.
_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,2}(-[0-9]{1,2})?")
_REDACTED = re.compile(r"\[redacted:[A-Z0-9_]*\]")
# `_WORD` matches words of an API and placeholders. The longest words of an API have some 40 characters; ciphertexts and
# data keys are longer. `_RANDOM` matches random texts, which contain both digits and letters in 20 characters or more.
_WORD = re.compile(r"(?:<[a-z ]+[0-9]*>|[A-Za-z0-9_./:@+-])+")
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{20,}")
_LONGEST_WORD = 64
_NAME = re.compile(r"[A-Za-z0-9_.$@:-]{1,64}")
_MOST_ITEMS = 20
# Placeholder of a key of this run that the question does not name, and the placeholders of all keys of this run.
OTHER_KEY = "<other key>"
OURS = frozenset({KEY, OTHER_KEY})
# Numbers above this limit may be ids and become `<number>`: a KMS API has no other numbers of this size.
_LARGEST = 10**10


@dataclass
class Normalizer:
    """Normalizer of one reply.

    - `names`: the placeholder of each known text, such as the id of a key.
    - `sent_at`: the time of the request (aware).
    - `scheduled`: the time (aware) when the deletion of the key was last scheduled.
    - `fresh`: whether the request created the key; all times in the reply are then relative to the request.
    """

    names: Mapping[str, str]
    sent_at: datetime
    scheduled: datetime | None = None
    fresh: bool = False
    _ids: dict[str, str] = field(default_factory=dict)

    def body(self, value: object) -> Any:  # noqa: ANN401 - JSON
        """The normalized form of a decoded body, as JSON types."""
        if isinstance(value, Mapping):
            return {self._name(name): self.body(item) for name, item in value.items()}
        if isinstance(value, list):
            items = [self.body(item) for item in value[:_MOST_ITEMS]]
            return items if len(value) <= _MOST_ITEMS else [*items, "<more>"]
        return self.leaf(value)

    def error(self, value: object, code: str | None, message: str | None) -> Any:  # noqa: ANN401 - JSON
        """The normalized body of a refusal.

        The error code becomes `<code>`, because codes are compared as a field of `NormalizedAnswer`. Messages become
        `<text>`, because they are not compared.
        """
        if isinstance(value, Mapping):
            return {self._name(name): self.error(item, code, message) for name, item in value.items()}
        if isinstance(value, list):
            return [self.error(item, code, message) for item in value[:_MOST_ITEMS]]
        if isinstance(value, str):
            if code and value.endswith(code):
                return "<code>"
            found = self.leaf(value)
            only_placeholder = isinstance(found, str) and re.fullmatch(r"<[a-z ]+[0-9]*>", found) is not None
            return "<text>" if value == message or not only_placeholder else found
        return "<code>" if code is not None and str(value) == code else self.leaf(value)

    def listing(self, value: object, cursor: object) -> Any:  # noqa: ANN401 - JSON
        """The names and types of the fields in a page of keys; the values and the cursor depend on the account."""
        if isinstance(value, Mapping):
            # The cursor and empty fields are left out, because only some pages have a cursor.
            kept = {name: item for name, item in value.items() if item not in (cursor, "", None)}
            return {self._name(name): self.listing(item, cursor) for name, item in kept.items()}
        if isinstance(value, list):
            entries = [item for item in value if self._is_ours(item)] or value[:1]
            different: list[Any] = []
            for item in map(self._shape, entries):
                if item not in different:
                    different.append(item)
            return different
        return _type(value)

    def _shape(self, value: object) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, Mapping):
            return {self._name(name): self._shape(item) for name, item in value.items()}
        return list(map(self._shape, value[:1])) if isinstance(value, list) else _type(value)

    def _is_ours(self, entry: object) -> bool:
        """Whether an entry of a list is one of the keys of this run."""
        values = entry.values() if isinstance(entry, Mapping) else [entry]
        return any(isinstance(value, str) and self.names.get(value) in OURS for value in values)

    def leaf(self, value: object) -> Any:  # noqa: ANN401 - JSON
        """A value that is neither mapping nor list."""
        when = time_of(value)
        if when is not None:
            return relative_time(*when, self.sent_at, self.scheduled, fresh=self.fresh).to_json()
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) > _LARGEST:
            return "<number>"
        return value

    def date(self, at: datetime) -> Any:  # noqa: ANN401 - JSON
        """A date that was already parsed; its format is not compared."""
        return relative_time(at, "", self.sent_at, self.scheduled, fresh=self.fresh).to_json()

    def text(self, value: str) -> str:
        """A text: known names and ids become placeholders, words of an API stay, all other texts become `<text>`."""
        for known in sorted(self.names, key=len, reverse=True):
            value = value.replace(known, self.names[known])
        if _REDACTED.search(value):
            return "<secret>"
        if _URL.fullmatch(value):
            return "<url>"
        if _HOST.fullmatch(value):
            return "<host>"
        if _ACCOUNT.fullmatch(value):
            return "<account>"
        if _REGION.fullmatch(value):
            return "<region>"
        value = _ARN.sub(_in_arn, value)
        value = _UUID.sub(self._id, value)
        if re.fullmatch(r"[0-9a-f]{32}", value):
            return self._id_of(value)
        bare = re.sub(r"<[a-z ]+[0-9]*>", "", value)
        if not value or (_WORD.fullmatch(value) and len(bare) <= _LONGEST_WORD and not _RANDOM.search(bare)):
            return value
        return "<text>"

    def words(self, sentence: str) -> str:
        """A sentence of this suite that may quote a target: parts that are not words become `<text>`."""
        found = [self.text(word) if _WORD.fullmatch(word) else "<text>" for word in sentence.split()]
        return " ".join(
            word for place, word in enumerate(found) if word != "<text>" or found[place - 1 : place] != ["<text>"]
        )

    def _id(self, match: re.Match[str]) -> str:
        return self._id_of(match[0])

    def _id_of(self, found: str) -> str:
        return self._ids.setdefault(found.lower(), f"<id {len(self._ids) + 1}>")

    def _name(self, name: object) -> str:
        text = str(name)
        return text if _NAME.fullmatch(text) and not _RANDOM.search(text) else "<name>"


def _in_arn(match: re.Match[str]) -> str:
    region = "<region>" if match[3] else ""
    account = "<account>" if match[4] else ""
    return f"{match[1]}:{match[2]}:{region}:{account}:"


def _type(value: object) -> str | None:
    if isinstance(value, bool):
        return "<boolean>"
    if isinstance(value, (int, float)):
        return "<number>"
    return None if value is None else "<string>"
