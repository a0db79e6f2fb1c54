"""Draw docs/images/architecture.svg: `python -m tools.architecture`.

The picture has one row for each layer of the import rule (`[tool.importlinter]` in pyproject.toml) and one box for each
package, with its name and the first paragraph of its docstring. The numbered stations on the right show the path of one
exchange, as listed in docs/architecture.md: the request goes down, the reply and its judgements go up.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
_SOURCES = ROOT / "conformance"
_WIDTH, _LEFT, _ROOMS, _ROW, _GAP = 980, 44, 780, 58, 6
_LETTERS_PER_UNIT = 5.9
_MOST_LINES = 2
_LABEL = "Packages of kms-conformance in twelve layers, and the way of one exchange through them"
#: Stations of one exchange, numbered in docs/architecture.md: of the request (down) and of the reply (up).
_REQUEST = ("suite", "client", "dialects", "wire")
_REPLY = ("wire", "client", "suite", "verdict", "report", "run")
_STYLE = """
 .paper{fill:#fff} .room{fill:#f4f6fb;stroke:#5b6b8c} .name{font:600 14px sans-serif;fill:#1b2540}
 .role{font:12px sans-serif;fill:#333c52}
 .layer{font:11px sans-serif;fill:#5b6b8c} .down{stroke:#b3541e;fill:none;stroke-width:2}
 .up{stroke:#1e7a5a;fill:none;stroke-width:2} .down-station{fill:#b3541e} .up-station{fill:#1e7a5a}
 .number{font:600 11px sans-serif;fill:#fff} .down-text{font:12px sans-serif;fill:#b3541e}
 .up-text{font:12px sans-serif;fill:#1e7a5a} .outside{fill:#fff7e6;stroke:#b3541e;stroke-dasharray:4 3}
 @media (prefers-color-scheme:dark){
 .paper{fill:#0d1117} .room{fill:#161d2b;stroke:#7e8fb3} .name{fill:#e6ebf7} .layer{fill:#93a3c4}
 .role{fill:#c3cce0} .outside{fill:#221a0d} .down{stroke:#f0a36b} .down-text{fill:#f0a36b}
 .up{stroke:#5fd0a5} .up-text{fill:#5fd0a5}}
"""


@dataclass(frozen=True)
class Room:
    """A package: its name, and its role in one sentence."""

    name: str
    role: str


def layers() -> list[list[str]]:
    """The packages of each layer of the import rule, high to low, named without the root package."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [rule] = [each for each in document["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    return [[name.strip().partition(".")[2] for name in layer.split("|")] for layer in rule["layers"]]


def room(name: str) -> Room:
    """A package; its role is the first paragraph of the docstring in `__init__.py`."""
    folder = _SOURCES / "kms_conformance" / name
    told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    return Room(name, " ".join(told.partition("\n\n")[0].split()))


def picture() -> str:
    """The picture as SVG; it depends only on packages, layers and docstrings."""
    rows = [[room(name) for name in layer] for layer in layers()]
    middles = {each.name: _middle(number) for number, row in enumerate(rows) for each in row}
    height = len(rows) * (_ROW + _GAP) + 70
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{_LABEL}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
    ]
    for number, row in enumerate(rows):
        top = 10 + number * (_ROW + _GAP)
        parts.append(f'<text class="layer" x="14" y="{top + _ROW / 2 + 4:g}">{len(rows) - number}</text>')
        width = (_ROOMS - _GAP * (len(row) - 1)) / len(row)
        parts += [
            line for place, each in enumerate(row) for line in _drawn(each, _LEFT + place * (width + _GAP), top, width)
        ]
    parts += _way(middles, height)
    return "\n".join([*parts, "</svg>", ""])


def _middle(number: int) -> float:
    return 10 + number * (_ROW + _GAP) + _ROW / 2


def _drawn(each: Room, left: float, top: float, width: float) -> list[str]:
    lines = textwrap.wrap(each.role, int((width - 20) / _LETTERS_PER_UNIT))
    if len(lines) > _MOST_LINES:
        raise ValueError(
            f"The docstring of the package {each.name} is too long for its room in the picture: {each.role}"
        )
    return [
        f'<rect class="room" x="{left:g}" y="{top}" width="{width:g}" height="{_ROW}" rx="5"/>',
        f'<text class="name" x="{left + 10:g}" y="{top + 18}">{each.name}</text>',
        *(
            f'<text class="role" x="{left + 10:g}" y="{top + 35 + 15 * number}">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ),
    ]


def _way(middles: dict[str, float], height: int) -> list[str]:
    down, up = _LEFT + _ROOMS + 34, _LEFT + _ROOMS + 92
    end = height - 34
    return [
        f'<path class="down" d="M{down} {middles["suite"]:g}V{end - 14}"/>',
        f'<path class="up" d="M{up} {end - 14}V{middles["run"]:g}"/>',
        *_stations("down", down, 1, [middles[name] for name in _REQUEST]),
        *_stations("up", up, 1 + len(_REQUEST), [middles[name] for name in _REPLY]),
        f'<text class="down-text" x="{down}" y="{middles["suite"] - 16:g}" text-anchor="middle">request</text>',
        f'<text class="up-text" x="{up}" y="{middles["run"] - 30:g}" text-anchor="middle">reply and</text>',
        f'<text class="up-text" x="{up}" y="{middles["run"] - 16:g}" text-anchor="middle">judgements</text>',
        f'<rect class="outside" x="{down - 24}" y="{end - 14}" width="{up - down + 48}" height="40" rx="5"/>',
        f'<text class="role" x="{(down + up) / 2:g}" y="{end + 3}" text-anchor="middle">any endpoint:</text>',
        f'<text class="role" x="{(down + up) / 2:g}" y="{end + 18}" text-anchor="middle">cloud, emulator</text>',
    ]


def _stations(kind: str, across: float, first: int, heights: list[float]) -> list[str]:
    """Numbered circles. Of two stations in the same row, the later one is drawn above the other."""
    drawn = []
    for at, height in enumerate(heights):
        shift = 13 if height in heights[at + 1 :] else -13 if height in heights[:at] else 0
        drawn += [
            f'<circle class="{kind}-station" cx="{across}" cy="{height + shift:g}" r="10"/>',
            f'<text class="number" x="{across}" y="{height + shift + 4:g}" text-anchor="middle">{first + at}</text>',
        ]
    return drawn


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
