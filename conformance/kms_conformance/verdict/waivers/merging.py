"""Edits the text of a waivers file: entries are added, removed, renewed and sorted, and comments stay.

A YAML library that keeps comments hangs a comment on the entry before it, so that it would stay behind when its entry
moves. Here an entry is a block of lines, with the comments above it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import yaml

from kms_conformance.target import TargetError
from kms_conformance.verdict.waivers.baseline import DraftedWaiver, order
from kms_conformance.verdict.waivers.load import parse_waivers
from kms_conformance.verdict.waivers.model import Waiver

_HEAD = "waivers:\n"


@dataclass(frozen=True)
class WaiversFile:
    """A waivers file as text.

    - `entries`: each waiver with its lines, and the comments above it.
    - `head`, `tail`: the text before and after the entries.
    - `indent`: the number of blanks before the dash of an entry.
    """

    origin: str
    head: str = _HEAD
    entries: tuple[tuple[Waiver, str], ...] = ()
    tail: str = ""
    indent: int = 2

    @classmethod
    def parse(cls, text: str, origin: str) -> WaiversFile:
        """Divide the text of a valid waivers file. Raises `TargetError`, also for entries that are not one a line."""
        waivers = parse_waivers(text, origin, undecided=True)
        if not waivers:
            return cls(origin, _without_list(text))
        node = _list_in(text)
        if node.flow_style:
            raise TargetError(
                f"The waivers file {origin} cannot be merged.",
                "Its list is written in brackets, and comments cannot be kept there.",
                "Write each entry on lines of its own that begin with `- `, below the line `waivers:`.",
            )
        lines = text.splitlines(keepends=True)
        indent = node.start_mark.column
        dashes = [
            number
            for number in range(node.start_mark.line, len(lines))
            if lines[number].startswith(" " * indent + "-") and not lines[number].startswith(" " * indent + "---")
        ]
        starts = [_with_comments_above(lines, dash, indent) for dash in dashes]
        end = _end_of_entries(lines, dashes[-1], indent)
        blocks = ["".join(lines[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
        if len(blocks) != len(waivers):
            raise _unmergeable(origin)
        paired = tuple(zip(waivers, map(_ended, blocks), strict=True))
        return cls(origin, "".join(lines[: starts[0]]), paired, "".join(lines[end:]), indent)

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """The entries, in the order of the file."""
        return tuple(waiver for waiver, _ in self.entries)

    def changed(
        self,
        added: Iterable[DraftedWaiver],
        removed: Collection[Waiver] = (),
        renewed: Mapping[Waiver, Waiver] | None = None,
    ) -> str:
        """The text with these entries added, removed, and replaced by renewed ones; entries are sorted.

        Raises `TargetError` if the text would not say what it must: then entries share anchors.
        """
        renewals = renewed or {}
        kept = [
            (renewals[waiver], _with_renewal(block, renewals[waiver], self.origin)) if waiver in renewals else given
            for given in self.entries
            for waiver, block in [given]
            if waiver not in removed
        ]
        new = [(draft.waiver, _written(draft, self.indent)) for draft in added]
        entries = sorted([*kept, *new], key=lambda entry: order(entry[0]))
        head = self.head if entries else self.head.replace(_HEAD, "waivers: []\n")
        text = head + "".join(block for _, block in entries) + self.tail
        try:
            said = sorted(map(_plain, parse_waivers(text, self.origin, undecided=True)), key=order)
        except TargetError as error:
            raise _unmergeable(self.origin) from error
        if said != [_plain(waiver) for waiver, _ in entries]:
            raise _unmergeable(self.origin)
        return text


def _plain(waiver: Waiver) -> Waiver:
    return replace(waiver, line=0)


def _unmergeable(origin: str) -> TargetError:
    return TargetError(
        f"The waivers file {origin} cannot be merged.",
        "Its entries cannot be moved without changing what they say, for example because of anchors and aliases.",
        "Write each entry in full, on lines of its own that begin with `- `.",
    )


def _list_in(text: str) -> yaml.SequenceNode:
    """The node of the list in a valid file that is not empty."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    listed = next(value for key, value in node.value if key.value == "waivers")
    assert isinstance(listed, yaml.SequenceNode)
    return listed


def _without_list(text: str) -> str:
    """The text of a file with an empty list, ready for entries to follow."""
    node = _list_in(text)
    before = text[: node.start_mark.index].rstrip()
    comments = [line for line in text[node.end_mark.index :].splitlines() if line.strip().startswith("#")]
    return "\n".join([*(f"{line.strip()}" for line in comments), *([] if not comments else [""]), before]) + "\n"


def _with_comments_above(lines: Sequence[str], dash: int, indent: int) -> int:
    """The first line of an entry: the comments directly above its dash belong to it, and the blank lines above them."""
    start = dash
    while start and _is_comment(lines[start - 1], at_most=indent):
        start -= 1
    while start and not lines[start - 1].strip():
        start -= 1
    return start


def _end_of_entries(lines: Sequence[str], last: int, indent: int) -> int:
    """The number of the first line after the last entry: comments at its end that are not indented stay at the end."""
    end = len(lines)
    while end > last + 1 and (
        not lines[end - 1].strip() or lines[end - 1].startswith("...") or _is_comment(lines[end - 1], at_most=indent)
    ):
        end -= 1
    return end


def _is_comment(line: str, at_most: int) -> bool:
    return line.lstrip().startswith("#") and len(line) - len(line.lstrip()) <= at_most


def _ended(block: str) -> str:
    return block if block.endswith("\n") else f"{block}\n"


def _written(draft: DraftedWaiver, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in _lines(draft))


def _lines(draft: DraftedWaiver) -> Iterator[str]:
    waiver = draft.waiver
    yield f"# {draft.note}"
    yield f"- requirement: {_scalar(waiver.requirement)}"
    yield f"  reason: {_scalar(waiver.reason)}"
    yield f"  owner: {_scalar(waiver.owner)}"
    yield f"  expires: {waiver.expires}"
    yield f"  targets: {json.dumps(list(waiver.targets))}"
    if waiver.failures:
        yield f"  failures: {json.dumps(list(waiver.failures))}"


def _scalar(text: str) -> str:
    """The text as a YAML scalar on one line: plain where that is safe."""
    written: str = yaml.safe_dump([text], default_flow_style=True, width=10**6, allow_unicode=True)
    return written.strip()[1:-1]


def _with_renewal(block: str, waiver: Waiver, origin: str) -> str:
    """The lines of an entry with another `reason` and `expires`."""
    node = yaml.compose(block, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.SequenceNode) or not isinstance(node.value[0], yaml.MappingNode):
        raise _unmergeable(origin)
    values = {"reason": json.dumps(waiver.reason, ensure_ascii=False), "expires": str(waiver.expires)}
    spans = [(value, values[key.value]) for key, value in node.value[0].value if key.value in values]
    for value, text in sorted(spans, key=lambda span: -span[0].start_mark.index):
        # A block scalar (`|`, `>`) ends with the end of its last line.
        end = "\n" if value.style in ("|", ">") else ""
        block = block[: value.start_mark.index] + text + end + block[value.end_mark.index :]
    return block
