"""Whether the package `conformance` that Python would import is the one that was installed with this file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_OWN = Path(__file__).resolve().parents[1] / "conformance"


def shadowed_by() -> str | None:
    """Where another package of that name lies that is found first; None where ours is found."""
    try:
        found = find_spec("conformance")
    except (ImportError, ValueError) as error:
        # Something of that name was imported already, and is no package.
        return str(error)
    if found is None:
        return None
    places = [*(found.submodule_search_locations or ()), *([found.origin] if found.origin else [])]
    if any(Path(place).resolve() == _OWN for place in places):
        return None
    return places[0] if places else found.name
