"""What is not imported cannot be waited for: counted in modules, because seconds depend on the machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import click
import pytest

from kms_conformance.cli import _COMMANDS
from kms_conformance.emulator import Emulator

_HEAVY = {
    "_pytest",
    "allure_commons",
    "botocore",
    "hypothesis",
    "jinja2",
    "jsonschema_rs",
    "pytest",
    "requests",
    "rich",
    "schemathesis",
    "urllib3",
    "yaml",
}
_SAY = "import sys; print(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
_COMMAND = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), sep="\\n", file=sys.stderr))
from kms_conformance.cli import main
main()
"""


def _modules(code: str, *arguments: str, codes: Sequence[int] = (0,)) -> set[str]:
    """The modules that a new process has imported when it ends."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode in codes, done.stdout + done.stderr[-2000:]
    return set(done.stderr.split())


def _packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_no_command(option: str) -> None:
    modules = _modules(_COMMAND, option)
    ours = {name for name in modules if name.startswith("kms_conformance")}
    command_line = {f"kms_conformance.cli.{name}" for name in ("exit_codes", "streams", "unexpected")}
    core = {f"kms_conformance.core.{name}" for name in ("errors", "signals", "text")}
    others = {"kms_conformance", "kms_conformance.cli", "kms_conformance.core"}
    assert ours == others | command_line | core
    assert not _packages(modules) & _HEAVY


def test_the_plugin_imports_next_to_nothing_into_sessions_that_are_not_ours() -> None:
    modules = _modules(f"import pytest; import kms_conformance.run.plugin; {_SAY}")
    ours = {name for name in modules if name.startswith("kms_conformance")}
    packages = {"kms_conformance", "kms_conformance.core", "kms_conformance.run"}
    assert ours == packages | {"kms_conformance.run.plugin", "kms_conformance.core.tier"}
    assert not _packages(modules) & (_HEAVY - {"pytest", "_pytest"})


def test_collection_imports_neither_generator_nor_templates(tmp_path) -> None:
    arguments = ("run", "--reports", str(tmp_path), "--", "--collect-only", "-q", "-p", "no:cacheprovider")
    modules = _modules(_COMMAND, *arguments, codes=(2,))
    assert "kms_conformance.suite.test_lifecycle" in modules
    assert not _packages(modules) & {"schemathesis", "hypothesis", "jinja2", "anyio"}


def test_the_doctor_of_one_dialect_imports_nothing_that_only_a_run_needs(tmp_path) -> None:
    with Emulator("huawei") as emulator:
        path = tmp_path / "target.yaml"
        path.write_text(emulator.target_yaml())
        modules = _modules(_COMMAND, "doctor", "--target", str(path))
    needless = {"pytest", "_pytest", "schemathesis", "hypothesis", "jinja2", "botocore", "rich"}
    assert not _packages(modules) & needless
    assert not {name for name in modules if name.startswith("kms_conformance.emulator")}


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_the_table_of_commands_leads_to_the_commands(name: str) -> None:
    command = _COMMANDS[name].load()
    assert isinstance(command, click.Command)
    assert command.name == name
