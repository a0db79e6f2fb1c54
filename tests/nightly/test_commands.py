"""What examples and documents tell their readers to type is what the command line takes."""

from __future__ import annotations

from collections.abc import Sequence

import click
import pytest
from commands import Line, written

from kms_conformance.cli import cli

LINES = written()


def refused(arguments: Sequence[str]) -> str:
    """Why the command line would not take these arguments; nothing is run."""
    with click.Context(cli) as context:
        command = cli.get_command(context, arguments[0]) if arguments else None
        if command is None:
            return "" if arguments in (("--help",), ("--version",)) else "no such command"
        rest = list(arguments[1:])
        if isinstance(command, click.Group) and rest != ["--help"]:
            named = command.get_command(context, rest[0]) if rest else None
            # A group may have a command for arguments that name none.
            rest = rest[1:] if named is not None else rest
            command = named or command.get_command(context, "build")
            if command is None:
                return "no such command"
        # What stands after -- is pytest's, and what stands before it must be ours.
        ours = rest[: rest.index("--")] if "--" in rest else rest
        parser = command.make_parser(click.Context(command, ignore_unknown_options=False))
        parser.ignore_unknown_options = False
        try:
            values, _, _ = parser.parse_args(ours)
            for parameter in command.params:
                value = values.get(parameter.name)
                for one in value if isinstance(value, list) else [value]:
                    if (
                        isinstance(parameter.type, click.Choice | click.IntRange)
                        and isinstance(one, str)
                        and "$" not in one
                    ):
                        parameter.type.convert(one, parameter, context)
        except click.UsageError as error:
            return error.format_message()
    return ""


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.where)
def test_command_line_is_one_that_there_is(line: Line) -> None:
    assert refused(line.arguments) == ""


def test_lines_are_found() -> None:
    called = {line.arguments[0] for line in LINES if line.arguments}
    assert {"run", "merge", "compare", "sweep", "doctor", "emulator", "certify", "verify"} <= called
    assert any(line.where.startswith("examples/kubernetes") and "--shards" in line.arguments for line in LINES)
    assert any(line.where.startswith("examples/github") and "--reports" in line.arguments for line in LINES)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--sahrd", "1/2"),
        ("run", "--tier", "nightlyy"),
        ("mrege", "a"),
        ("waivers", "wriet", "a"),
        ("waivers", "write", "a", "--ownr", "b"),
        ("run", "--shards", "0"),
        ("run", "--reports"),
    ],
)
def test_what_there_is_not_is_found(arguments: tuple[str, ...]) -> None:
    assert refused(arguments)
