"""Rewrites decorators as calls, so that mutmut mutates decorated functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_KNOWN = (["classmethod"], ["staticmethod"])


def desugared(source: str) -> str:
    """The module with `@d` above `def f` replaced by the equivalent `f = d(f)` below it.

    mutmut skips decorated functions, except for `@classmethod` and `@staticmethod`. Properties and cached functions of
    this package contain decisions that must be mutated.
    """
    lines = source.splitlines(keepends=True)
    # From the last function to the first, so that line numbers stay valid.
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
