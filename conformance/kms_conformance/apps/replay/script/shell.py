"""Writes the script of a failure for a POSIX shell: curl sends, openssl signs, awk reads the replies.

It has the steps and the comparison of the script for Python (`write.py`). What a shell cannot do honestly is refused.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from kms_conformance import __version__
from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.script.recorded_run import RecordedLine
from kms_conformance.apps.replay.script.runtime import ANYWHERE
from kms_conformance.apps.replay.script.write import ScriptPlan, plan_of
from kms_conformance.core.text import one_line
from kms_conformance.report.files import ReportError

# By the way to sign in, the function of `signers.sh` that signs.
_SIGNERS: Mapping[str, str] = {"token": "token", "aksk": "aksk", "rpc": "rpc_v1", "rpc v3": "rpc_v3", "sigv4": "sigv4"}
_VARIABLE = re.compile(r"\{\{(\w+)(?:\|(\w+))?\}\}")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]*")
_PLAIN = re.compile(rb"[A-Za-z0-9 !#$&()*+,./:;<=>?@\[\]^_`{|}~\"-]")
# Bytes of a recorded reply that a script carries at most.
_MOST_BYTES = 100_000
_FORM = "application/x-www-form-urlencoded"
_HEAD = """#!/bin/sh
# Reproduces the failure {id} of {requirement} at {name}.
#
# {statement}
#
# Written by kms-conformance {version}. It needs a POSIX shell with its utilities, curl and openssl. It signs its
# requests, makes keys of its own, sends the steps that led to the failure, compares the replies with those of the run,
# and schedules its keys for deletion at the end, whatever happens.
#
#     {variables}sh {file} [BASE_URL]
#
# The credentials come from the environment only. Exit codes: 1 the same replies as in the run, 0 other replies,
# 2 a variable or a program is missing, 3 a step before went otherwise, or a key is left.
set -u
"""


def shell_script(directory: Path, found: FoundFailure, name: str) -> str:
    """The source of the script that reproduces a failure; `name` is the name of its file.

    Raises `ReportError` if no script, or none for a shell, can reproduce it.
    """
    made = plan_of(directory, found)
    return ShellWriter(made).script(found, name)


def impossible(why: str) -> ReportError:
    """The error if only the script for Python can reproduce a failure."""
    return ReportError("No script for sh can be written.", why, "Write one for Python: --script python.")


class ShellWriter:
    """Writes the script of one plan. Raises `ReportError` for what a shell cannot do."""

    def __init__(self, made: ScriptPlan) -> None:
        self.made = made
        self.plan = made.plan
        way = made.way
        if way not in _SIGNERS:
            raise impossible(f"It cannot sign in by {way}.")
        self.signer = _SIGNERS[way]
        # The forms of values that requests have, such as the id of a key in upper case.
        told = json.dumps([self.plan["steps"], self.plan["give_back"]])
        self.forms = {(match[1], match[2]) for match in _VARIABLE.finditer(told) if match[2]}

    def script(self, found: FoundFailure, name: str) -> str:
        """The source of the script."""
        plan = self.plan
        head = _HEAD.format(
            id=found.id,
            requirement=plan["requirement"],
            name=found.verdict.name,
            statement=one_line(plan["statement"]),
            version=__version__,
            variables=self.made.variables,
            file=shlex.quote(name),
        )
        settings = {
            "requirement": plan["requirement"],
            "statement": one_line(plan["statement"]),
            "expected": one_line(plan["expected"]),
            "received": one_line(plan["received"]),
            "default_base": plan["base_url"],
            "environment": " ".join(plan["environment"]),
            "pause": str(plan["pause"]),
            "timeout": str(plan["timeout"]),
            "pending": plan["pending"].replace("\\s", "[[:space:]]"),
            "flatten": source("flatten.awk"),
        }
        parts = [
            head + "\n".join(f"{key}={shlex.quote(value)}" for key, value in settings.items()),
            "\n".join(_functions(source("signers.sh"), f"sign_{self.signer}")),
            f"sign() {{ sign_{self.signer}; }}",
            _function("prepare", self._prepare()),
            _function("steps", self._steps()),
            _function("give_back", self._give_back()),
            source("runtime.sh"),
        ]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    # --- functions of the script --------------------------------------------------------------------------------------

    def _prepare(self) -> Iterator[str]:
        for key, value in self.plan["auth"].items():
            yield f"a_{key}={_quoted(value)}"
        for name, size in self.plan["fresh"].items():
            yield f'note {name} "$(openssl rand -hex {size // 2})"'
            yield from self._formed(name)
        if self.plan["clock"] is not None:
            path, _ = _split(self.plan["clock"])
            yield f"begin 'look at the clock' POST {_quoted(path)} ''"
            yield "header 'Content-Type: application/json'"
            yield """printf '{"advance_seconds": 0}' >"$work/body\""""
            yield "send"
            yield "note_clock"

    def _steps(self) -> Iterator[str]:
        for number, (step, line) in enumerate(zip(self.plan["steps"], self.made.lines, strict=True), 1):
            yield ""
            yield f"step={number}"
            yield from self.sending(step)
            for name, path in step.get("takes", {}).items():
                yield f"keep {name} {shlex.quote(place_of(path))}"
                yield from (f"! accepted || {each}" for each in self._formed(name))
            if step.get("must_succeed"):
                yield "must_succeed"
            if "reply" in step:
                assert line is not None
                yield from self._comparing(step["reply"], line)
            elif "status" in step:
                yield f"status_was {'none' if step['status'] is None else step['status']}"

    def _give_back(self) -> Iterator[str]:
        for step in self.plan["give_back"]:
            yield ""
            yield '[ -z "$scheduled" ] || return 0'
            yield from self.sending(step)
            if step["name"] == "read the key":
                yield "is_scheduled"

    def _formed(self, name: str) -> Iterator[str]:
        """The assignments of the other forms of a value that requests have."""
        ways = {"short": f'"${{v_{name}%?}}"', "quoted": f'"$(urlencode "$v_{name}")"'}
        for variable, form in sorted(self.forms):
            if variable == name:
                made = f'"$({form} "$v_{name}")"'
                yield f"v_{name}_{form}={ways.get(form, made)}"

    def sending(self, step: Mapping[str, Any]) -> Iterator[str]:
        """The lines that send one step."""
        path, query = _split(step["url"])
        self._refuse_unsignable(step, path, query)
        name = shlex.quote(step["name"])
        yield f"begin {name} {shlex.quote(step['method'])} {_quoted(path)} {_quoted(query)}"
        for header, value in step["headers"]:
            yield f"header {_quoted(f'{header}: {value}')}"
        if step["body"]:
            yield f'{_printed(step["body"], step.get("encoding", "utf-8"))} >"$work/body"'
        yield "send signed" if step["signed"] else "send"

    def _refuse_unsignable(self, step: Mapping[str, Any], path: str, query: str) -> None:
        names = [name.lower() for name, _ in step["headers"]]
        if len(set(names)) != len(names) or any(
            not f"{name}{value}".isascii() or "\n" in value for name, value in step["headers"]
        ):
            raise impossible("A request has a header twice, or one that is not ASCII.")
        if not step["signed"]:
            return
        if self.signer in ("sigv4", "aksk") and (query or not _PLAIN_PATH.fullmatch(_VARIABLE.sub("x", path))):
            raise impossible("A signed request has parameters, or a path with encoded characters.")
        if self.signer in ("rpc_v1", "rpc_v3"):
            form = step["body"] if any(value.startswith(_FORM) for _, value in step["headers"]) else ""
            pieces = [piece for text in (query, form) for piece in text.split("&") if piece]
            names = [piece.partition("=")[0] for piece in pieces]
            if not all(map(_is_canonical, pieces)) or len(set(names)) != len(names) or "\n" in form:
                raise impossible("A signed request has a parameter twice, or one in another encoding.")

    def _comparing(self, reply: Mapping[str, Any], line: RecordedLine) -> Iterator[str]:
        """The comparison with a recorded reply, which both sides bring into the normal form by the same program."""
        status, kind, told = reply["status"], reply.get("type", ""), reply.get("request id", "")
        body = "" if line.record.reply_body is None else line.record.reply_body.text
        if len(body) > _MOST_BYTES:
            raise impossible("A reply is too long to be carried in a script.")
        if "xml" in kind or _has_nested_lists(_json(body)):
            raise impossible("A reply is XML, or has lists of objects; a shell would compare them by their text.")
        if re.search(r"\\u(?!00[0-7])", body):
            raise impossible("A reply has characters that are escaped, which awk does not read.")
        known = "".join(f"{name}\t{text}\n" for text, name in self.made.names.items() if "|" not in name)
        if status is not None:
            yield f'{_printed(body, "utf-8")} >"$work/then"'
            yield f'{_printed(known, "utf-8")} >"$work/then.known"'
        shown = "none" if status is None else str(status)
        yield f"compare {shown} {shlex.quote(kind)} {shlex.quote(told)} {self.made.moments.get(line.index, 0):.0f}"


