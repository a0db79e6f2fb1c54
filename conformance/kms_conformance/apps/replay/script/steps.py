"""The steps of a reproducing script: chosen exchanges with variables in place of keys, results, and random names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from kms_conformance.apps.replay.script.choose import RANDOM, ChosenExchanges, is_clock, leaves, text_of
from kms_conformance.apps.replay.script.recorded_run import RecordedLine, RecordedRun
from kms_conformance.apps.replay.script.runtime import ANYWHERE, CLOCK_MOVE, with_other_digit
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.report.files import ReportError
from kms_conformance.wire.credentials import credential_places
from kms_conformance.wire.messages import Request
from kms_conformance.wire.trace_context import PARENT, STATE

Step = dict[str, Any]

# Headers that the script makes anew.
_OWN_HEADERS = frozenset(
    {
        *(PARENT, STATE, "host", "content-length", "x-amz-date", "x-sdk-date", "x-project-id"),
        *("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"),
    }
)
_OWN_PARAMETERS = frozenset(
    {"AccessKeyId", "SecurityToken", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp"}
)
_MARK = re.compile(r"\[redacted:([A-Z0-9_]+)\]")
_VARIABLE = re.compile(r"\{\{\w+(?:\|\w+)?\}\}")
_PROJECT = re.compile(r"(?<=/)[0-9a-zA-Z]{32}(?=/|$)")
_SECONDS_A_DAY = 86400
# Most refused requests that are repeated to lead a key into its state.
_MOST_REFUSED = 20
# Stands for the id of a key of the script until the names of variables are filled in.
_MADE = "kms-conformance-key-of-the-script"


@dataclass
class StepWriter:
    """Writes steps; `names` has the variable of each literal that later steps replace."""

    run: RecordedRun
    names: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, int] = field(default_factory=dict)
    environment: set[str] = field(default_factory=set)

    def steps(self, chosen: ChosenExchanges) -> Iterator[tuple[Step, RecordedLine | None]]:
        """The steps, each with its exchange; None for a step that prepares a key and was not recorded."""
        number_of = {key: f"key_{number}" for number, key in enumerate(chosen.keys, 1)}
        created_during = {key for line in chosen.during if line.operation == "create" for key in line.keys}
        lines = (*chosen.before, *chosen.during)
        for line in lines:
            for found in RANDOM.finditer(text_of(line)):
                self._fresh(found[1])
        prepared = [key for key in chosen.keys if key not in created_during]
        for key in prepared:
            yield self._creation(key, number_of[key]), None
        later = [text_of(line) for line in lines]
        for position, line in enumerate(chosen.before):
            yield self._taking(self._of_line(line), line, later[position + 1 :], must_succeed=True), line
        for key in prepared:
            yield from ((step, None) for step in self._leading(key, chosen.start))
        offset = len(chosen.before)
        for position, line in enumerate(chosen.during):
            step = self._of_line(line)
            if line.operation == "create" and line.accepted:
                step["takes"] = {number_of[key]: self._id() for key in line.keys}
                self._learn(line.keys, number_of)
            yield self._taking(step, line, later[offset + position + 1 :], must_succeed=False), line

    def give_back(self) -> list[Step]:
        """The steps that schedule the key `{{made}}` for deletion and read it; the later ones if the first do not."""
        dialect = self.run.dialect
        self.names[_MADE] = "made"
        key = {"key_id": _MADE}
        asked = {
            "schedule the key": dialect.request("schedule", key | {"window": dialect.profile.window.minimum}),
            "read the key": dialect.request("describe", key),
            "disable the key": dialect.request("disable", key),
            "enable the key": dialect.request("enable", key),
        }
        schedule, read, disable, enable = (self._of_request(name, request) for name, request in asked.items())
        # An endpoint with a fault may schedule only keys that are disabled, or only enabled ones.
        return [schedule, read, disable, schedule, read, enable, schedule, read]

    # --- preparing keys -----------------------------------------------------------------------------------------------

    def _creation(self, key: str, name: str) -> Step:
        """A step that creates a key of the same kind."""
        line = self.run.created(key)
        if line is None:
            marker = f"{MARKER_PREFIX}{'0' * 8}-{name.rpartition('_')[2]}"
            self._fresh("0" * 8)
            request = self.run.dialect.request("create", self.run.dialect.naming(marker))
            step = self._of_request(self.run.api["create"].id, request)
        else:
            for found in RANDOM.finditer(text_of(line)):
                self._fresh(found[1])
            step = self._of_line(line)
        self._learn([key], {key: name})
        return step | {"takes": {name: self._id()}, "must_succeed": True}

    def _id(self) -> list[str | int]:
        """The place of the id in a reply to a creation."""
        return [ANYWHERE, self.run.dialect.key_field]

    def _leading(self, key: str, start: int) -> Iterator[Step]:
        """The steps that lead a new key into the state that the key of the run had before the check."""
        state = self.run.state_before(key, start)
        scheduled = self.run.last(key, "schedule", start)
        if state == PENDING and scheduled is not None:
            # The same window as in the run, which replies show as a date, and what was asked of the pending key since.
            yield self._of_line(scheduled) | {"must_succeed": True}
            since = self.run.lines[scheduled.index + 1 : start]
            yield from map(
                self._of_line, [line for line in since if self.run.is_refused_change(line, key)][:_MOST_REFUSED]
            )
            return
        dialect = self.run.dialect
        window = dialect.profile.window.minimum
        ways: Mapping[str, tuple[tuple[str, dict[str, Any]], ...]] = {
            DISABLED: (("disable", {}),),
            PENDING: (("schedule", {"window": window}),),
            GONE: (("schedule", {"window": window}),),
        }
        for operation, arguments in ways.get(state or ENABLED, ()):
            request = dialect.request(operation, {"key_id": key, **arguments})
            yield self._of_request(self.run.api[operation].id, request) | {"must_succeed": True}
        if state == GONE:
            control = self.run.snapshot["time_control"]
            body = f'{{"advance_seconds": {window * _SECONDS_A_DAY + 3600}}}'.encode()
            yield self._of_request(CLOCK_MOVE, Request("POST", control, (("Content-Type", "application/json"),), body))

    # --- requests -----------------------------------------------------------------------------------------------------

    def _of_line(self, line: RecordedLine) -> Step:
        record = line.record
        places = credential_places()
        names = {name.lower() for name, _ in record.request_headers}
        path, _, query = record.url.partition("?")
        pieces = query.split("&") if query else []
        signed = bool(names & places.lower_signing_headers) or any(piece.startswith("Signature=") for piece in pieces)
        kept = [piece for piece in pieces if piece.partition("=")[0] not in _OWN_PARAMETERS] if signed else pieces
        url = f"{path}?{'&'.join(kept)}" if kept else path
        headers = [
            (name, value)
            for name, value in record.request_headers
            if name.lower() not in places.lower_signing_headers and name.lower() not in _OWN_HEADERS
        ]
        name = CLOCK_MOVE if is_clock(self.run, line) else record.operation or record.method
        body = record.request_body
        return self._step(name, record.method, url, headers, body.text, body.encoding, signed=signed)

    def _of_request(self, name: str, request: Request) -> Step:
        signed = request.url != self.run.snapshot["time_control"]
        body = request.body.decode("utf-8")
        step = self._step(name, request.method, request.url, list(request.headers), body, "utf-8", signed=signed)
        version3 = self.run.snapshot["auth"].get("signature") == "v3"
        return _with_action_headers(step) if signed and version3 else step

    def _step(
        self,
        name: str,
        method: str,
        url: str,
        headers: list[tuple[str, str]],
        body: str,
        encoding: str,
        *,
        signed: bool,
    ) -> Step:
        if _VARIABLE.search(f"{url}{body}"):
            raise ReportError("No script can be written.", "A request has text in double braces.", "Use `replay`.")
        base = str(self.run.snapshot["base_url"])
        rest = url.removeprefix(base)
        step: Step = {
            "name": name,
            "method": method,
            "url": ("{{base}}" if url.startswith(base) else "") + self._filled(self._of_project(rest)),
            "headers": [(header, self._filled(value)) for header, value in headers],
            "body": self._filled(body),
            "signed": signed,
        }
        return step if encoding == "utf-8" else step | {"encoding": encoding}

    def _of_project(self, path: str) -> str:
        """The path with the project that a password signs in to: its id is known only when the script runs."""
        way = self.run.snapshot["auth"]["way"]
        return _PROJECT.sub("{{project}}", path, count=1) if way == "password" else path

    def _filled(self, text: str) -> str:
        """The text with variables for keys, results and random names, and with those of the environment for secrets."""
        if self.names:
            literal = "|".join(re.escape(each) for each in sorted(self.names, key=len, reverse=True))
            text = re.sub(literal, lambda found: f"{{{{{self.names[found[0]]}}}}}", text)
        for found in _MARK.finditer(text):
            if found[1] in ("PLAINTEXT", "SIGNATURE", "TOKEN"):
                raise ReportError(
                    "No script can be written.",
                    "A request repeats a secret of an earlier reply, and the recording does not hold it.",
                    "Use `replay` without --script: it repeats the check.",
                )
            self.environment.add(found[1])
        return _MARK.sub(r"{{\1}}", text)

    # --- variables ----------------------------------------------------------------------------------------------------

    def _learn(self, keys: Iterator[str] | list[str] | frozenset[str], number_of: Mapping[str, str]) -> None:
        for key in keys:
            name = number_of[key]
            forms = {
                key: name,
                key.upper(): f"{name}|upper",
                with_other_digit(key): f"{name}|other",
                key[:-1]: f"{name}|short",
                key.replace("-", "%2D"): f"{name}|encoded",
                key.replace("-", ""): f"{name}|bare",
            }
            self.names |= {text: variable for text, variable in forms.items() if text not in self.names}
            self.names[key] = name

    def _fresh(self, digits: str) -> None:
        if digits not in self.names:
            name = f"fresh_{len(self.fresh) + 1}"
            self.names[digits], self.fresh[name] = name, len(digits)

    def _taking(self, step: Step, line: RecordedLine, later: list[str], *, must_succeed: bool) -> Step:
        """The step with the results of its reply that later requests repeat."""
        taken: dict[str, list[str | int]] = {}
        for value, path in leaves(line.value) if line.accepted and line.operation != "list" else ():
            if len(value) < 24 or value in self.names or any(key in value for key in self.run.keys):
                continue
            written = quote(value, safe="~")
            if any(value in text or written in text for text in later) and self.run.is_result(value, line.index):
                name = f"value_{sum(known.startswith('value_') for known in self.names.values()) + 1}"
                taken[name] = list(path)
                self.names |= {written: f"{name}|quoted", value: name}
        step |= {"takes": step.get("takes", {}) | taken} if taken else {}
        return step | {"must_succeed": True} if must_succeed else step


def _with_action_headers(step: Step) -> Step:
    """The step in the form of signature version 3 of RPC calls: action and version are headers."""
    path, _, query = step["url"].partition("?")
    pairs = [piece.partition("=") for piece in query.split("&") if piece]
    moved = {"Action": "x-acs-action", "Version": "x-acs-version"}
    headers = [(moved[name], value) for name, _, value in pairs if name in moved]
    rest = "&".join(f"{name}={value}" for name, _, value in pairs if name not in moved)
    return step | {"url": f"{path}?{rest}" if rest else path, "headers": [*step["headers"], *headers]}
