"""Near misses of a name: texts that differ from it in case, length, blanks, one character, encoding or form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_HEX = "0123456789abcdef"
# From an ASCII letter or digit to the same in full width.
_FULL_WIDTH = 0xFEE0
# The place of the version in a UUID.
_VERSION = 14


def _one_off(name: str) -> str:
    """The name with another last letter or digit; a hexadecimal digit stays one."""
    last = next(at for at in range(len(name) - 1, -1, -1) if name[at].isalnum())
    was = name[last].lower()
    now = _HEX[(_HEX.index(was) + 1) % len(_HEX)] if was in _HEX else "0"
    return f"{name[:last]}{now}{name[last + 1 :]}"


def _encoded(name: str) -> str:
    """The name with all characters but letters and digits percent-encoded, as if it were encoded twice."""
    return "".join(each if each.isalnum() else f"%{ord(each):02X}" for each in name)


def _cut(name: str) -> str:
    """The name without its last character."""
    return name[:-1]


def _with_tail(name: str) -> str:
    """The name with one more character that a name may have."""
    return f"{name}0"


def _of_another_version(name: str) -> str:
    """The name with another digit where a UUID has its version, which a parser of UUIDs may ignore."""
    return (
        f"{name[:_VERSION]}{_HEX[-1 - (name[_VERSION] == _HEX[-1])]}{name[_VERSION + 1 :]}"
        if len(name) > _VERSION
        else name
    )


#: Each kind of near miss: a function that makes it of a name.
KINDS: Mapping[str, Callable[[str], str]] = {
    "other case": str.swapcase,
    "cut short": _cut,
    "with a tail": _with_tail,
    "with a blank before": lambda name: f" {name}",
    "with a blank after": lambda name: f"{name} ",
    "with a line feed after": lambda name: f"{name}\n",
    "one character off": _one_off,
    "encoded twice": _encoded,
    # Libraries that parse UUIDs take these two.
    "in braces": lambda name: f"{{{name}}}",
    "without dashes": lambda name: name.replace("-", ""),
    "of another version": _of_another_version,
    "the last group": lambda name: name.rpartition("-")[2],
    # Normalised as Unicode recommends for identifiers, it is the name.
    "in full width": lambda name: f"{name[:-1]}{chr(ord(name[-1]) + _FULL_WIDTH)}" if name[-1:].isalnum() else name,
    # In a query of a database, it stands for any character.
    "with an underscore": lambda name: f"{name[:1]}_{name[2:]}",
    # The last part of an ARN.
    "behind its kind": lambda name: f"key/{name}",
    "empty": lambda _: "",
}


#: The kinds that a common parser of names would take, whatever the operation: an operation gets one of them, in turn.
IN_TURN = frozenset(
    {
        "in braces",
        "without dashes",
        "behind its kind",
        "with a blank before",
        "encoded twice",
        "of another version",
        "the last group",
        "with an underscore",
        "in full width",
    }
)


def near_misses(name: str) -> dict[str, str]:
    """All near misses of a name that differ from it, by kind.

    A name without letters has no other case, for example.
    """
    return {kind: made for kind, make in KINDS.items() if (made := make(name)) != name}
