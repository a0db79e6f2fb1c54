"""The redactor: removes secrets from exchanges and texts. Its results may be stored, shown and sent to anybody."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kms_conformance.target.ordinary import Public, public_words
from kms_conformance.wire.messages import Headers, Reply, Request
from kms_conformance.wire.secrets.records import (
    IN_PLAINTEXTS,
    Pattern,
    hidden,
    is_secret_header,
    joined,
    label_of,
    mark,
    named_secrets,
    names_a_secret,
    plaintexts_in,
    signatures_in,
    spans_by_name,
    tokens_in,
    tokens_of,
)
from kms_conformance.wire.secrets.search import SecretSearch, Span

if TYPE_CHECKING:
    from kms_conformance.target import Target

#: Label of decrypted values, which an endpoint may repeat in another encoding.
PLAINTEXT = "PLAINTEXT"
#: Fewest characters of a value that is searched for. Shorter ones occur in many texts by chance, and removing them
#: would leave nothing to read.
_MIN_LENGTH = 4
#: Fewest characters of a token that is learned. Shorter ones come from a fuzzer, and redacting them would blank out
#: half of a report.
_MIN_TOKEN = 16
_MAX_TOKENS = 16
#: Number of secrets of single exchanges (signatures, plaintexts) that are searched for, because later replies may echo
#: them. The newest ones are kept.
_MAX_TRANSIENT = 48
#: Fewest characters of a plaintext that is learned. The plaintexts that this suite encrypts are shorter and not secret.
_MIN_PLAINTEXT = 24
_MIN_SIGNATURE = 8
_MAX_PASSES = 8


class Redactor:
    """Replaces secrets by `[redacted:NAME]`. Redacting twice gives the same result as once.

    Secrets shorter than 4 characters are not searched for. They are redacted only as values of secret headers and
    parameters. `too_short` is their number.
    """

    def __init__(
        self,
        secrets: Iterable[str],
        labels: Mapping[str, str] | None = None,
        *,
        public: Public | None = None,
        plaintexts: bool = True,
    ) -> None:
        """`labels` maps secrets to the names in their marks, such as KMS_TOKEN; the default is SECRET.

        Tokens, signatures and plaintexts that are `public` words are not learned. Without `plaintexts`, decrypted
        values stay: placeholders have replaced them already.
        """
        names = labels or {}
        named = named_secrets()
        self._public = public
        all_secrets = sorted(set(secrets))
        self._names = {
            secret: label_of(names.get(secret, "SECRET")) for secret in all_secrets if len(secret) >= _MIN_LENGTH
        }
        self.too_short = len(all_secrets) - len(self._names)
        self._search = SecretSearch()
        for secret, label in self._names.items():
            # `requests` reads headers and reason phrases as Latin-1, whatever their bytes are.
            for spelling in {secret, secret.encode("utf-8", "surrogatepass").decode("latin-1")}:
                self._search.add(spelling, label)
        self._lock = threading.Lock()
        self._tokens: dict[str, None] = {}
        self._transient: dict[str, None] = {}
        known = {*self._names.values(), *named.labels, "TOKEN"}
        self._marks = re.compile("|".join(re.escape(mark(label)) for label in sorted(known)).encode())
        self._plaintexts = plaintexts
        self._in_requests = named.patterns
        self._in_replies = (*self._in_requests, *(IN_PLAINTEXTS if plaintexts else ()))

    @classmethod
    def of(cls, target: Target, *, plaintexts: bool = True) -> Redactor:
        """The redactor of a target; searches for its secrets except those that are ordinary words."""
        public = public_words(target.dialect, target.profile)
        return cls(target.secrets - target.ordinary, target.labels, public=public, plaintexts=plaintexts)

    def text(self, text: str) -> str:
        """The text without secrets, found by value and by name."""
        return self._text(text, self._in_replies)

    def data(self, data: bytes) -> bytes:
        """The bytes, in any encoding, without secrets, found by value and by name."""
        return self._redacted(data, self._in_replies)

    def request(self, request: Request) -> Request:
        """The request without secrets in any part."""
        self.learn(request)
        whole = joined(request.headers, request.body, request.method, request.url)
        by_value = self._search.hides_in(whole)
        if not by_value and not names_a_secret(whole):
            return replace(request, headers=_without_values(request.headers))
        return replace(
            request,
            method=self._text(request.method, self._in_requests, by_value=by_value),
            url=self._text(request.url, self._in_requests, by_value=by_value),
            headers=self._headers(request.headers, self._in_requests, by_value=by_value),
            body=self._redacted(request.body, self._in_requests, by_value=by_value),
        )

    def reply(self, reply: Reply) -> Reply:
        """The reply without secrets in any part."""
        whole = joined(reply.headers, reply.body, reply.reason)
        by_value = self._search.hides_in(whole)
        if not by_value and not names_a_secret(whole):
            return replace(reply, headers=_without_values(reply.headers))
        return replace(
            reply,
            reason=self._text(reply.reason, self._in_replies, by_value=by_value),
            headers=self._headers(reply.headers, self._in_replies, by_value=by_value),
            body=self._redacted(reply.body, self._in_replies, by_value=by_value),
        )

    def learn(self, request: Request, reply: Reply | None = None) -> None:
        """Learn secrets of an exchange that the target file does not name, because later replies may echo them.

        These are tokens, which the run may have fetched, signatures, and decrypted plaintexts. Only the newest ones of
        each kind are remembered.
        """
        signatures = signatures_in(request.url, request.headers)
        known = {unquote(value): "SIGNATURE" for value in signatures if len(value) >= _MIN_SIGNATURE}
        self._remember(tokens_in(request.headers), known)
        if reply is not None:
            self.learn_from(reply)

    def learn_from(self, reply: Reply) -> None:
        """Learn the secrets of a reply without its request; see `learn`."""
        plaintexts = plaintexts_in(reply.body) if self._plaintexts else set()
        known = dict.fromkeys((value for value in plaintexts if len(value) >= _MIN_PLAINTEXT), PLAINTEXT)
        self._remember(tokens_of(reply), known)

    def _remember(self, tokens: Iterable[str], transient: Mapping[str, str]) -> None:
        known = (self._names, self._tokens)
        tokens = [token for token in tokens if len(token) >= _MIN_TOKEN and not any(token in group for group in known)]
        if self._public is not None:
            # A token that equals the name of a parameter must not remove that name from the records.
            tokens = [token for token in tokens if not self._public.is_ordinary(token)]
            transient = {value: label for value, label in transient.items() if not self._public.is_ordinary(value)}
        if not tokens and not transient:
            return
        with self._lock:
            for token in dict.fromkeys(tokens):
                self._transient.pop(token, None)
                self._know(token, "TOKEN", self._tokens, _MAX_TOKENS)
            for value, label in transient.items():
                if value not in self._names and value not in self._tokens:
                    self._know(value, label, self._transient, _MAX_TRANSIENT)

    def _know(self, value: str, label: str, group: dict[str, None], most: int) -> None:
        """Search for one more value of a group, and drop the oldest of the group if it is full."""
        if value in group:
            return
        group[value] = None
        self._search.add(value, label, decoded=label == PLAINTEXT)
        if len(group) > most:
            first = next(iter(group))
            del group[first]
            self._search.forget(first)

    def _headers(self, headers: Headers, patterns: tuple[Pattern, ...], *, by_value: bool) -> Headers:
        whole = joined(headers)
        by_value = by_value and self._search.hides_in(whole)
        if not by_value and not names_a_secret(whole):
            return _without_values(headers)
        return tuple(
            (
                self._text(name, patterns, by_value=by_value),
                hidden(name, value) if is_secret_header(name) else self._text(value, patterns, by_value=by_value),
            )
            for name, value in headers
        )

    def _text(self, text: str, patterns: tuple[Pattern, ...], *, by_value: bool = True) -> str:
        data = text.encode(errors="surrogatepass")
        return self._redacted(data, patterns, by_value=by_value).decode(errors="surrogatepass")

    def _redacted(self, text: bytes, patterns: tuple[Pattern, ...], *, by_value: bool = True) -> bytes:
        """The text without values after secret names, and if `by_value` without known values."""
        # After a replacement, the name of a secret may stand before other text, so the result is searched again. Only a
        # text that was made for this purpose needs three passes.
        for _ in range(_MAX_PASSES):
            by_name = names_a_secret(text)
            if not by_name and not (by_value and self._search.hides_in(text)):
                break
            redacted = self._pass(text, patterns if by_name else (), by_value=by_value)
            if redacted == text:
                break
            text = redacted
        return text

    def _pass(self, text: bytes, patterns: tuple[Pattern, ...], *, by_value: bool) -> bytes:
        marks = [found.span() for found in self._marks.finditer(text)]
        found = [span for span in spans_by_name(text, patterns) if self._marks.sub(b"", text[span[0] : span[1]])]
        if by_value:
            found += _apart(self._search.spans(text), marks)
        result, last = bytearray(), 0
        for start, end, label in _merged(found):
            result += text[last:start] + mark(label).encode()
            last = end
        return bytes(result + text[last:])


def _without_values(headers: Headers) -> Headers:
    """The headers with the values of secret headers hidden, for exchanges with no other secrets."""
    return tuple((name, hidden(name, value)) for name, value in headers)


def _apart(found: Iterable[Span], marks: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Spans that overlap no mark, in order. Marks are in order and do not overlap."""
    at = 0
    for span in sorted(found):
        # Later spans start at or after this one, so marks that end before it can be skipped.
        while at < len(marks) and marks[at][1] <= span[0]:
            at += 1
        if at == len(marks) or span[1] <= marks[at][0]:
            yield span


def _merged(found: Iterable[Span]) -> list[Span]:
    """Spans in order; overlapping ones are merged under the label of the first."""
    result: list[Span] = []
    for start, end, label in sorted(found, key=lambda span: (span[0], -span[1])):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end), result[-1][2])
        else:
            result.append((start, end, label))
    return result
