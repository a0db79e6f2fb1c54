"""Writes the script of a failure: its plan, and the modules that carry it out, in one file without dependencies."""

from __future__ import annotations

import ast
import inspect
import json
import pprint
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from kms_conformance import __version__
from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.script import normal, runtime, signing
from kms_conformance.apps.replay.script.choose import ChosenExchanges, choose, leaves
from kms_conformance.apps.replay.script.recorded_run import RecordedLine, RecordedRun
from kms_conformance.apps.replay.script.runtime import CLOCK_MOVE
from kms_conformance.apps.replay.script.steps import StepWriter
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.oracle import PENDING
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.wire.curl import shell_word

# By the way to sign in, and by its signature version, the function that signs.
_SIGNERS: dict[str, Callable[..., signing.Signed]] = {
    "token": signing.sign_token,
    "password": signing.sign_token,
    "aksk": signing.sign_aksk,
    "rpc": signing.sign_rpc_v1,
    "rpc v3": signing.sign_rpc_v3,
    "sigv4": signing.sign_sigv4,
}
_WIDTH = 118
_HEAD = '''#!/usr/bin/env python3
r"""Reproduces the failure {id} of {requirement} at {name}.

{statement}

Written by kms-conformance {version}. It needs Python 3.9 or newer and nothing else. It signs its requests, makes keys
of its own, sends the steps that led to the failure, compares the replies with those of the run, and schedules its keys
for deletion at the end, whatever happens.

    {variables}python3 {file} [BASE_URL]

The credentials come from the environment only. Exit codes: 1 the same replies as in the run, 0 other replies,
2 a variable is not set, 3 a step before went otherwise, or a key is left.
"""
'''


@dataclass(frozen=True)
class ScriptPlan:
    """What a script does, in any language.

    - `plan`: settings, steps, and the normal form of the replies of the run.
    - `lines`: the exchange of each step; None for a step that prepares a key and was not recorded.
    - `names`: by literal of the run, the name of its variable.
    - `moments`: by the index of an exchange, the time of its request by the clock of the target, in seconds since 1970.
    - `way`: the way to sign in; with version 3 of the signature of RPC calls, `rpc v3`.
    - `variables`: the assignments to write before the command that runs the script, each with a blank behind it.
    """

    plan: dict[str, Any]
    lines: tuple[RecordedLine | None, ...]
    names: Mapping[str, str]
    moments: Mapping[int, float]
    way: str
    variables: str


def script(directory: Path, found: FoundFailure, name: str) -> str:
    """The source of the script that reproduces a failure; `name` is the name of its file.

    Raises `ReportError` if no script can reproduce it.
    """
    made = plan_of(directory, found)
    plan = made.plan
    head = _HEAD.format(
        id=found.id,
        requirement=found.failure.requirement,
        name=found.verdict.name,
        statement=plan["statement"],
        version=__version__,
        variables=made.variables,
        file=shlex.quote(name),
    )
    signer = _signer(made.way)
    imports = _merged({line for module in (normal, signing, runtime) for line in _imports(module)})
    parts = [
        head,
        "\n".join(["from __future__ import annotations", "", *imports]),
        f"PLAN = {pprint.pformat(plan, width=_WIDTH, sort_dicts=False)}",
        _body(normal),
        _used(signing, signer.__name__),
        _body(runtime),
        f'if __name__ == "__main__":\n    sys.exit(Reproduction(PLAN, {signer.__name__}).main())\n',
    ]
    source = "\n\n\n".join(part.strip("\n") for part in parts) + "\n"
    compile(source, name, "exec")
    return source


def plan_of(directory: Path, found: FoundFailure) -> ScriptPlan:
    """The plan of the script of a failure. Raises `ReportError` if no script can reproduce it."""
    report = load_report(directory)
    folders = layout.folders(directory, [target.verdict.name for target in report.targets])
    run = RecordedRun.load(folders[found.verdict.name])
    return _plan(run, found, choose(run, found))


def _plan(run: RecordedRun, found: FoundFailure, chosen: ChosenExchanges) -> ScriptPlan:
    requirement = Catalogue.load(found.verdict.dialect).requirements.get(found.failure.requirement)
    writer = StepWriter(run)
    steps: list[dict[str, Any]] = []
    lines: list[RecordedLine | None] = []
    seen: set[str] = set()
    for step, line in writer.steps(chosen):
        if line is not None and line.index in chosen.cited:
            if steps and steps[-1] == step | {"status": line.record.status}:
                # The suite repeats a refused request until it is settled; the last one is cited, and is enough here.
                del steps[-1], lines[-1]
            step["reply"] = _normal(run, line, writer.names, seen)
        elif line is not None:
            step["status"] = line.record.status
            if steps and steps[-1] == step:
                continue
        steps.append(step)
        lines.append(line)
    auth = {name: value for name, value in run.snapshot["auth"].items() if value is not None and name not in _NOT_SENT}
    for value in auth.values():
        writer.environment.update(label for label in _labels(str(value)))
    limit = run.target.limits.requests_per_second
    clock = run.snapshot["time_control"]
    base = str(run.snapshot["base_url"])
    plan: dict[str, Any] = {
        "requirement": found.failure.requirement,
        "statement": "" if requirement is None else requirement.statement,
        "expected": found.failure.expected,
        "received": found.failure.received,
        "base_url": base,
        "clock": clock and str(clock).replace(base, "{{base}}", 1),
        "environment": sorted(writer.environment),
        "auth": {name: _with_variables(str(value)) for name, value in auth.items()},
        "pause": 0 if limit is None else round(1 / limit, 3),
        "timeout": run.target.limits.timeout_seconds,
        "fresh": writer.fresh,
        "steps": steps,
        "give_back": writer.give_back(),
        "pending": _pending(run, may_be_gone=any(step["name"] == CLOCK_MOVE for step in steps)),
    }
    moments = {line.index: _moment(run, line) for line in lines if line is not None}
    way = "rpc v3" if run.snapshot["auth"].get("signature") == "v3" else str(run.snapshot["auth"]["way"])
    return ScriptPlan(plan, tuple(lines), writer.names, moments, way, _variables(found, plan["environment"]))