def _split(url: str) -> tuple[str, str]:
    """Path and query of the URL of a step."""
    if not url.startswith("{{base}}"):
        raise impossible("A request goes to another host than the endpoint.")
    path, _, query = url.removeprefix("{{base}}").partition("?")
    return path, query


def place_of(path: list[str | int]) -> str:
    """A place in the form of `flatten.awk`."""
    if path[0] == ANYWHERE:
        return f"**{path[1]}"
    if any(isinstance(part, int) for part in path):
        raise impossible("A later step needs a value from a list of a reply.")
    return "".join(f".{part}" for part in path)


def _is_canonical(piece: str) -> bool:
    """Whether a parameter is written as signatures have it, so that the script need not decode it."""
    plain = _VARIABLE.sub("x", piece)
    name, equals, value = plain.partition("=")
    return bool(equals) and all(quote(unquote_to_bytes(text), safe="~") == text for text in (name, value))


def _json(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _has_nested_lists(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nested_lists, value.values()))
    return isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)


# --- source -----------------------------------------------------------------------------------------------------------


def source(name: str) -> str:
    """The text of a file of the script for a shell, which lies beside this module."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _functions(source: str, name: str) -> Iterator[str]:
    """A function of a shell source, behind all functions that it calls."""
    bodies = re.finditer(r"^(\w+)\(\) \{(?:[^\n]*; \}|.*?\n\})$", source, re.MULTILINE | re.DOTALL)
    found = {match[1]: match[0] for match in bodies}
    needed, open_ = [name], [name]
    while open_:
        text = found[open_.pop()]
        for other in found:
            if other not in needed and re.search(rf"\b{other}\b", text):
                needed.insert(0, other)
                open_.append(other)
    return iter([found[each] for each in found if each in needed])


def _function(name: str, lines: Iterator[str]) -> str:
    """A function of the script; `return 0` keeps it from having no command."""
    return "\n".join([f"{name}() {{", *(f"    {line}".rstrip() for line in lines), "    return 0", "}"])


def _quoted(text: str) -> str:
    """A word of the shell: literal text in quotes, and variables."""
    parts, end = [], 0
    for match in _VARIABLE.finditer(text):
        parts += [shlex.quote(text[end : match.start()])] if match.start() > end else []
        parts.append(f'"${{{_variable(match)}}}"')
        end = match.end()
    return "".join([*parts, shlex.quote(text[end:]) if end < len(text) or not parts else ""])


def _variable(match: re.Match[str]) -> str:
    """The shell variable of a variable of the plan; capitals are variables of the environment."""
    if match[1].isupper():
        return match[1]
    return f"v_{match[1]}_{match[2]}" if match[2] else f"v_{match[1]}"


def _printed(text: str, encoding: str) -> str:
    """A command that prints a text: its bytes as a format of `printf`, its variables as arguments."""
    written, arguments, end = [], [], 0
    for match in [*_VARIABLE.finditer(text), None]:
        literal = text[end : len(text) if match is None else match.start()]
        written.append("".join(map(_escaped, literal.encode(encoding, "replace"))))
        if match is not None:
            written.append("%s")
            arguments.append(f' "${{{_variable(match)}}}"')
            end = match.end()
    return f"printf '{''.join(written)}'{''.join(arguments)}"


def _escaped(byte: int) -> str:
    return chr(byte) if _PLAIN.fullmatch(bytes([byte])) else f"\\{byte:03o}"
