"""`python -m tools.lowest` writes tools/lowest.txt, the lowest version of each dependency that pyproject.toml allows.

The tox environment `lowest` installs with this file as a constraint; indirect dependencies are the newest ones. The
extras for developers are left out, because some of them require newer releases of the same packages.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

# The extras for users of the suite.
EXTRAS = ("clients",)
ROOT = Path(__file__).parent.parent
FILE = ROOT / "tools" / "lowest.txt"


def requirements() -> Iterator[Requirement]:
    """The requirements in pyproject.toml for users of the suite."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for group in (project["dependencies"], *(project["optional-dependencies"][name] for name in EXTRAS)):
        yield from map(Requirement, group)


def floors() -> dict[str, str]:
    """The lowest version of each requirement with a `>=` bound, by name."""
    return {
        requirement.name: specifier.version
        for requirement in requirements()
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }


def constraints() -> str:
    """The text of the file."""
    head = "# Written by `python -m tools.lowest` from pyproject.toml.\n"
    return head + "".join(f"{name}=={version}\n" for name, version in sorted(floors().items()))


if __name__ == "__main__":
    FILE.write_text(constraints(), encoding="utf-8")
