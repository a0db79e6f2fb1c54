"""Options that belong together: a command receives them as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import wraps
from typing import Any

_Command = Callable[..., Any]
_Decorator = Callable[[_Command], _Command]


def option_group(name: str, group: type, options: Iterable[_Decorator]) -> _Decorator:
    """A decorator that adds `options` to a command, which receives their values as the argument `name`.

    `group` is the dataclass of the value; its fields are named like the options. The last option is listed first.
    """
    names = [field.name for field in fields(group)]

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def gathered(*arguments: Any, **given: Any) -> Any:  # noqa: ANN401 - of any command
            given[name] = group(**{each: given.pop(each) for each in names})
            return command(*arguments, **given)

        decorated: _Command = gathered
        for option in options:
            decorated = option(decorated)
        return decorated

    return decorate
