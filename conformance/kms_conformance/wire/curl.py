"""A recorded request as one curl command, with shell variables in place of secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.wire.exchange_log import Body, ExchangeRecord

_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f]"  # except tab and line feed
_MARK = re.compile(r"\[redacted:([A-Z0-9_]+)\]")


def curl(record: ExchangeRecord) -> str:
    """A POSIX shell command that sends the recorded request byte for byte, with variables for secrets.

    A comment line before the command says if this is impossible: HTTP cannot carry the request, or its body was cut.
    """
    words = ["curl -sS -i -g --http1.1 --path-as-is"]
    words.append(
        "--head" if record.method == "HEAD" and not record.request_body.text else f"-X {shell_word(record.method)}"
    )
    words.append(shell_word(record.url))
    if record.ca_file:
        words.append(f"--cacert {shell_word(record.ca_file)}")
    for name, value in record.request_headers:
        words.append(f"-H {shell_word(f'{name}: {value}' if value else f'{name};', 'latin-1')}")
    body = record.request_body
    if body.text or record.method not in ("GET", "HEAD"):
        if not any(name.lower() == "content-type" for name, _ in record.request_headers):
            words.append("-H 'Content-Type:'")  # otherwise curl adds the type of a form
        if _is_plain(body):
            words.append(f"--data-raw {shell_word(body.text)}")
        else:
            words.insert(0, f"{_printf(body)} |")
            words.append("--data-binary @-")
    return "".join(f"# {note}\n" for note in _notes(record)) + " ".join(words)


def _notes(record: ExchangeRecord) -> list[str]:
    notes = []
    if record.failure == "unsendable":
        notes.append(f"HTTP cannot carry this request, so curl will send another: {record.failure_text}")
    if record.request_body.cut:
        notes.append(f"The body was longer; these are its first {len(record.request_body.text)} characters.")
    return notes


def _is_plain(body: Body) -> bool:
    # Non-ASCII text can be written literally only as UTF-8, the encoding of the command.
    return body.encoding == "utf-8" and not re.search(_CONTROL, body.text)


def shell_word(text: str, encoding: str = "utf-8") -> str:
    """One word of a POSIX shell command: literals in single quotes, variables for secrets in double quotes."""
    pieces = enumerate(_MARK.split(text))
    return "".join(f'"${piece}"' if index % 2 else _literal(piece, encoding) for index, piece in pieces) or "''"


def _literal(text: str, encoding: str) -> str:
    if not text:
        return ""
    if re.search(_CONTROL, text) or not (text.isascii() or encoding == "utf-8"):
        return f'"$({_printf_of([text], encoding)})"'
    return "'" + text.replace("'", "'\\''") + "'"


def _printf(body: Body) -> str:
    return _printf_of(_MARK.split(body.text), body.encoding)


def _printf_of(pieces: list[str], encoding: str) -> str:
    """A printf command for these pieces; every second piece is the name of a variable."""
    # Characters that no header can carry become question marks; a note before the command says that curl sends another
    # request.
    plain = [_escaped(piece.encode(encoding, "replace")) for piece in pieces]
    form = "".join("%s" if index % 2 else piece for index, piece in enumerate(plain))
    return " ".join([f"printf '{form}'", *(f'"${name}"' for name in pieces[1::2])])


def _escaped(data: bytes) -> str:
    return "".join("%%" if byte == 0x25 else chr(byte) if _is_safe(byte) else f"\\{byte:03o}" for byte in data)


def _is_safe(byte: int) -> bool:
    return 0x20 <= byte <= 0x7E and byte not in b"\\'"