def _variables(found: FoundFailure, environment: Sequence[str]) -> str:
    """The assignments before the command: the certificate authority of the endpoint if it has its own, credentials."""
    files = [each["ca_file"] for each in found.check.exchanges if "ca_file" in each]
    # Python's `ssl` and curl read this variable.
    authority = f"SSL_CERT_FILE={shell_word(files[0])} " if files else ""
    return authority + "".join(f"{name}=... " for name in environment)


# Keys of the way to sign in that the script does not need: its name, its version, and another token.
_NOT_SENT = frozenset({"way", "signature", "expired_token"})


def _signer(way: str) -> Callable[..., signing.Signed]:
    if way not in _SIGNERS:
        raise ReportError(
            "No script can be written.", f"Scripts do not sign in by {way}.", "Use `replay` without --script."
        )
    return _SIGNERS[way]


def _labels(text: str) -> list[str]:
    return [part.partition("]")[0] for part in text.split("[redacted:")[1:]]


def _with_variables(text: str) -> str:
    for label in _labels(text):
        text = text.replace(f"[redacted:{label}]", f"{{{{{label}}}}}")
    return text


def _pending(run: RecordedRun, *, may_be_gone: bool) -> str:
    """A pattern that finds a key that is pending deletion, or that may be gone, in a reply to a read."""
    facts = run.dialect.profile.facts
    answers = facts["refusals"]["unknown_key"]["answers"] if may_be_gone else ()
    gone = [answer["code"] for answer in answers if answer.get("code")]
    return "|".join([f'"{_state_field(run)}"\\s*:\\s*"{facts["states"][PENDING]}"', *(f'"{code}"' for code in gone)])


def _state_field(run: RecordedRun) -> str:
    """The name of the field that shows the state of a key, by a read of the run. Raises `ReportError` without one."""
    for line in run.lines:
        if line.operation == "describe" and line.accepted:
            names = [str(path[-1]) for _, path in leaves(line.value) if "state" in str(path[-1]).lower()]
            if names:
                return names[0]
    raise ReportError("No script can be written.", "The run has read no key.", "Use `replay` without --script.")


def _normal(run: RecordedRun, line: RecordedLine, names: dict[str, str], seen: set[str]) -> dict[str, Any]:
    """The normal form of the recorded reply, with the names that the script has for its own values."""
    record = line.record
    if record.status is None or record.reply_body is None:
        return {"status": None}
    body = record.reply_body.text.encode(record.reply_body.encoding, "replace")
    known = {text: name for text, name in names.items() if "|" not in name}
    return normal.normal_reply(record.status, list(record.reply_headers), body, known, _moment(run, line), seen)


def _moment(run: RecordedRun, line: RecordedLine) -> float:
    """The time of a request by the clock of the target, in seconds since 1970."""
    return datetime.fromisoformat(line.record.started).timestamp() + _moved_before(run, line.index)


def _moved_before(run: RecordedRun, index: int) -> float:
    """How far the clock of the target was ahead at an exchange, in seconds, by the last reply that shows it."""
    control = run.snapshot["time_control"]
    for line in reversed(run.lines[:index]):
        if control is not None and line.record.url == control and line.accepted and line.record.reply_body:
            shown = json.loads(line.record.reply_body.text)["now"]
            sent = datetime.fromisoformat(line.record.started).timestamp()
            return datetime.fromisoformat(shown).timestamp() - sent
    return 0.0


# --- source -----------------------------------------------------------------------------------------------------------


def _imports(module: ModuleType) -> Iterator[str]:
    """The imports of a module from the standard library."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and _is_standard(node)):
            yield ast.unparse(node)


def _merged(lines: set[str]) -> list[str]:
    """The imports in order, with one line for each module."""
    names: dict[str, set[str]] = {}
    for line in lines:
        module, _, imported = line.partition(" import ")
        if imported:
            names.setdefault(module, set()).update(imported.split(", "))
    plain = sorted(line for line in lines if line.startswith("import "))
    return [*plain, *(f"{module} import {', '.join(sorted(names[module]))}" for module in sorted(names))]


def _is_standard(node: ast.ImportFrom) -> bool:
    return node.module != "__future__" and not str(node.module).startswith("kms_conformance")


def _body(module: ModuleType) -> str:
    """The source of a module behind its docstring and its imports."""
    source = inspect.getsource(module)
    last = max(
        (node for node in ast.parse(source).body[1:] if isinstance(node, (ast.Import, ast.ImportFrom))),
        key=lambda node: node.lineno,
    )
    return "\n".join(source.splitlines()[last.end_lineno or last.lineno :])


def _used(module: ModuleType, name: str) -> str:
    """The assignments of a module, and the source of one function with all functions that it calls."""
    source = inspect.getsource(module)
    nodes = ast.parse(source).body
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    needed, open_ = set[str](), [name]
    while open_:
        current = open_.pop()
        if current in functions and current not in needed:
            needed.add(current)
            open_ += [node.id for node in ast.walk(functions[current]) if isinstance(node, ast.Name)]
    assigned = [ast.get_source_segment(source, node) or "" for node in nodes if isinstance(node, ast.Assign)]
    defined = [ast.get_source_segment(source, node) or "" for each, node in functions.items() if each in needed]
    return "\n\n\n".join(["\n".join(assigned), *defined])
