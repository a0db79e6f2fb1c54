"""What axe-core says of a page, in lines short enough to be read in a test's failure."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

_SERIOUS = {"serious", "critical"}


def faults(page: Any, *excluded: str) -> list[str]:
    """The serious and critical faults of a page; `excluded` are rules that are known of, by their ids."""
    violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{found['impact']} {found['id']}: {node['target']} {node['html'][:120]}"
        for found in violations
        if found["impact"] in _SERIOUS and found["id"] not in excluded
        for node in found["nodes"][:3]
    ]
