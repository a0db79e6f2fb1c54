"""Search for secrets: finds known values in a text, in all encoded forms, and their spans."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from kms_conformance.wire.secrets.forms import forms_of
from kms_conformance.wire.secrets.readings import readings

#: A gram is a substring of this many bytes. In a text, one gram is looked up every `_STEP` bytes.
_GRAM = 6
_STEP = 19
#: A form of at least this many bytes contains a whole sampled gram wherever it stands in a text.
MIN_INDEXED = _GRAM + _STEP - 1

Span = tuple[int, int, str]


@dataclass(frozen=True)
class SoughtValue:
    """A value with the label of its spans and all its forms; `grams`: those that are indexed."""

    text: str
    label: str
    forms: tuple[bytes, ...]
    grams: frozenset[bytes]

    @classmethod
    def of(cls, text: str, label: str, *, decoded: bool) -> SoughtValue:
        """The value with its forms; `forms_of` explains `decoded`."""
        forms = tuple(dict.fromkeys(forms_of(text.encode(errors="surrogatepass"), decoded=decoded)))
        return cls(text, label, forms, _grams_of(forms))


class SecretSearch:
    """Finds whole values in texts in linear time; thread-safe.

    The first `_STEP` grams of each long form are indexed. A text is sampled every `_STEP` bytes, and the sampled grams
    tell which values it may contain: few look-ups for any number of values. Only these values are then searched for by
    their forms. Values with a form shorter than `MIN_INDEXED` are searched for in every text.

    A value is indexed when a text is next searched: most signatures of a run are forgotten before.
    """

    def __init__(self) -> None:
        self._values: dict[str, SoughtValue] = {}
        self._added: dict[str, tuple[str, bool]] = {}
        self._grams: dict[bytes, tuple[str, ...]] = {}
        self._short: dict[str, tuple[bytes, ...]] = {}
        self._lock = threading.Lock()

    def __contains__(self, value: str) -> bool:
        return value in self._values or value in self._added

    def add(self, value: str, label: str, *, decoded: bool = False) -> None:
        """Search for one more value, whose spans get this label. `forms_of` explains `decoded`."""
        with self._lock:
            self._forget(value)
            self._added[value] = label, decoded

    def _index(self) -> None:
        """Index the values that were added since the last search."""
        for value, (label, decoded) in self._added.items():
            self._values[value] = sought = SoughtValue.of(value, label, decoded=decoded)
            short = tuple(form for form in sought.forms if len(form) < MIN_INDEXED)
            if short:
                self._short[value] = short
            for gram in sought.grams:
                self._grams[gram] = (*self._grams.get(gram, ()), value)
        self._added.clear()

    def forget(self, value: str) -> None:
        """Stop searching for a value."""
        with self._lock:
            self._forget(value)

    def _forget(self, value: str) -> None:
        self._added.pop(value, None)
        known = self._values.pop(value, None)
        if known is None:
            return
        self._short.pop(value, None)
        for gram in known.grams:
            left = tuple(other for other in self._grams[gram] if other != value)
            if left:
                self._grams[gram] = left
            else:
                del self._grams[gram]

    def likely_in(self, text: bytes) -> list[SoughtValue]:
        """The values that may occur in a text, in the order in which they were added.

        Every value that occurs is included. Escapes in the text are not undone.
        """
        seen = {text[at : at + _GRAM] for at in range(0, len(text), _STEP)}
        with self._lock:
            self._index()
            likely = {value for value, forms in self._short.items() if any(form in text for form in forms)}
            for gram in seen:
                likely.update(self._grams.get(gram, ()))
            return [known for value, known in self._values.items() if value in likely] if likely else []

    def hides_in(self, text: bytes) -> bool:
        """Whether any value occurs in the text, in any form."""
        return any(
            form in reading.text
            for reading in readings(text)
            for value in self.likely_in(reading.text)
            for form in value.forms
        )

    def spans(self, text: bytes) -> Iterator[Span]:
        """Spans of values in the text, in any form, with their labels; spans may overlap."""
        for reading in readings(text):
            for value in self.likely_in(reading.text):
                for form in value.forms:
                    for start, end in _places(reading.text, form):
                        yield reading.at(start), reading.at(end), value.label


def _grams_of(forms: tuple[bytes, ...]) -> frozenset[bytes]:
    """The first grams of long forms. Wherever a form stands in a text, one of these grams is sampled."""
    long_forms = [form for form in forms if len(form) >= MIN_INDEXED]
    return frozenset(form[at : at + _GRAM] for form in long_forms for at in range(_STEP))


def _places(text: bytes, form: bytes) -> Iterator[tuple[int, int]]:
    """Spans of a form, in order; overlapping ones are merged.

    A form that repeats itself can match at almost every byte, for example a token made for this purpose. After 32 bytes
    of matches for each byte of the text, the whole text counts as one span. Real secrets are random and do not overlap.
    """
    size, left = len(form), 32 * len(text) + (1 << 16)
    start = text.find(form)
    first, last = start, start + size
    while start >= 0:
        left -= size
        if left < 0:
            yield 0, len(text)
            return
        if start >= last:
            yield first, last
            first = start
        last = start + size
        start = text.find(form, start + 1)
    if first >= 0:
        yield first, last
