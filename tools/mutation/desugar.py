"""Writes decorators as the calls that they are, so that the mutation tool reaches the functions below them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_KNOWN = (["classmethod"], ["staticmethod"])


def desugared(source: str) -> str:
    """The same module with `@d` above `def f` written as `f = d(f)` below it, which is what it means.

    mutmut leaves decorated functions alone but for `@classmethod` and `@staticmethod`: it could not replace them. Ours
    are properties and cached functions, and hold decisions.
    """
    lines = source.splitlines(keepends=True)
    # From the last one up, so that the line numbers of those above stay true.
    for function in sorted(_decorated(ast.parse(source)), key=lambda node: node.lineno, reverse=True):
        call = function.name
        for decorator in reversed(function.decorator_list):
            call = f"{ast.unparse(decorator)}({call})"
        below = f"{' ' * function.col_offset}{function.name} = {call}\n"
        lines.insert(function.end_lineno or 0, below)
        del lines[function.decorator_list[0].lineno - 1 : function.lineno - 1]
    return "".join(lines)


def _decorated(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            if decorators and decorators not in _KNOWN:
                yield node
