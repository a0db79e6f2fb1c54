"""The history of a track: the order of releases, since which release a state holds, and what changed between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from packaging.version import InvalidVersion, Version

from kms_conformance.apps.board.model import BoardRelease, JudgedRun, State, Track

_DECIDED = frozenset({"failed", "weak", "holds"})
ChangeName = Literal["mended", "newly_failing", "no_longer_judged"]


def version_key(version: str) -> tuple[int, Version, str]:
    """The sort key of a release: as Python packages are ordered (PEP 440); other names come last, by their letters."""
    try:
        return (0, Version(version), version)
    except InvalidVersion:
        return (1, _NONE, version)


_NONE = Version("0")


@dataclass(frozen=True)
class Since:
    """Since when a requirement holds or fails.

    - `version`: the first release of the unbroken row of releases with this answer. Releases that did not judge the
      requirement do not break the row.
    - `after`: the last release before with the other answer; empty if no earlier release was judged otherwise.
    """

    version: str
    after: str


def since(track: Track) -> Mapping[str, Mapping[str, Since]]:
    """By release and requirement, since when the answer of this release holds; only if it was judged."""
    current: dict[str, tuple[bool, Since]] = {}
    last: dict[str, str] = {}
    found: dict[str, Mapping[str, Since]] = {}
    for release in track.releases:
        said: dict[str, Since] = {}
        for cell in release.run.cells:
            if cell.state not in _DECIDED:
                continue
            name, good = cell.requirement, cell.state == "holds"
            before = current.get(name)
            if before is None:
                current[name] = (good, Since(release.version, ""))
            elif before[0] != good:
                current[name] = (good, Since(release.version, last[name]))
            last[name] = release.version
            said[name] = current[name][1]
        found[release.version] = said
    return found


@dataclass(frozen=True)
class ReleaseChange:
    """What changed from one release to the next that was judged; `cautions`: other causes than the product."""

    before: str
    after: str
    mended: tuple[str, ...]
    newly_failing: tuple[str, ...]
    no_longer_judged: tuple[str, ...]
    cautions: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        return not (self.mended or self.newly_failing or self.no_longer_judged)


def changes(track: Track) -> tuple[ReleaseChange, ...]:
    """The changes of a track from each release to the next, the newest first."""
    pairs = zip(track.releases, track.releases[1:], strict=False)
    return tuple(_change(before, after) for before, after in pairs)[::-1]


def _change(before: BoardRelease, after: BoardRelease) -> ReleaseChange:
    found: dict[ChangeName, list[str]] = {"mended": [], "newly_failing": [], "no_longer_judged": []}
    for name in dict.fromkeys([*before.run.by_requirement, *after.run.by_requirement]):
        kind = _kind(before.run.state(name), after.run.state(name))
        if kind is not None:
            found[kind].append(name)
    return ReleaseChange(
        before.version,
        after.version,
        tuple(found["mended"]),
        tuple(found["newly_failing"]),
        tuple(found["no_longer_judged"]),
        tuple(cautions(before.run, after.run)),
    )


def _kind(before: State, after: State) -> ChangeName | None:
    if before in _DECIDED and after in _DECIDED:
        if (before == "holds") == (after == "holds"):
            return None
        return "mended" if after == "holds" else "newly_failing"
    return "no_longer_judged" if before in _DECIDED and after in {"open", "absent"} else None


def cautions(before: JudgedRun, after: JudgedRun) -> Iterator[str]:
    """Differences between two runs that may explain different verdicts, a sentence each."""
    for what, was, now in (
        ("profiles", before.profile, after.profile),
        ("tiers", before.tier, after.tier),
        ("versions of the suite", before.suite_version, after.suite_version),
    ):
        if was != now:
            yield f"The {what} differ: {was} and {now}."
    if before.specs_digest != after.specs_digest:
        yield "The runs were judged by different specs; requirements with the same id may differ in content."
