"""What the suite uses of Hypothesis that Hypothesis does not document (hypothesis_settings.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis.internal.conjecture import providers

from kms_conformance.core.errors import LibraryChanged
from kms_conformance.suite.fuzz import hypothesis_settings as home

# A module of the caller's own, by Hypothesis's rule: it lies outside of what is installed.
_DRAWING = """
import warnings
import hypothesis, sys
from hypothesis import strategies as st

WORD = "stands in source"
if sys.argv[1] == "forget":
    from kms_conformance.suite.fuzz.hypothesis_settings import disable_source_constants

    disable_source_constants()
found = set()

@hypothesis.settings(max_examples=400, database=None, deadline=None)
@hypothesis.seed(3)
@hypothesis.given(st.text())
def draw(text):
    found.add(text)

draw()
print(WORD in found)
"""


def drawn(path: Path, word: str) -> str:
    """Whether 400 drawn texts held the constant that stands in the source of the module that drew them."""
    (path / "local_module.py").write_text(_DRAWING)
    command = [sys.executable, "-W", "error", "-c", "import local_module", word]
    return subprocess.run(command, cwd=path, capture_output=True, text=True, check=True).stdout.strip()


def test_no_constant_of_a_caller_is_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path, "forget") == "False", "Hypothesis takes constants from source in another way than before."


def test_without_that_one_is_drawn(tmp_path: Path) -> None:
    message = "Hypothesis draws no constants from source any more: hypothesis_settings.py need not hold them back."
    assert drawn(tmp_path, "leave") == "True", message


@pytest.mark.parametrize("name", ["_get_local_constants", "CONSTANTS_CACHE", "Constants"])
def test_a_name_that_moved_is_told_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hasattr(providers, name), f"hypothesis.internal.conjecture.providers has no {name} any more."
    monkeypatch.delattr(providers, name)
    with pytest.warns(LibraryChanged, match="the same seed may make other requests on another machine"):
        home.disable_source_constants()


def test_nothing_is_told_where_all_is_as_it_was(recwarn: pytest.WarningsRecorder, monkeypatch) -> None:
    monkeypatch.setattr(providers, "_get_local_constants", providers.Constants)
    home.disable_source_constants()
    assert list(recwarn) == []
