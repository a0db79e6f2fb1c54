"""Two commands at once: what fails in either fails the whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.beside import main


def command(says: str, code: int) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({says!r}); sys.exit({code})"]


@pytest.mark.parametrize(("first", "second", "code"), [(0, 0, 0), (3, 0, 3), (0, 4, 4), (3, 4, 4)])
def test_the_code_is_that_of_a_command_that_fails(
    capfd: pytest.CaptureFixture[str], first: int, second: int, code: int
) -> None:
    assert main([*command("of the first", first), "--", *command("of the second", second)]) == code
    shown = capfd.readouterr().out
    assert shown.index("of the second") < shown.index("of the first")
    assert f"exit code {first}" in shown


def test_a_command_that_is_missing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mypy"]) == main(["mypy", "--"]) == main(["--", "pytest"]) == 2
    assert "python -m tools.beside" in capsys.readouterr().err


def test_a_first_command_that_does_not_start_ends_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.beside", "no-such-program", "--", *command("x", 0)],
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
