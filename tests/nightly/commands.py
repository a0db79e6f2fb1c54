"""Every command line that examples and documents tell their readers to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROGRAM = "kms-conformance"
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(rf"`({_PROGRAM} [^`]+)`")
_ENDS = frozenset({"|", "||", "&&", ";", ">", ">>", "2>", "then", "else", "}", ")"})


@dataclass(frozen=True)
class Line:
    """One call of our program: where it stands, and its arguments as a shell would hand them over."""

    where: str
    arguments: tuple[str, ...]


def written() -> tuple[Line, ...]:
    """All of them: in fenced blocks and code spans of documents, and anywhere in examples."""
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    examples = sorted(path for path in (ROOT / "examples").rglob("*") if path.is_file())
    found = [line for path in documents for line in _in_document(path)]
    return (*found, *(line for path in examples for line in _calls(path, path.read_text(encoding="utf-8"))))


def _in_document(path: Path) -> Iterator[Line]:
    text = path.read_text(encoding="utf-8")
    for fence in _FENCED.finditer(text):
        if fence[1] in ("console", "sh", "bash", "yaml"):
            yield from _calls(path, fence[2])
    for span in _SPAN.finditer(_FENCED.sub("", text)):
        yield from _calls(path, span[1].replace("\n", " "))


def _calls(path: Path, text: str) -> Iterator[Line]:
    # A line goes on after a backslash, and in YAML's folded scalars after an indent before an option or an operator.
    joined = re.sub(r"\s*\\?\n\s*(?=--|\|\|)", " ", text)
    for line in joined.splitlines():
        before, program, rest = line.partition(f"{_PROGRAM} ")
        if not program or not re.search(r"(^|[\s`$>\-;&|]|\buv |tox )$", before) or before.lstrip().startswith("#"):
            continue
        lexer = shlex.shlex(rest, posix=True, punctuation_chars="|&;><")
        lexer.whitespace_split = True
        arguments = []
        for word in lexer:
            if word in _ENDS or set(word) <= set("|&;><"):
                break
            arguments.append(word)
        yield Line(f"{path.relative_to(ROOT)}: {_PROGRAM} {rest.strip()}", tuple(arguments))
