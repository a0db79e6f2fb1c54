"""What is good for one exchange - a signature, what was decrypted - and may be repeated by the replies after it."""

from __future__ import annotations

from collections.abc import Mapping

from kms_conformance.wire.secrets.prefilter import LEAST, Windows
from kms_conformance.wire.secrets.search import forms, hides_any, texts

#: The label of values that an endpoint may repeat in another encoding: a signature is repeated as it is.
PLAINTEXT = "PLAINTEXT"


class Passing:
    """The last of such values with their labels, and whether a text holds one: few looks, however many there are."""

    def __init__(self, most: int) -> None:
        """At most so many are known; those that came first are forgotten."""
        self._most = most
        self._windows = Windows(most)
        self._short: set[str] = set()
        self.labels: Mapping[str, str] = {}

    def learn(self, labels: Mapping[str, str]) -> None:
        """Know these as well."""
        if not labels.keys() - self.labels.keys():
            return
        before, self.labels = self.labels, dict([*self.labels.items(), *labels.items()][-self._most :])
        short = set(self._short)
        for value in self.labels.keys() - before.keys():
            all_forms = forms(value, said=self.labels[value] == PLAINTEXT)
            self._windows.add(form for form in all_forms if len(form) >= LEAST)
            if min(map(len, all_forms)) < LEAST:
                short.add(value)
        self._short = short & self.labels.keys()

    def stand_in(self, text: bytes) -> bool:
        """Whether one of them stands in the text as a whole, in any disguise."""
        if not self.labels:
            return False
        may_stand = any(map(self._windows.may_stand_in, texts(text)))
        values = self.labels if may_stand else self._short
        said = [value for value in values if self.labels[value] == PLAINTEXT]
        others = [value for value in values if self.labels[value] != PLAINTEXT]
        return hides_any(text, others, in_pieces=False) or hides_any(text, said, in_pieces=False, said=True)
