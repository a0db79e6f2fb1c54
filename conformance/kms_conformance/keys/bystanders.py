"""Compares the keys of others before and after a run, to attest that the run changed none of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from kms_conformance.client.oracle import GONE
from kms_conformance.core.text import shortened
from kms_conformance.dialects.base import KeyView


@dataclass(frozen=True)
class Change:
    """A key of others that reads differently after the run; `before` and `after` hold the differing fields as JSON."""

    key: str
    before: str
    after: str


@dataclass(frozen=True)
class Isolation:
    """The comparison of the keys of others before and after a run.

    - `listed`, `listed_after`: the number of keys of others that the target listed before and after the run.
    - `bound`: the largest number of keys that are read.
    - `described`: the number of keys that were read before the run.
    - `digest_before`, `digest_after`: digests over the fields of all keys that were read twice, sorted by id.
    - `appeared`, `vanished`: the ids that were listed only after or only before the run.
    - `changed`: the keys that read differently after the run.
    - `complete`: true if every key that was read before the run was read again after it.
    """

    listed: int
    listed_after: int
    bound: int
    described: int
    digest_before: str
    digest_after: str
    appeared: tuple[str, ...]
    vanished: tuple[str, ...]
    changed: tuple[Change, ...]
    complete: bool

    def cleaned(self, clean: Callable[[str], str]) -> Isolation:
        """A copy without secrets, which a target may have written into a key's fields."""
        changed = (
            Change(shortened(clean(c.key)), shortened(clean(c.before)), shortened(clean(c.after))) for c in self.changed
        )
        appeared, vanished = (tuple(shortened(clean(key)) for key in keys) for keys in (self.appeared, self.vanished))
        return replace(self, changed=tuple(changed), appeared=appeared, vanished=vanished)

    def to_json(self) -> dict[str, Any]:
        """The JSON form that `specs/schemas/verdict.schema.json` describes."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]  # lists for tuples

    @classmethod
    def of(
        cls,
        before: Mapping[str, KeyView],
        after: Mapping[str, KeyView],
        listed: tuple[Sequence[str], Sequence[str]],
        bound: int,
    ) -> Isolation:
        """Compare the keys as read before and after the run; `listed` holds the ids of others at both times."""
        read = sorted(key for key in before if key in after)
        return cls(
            listed=len(listed[0]),
            listed_after=len(listed[1]),
            bound=bound,
            described=len(before),
            digest_before=_digest({key: before[key] for key in read}),
            digest_after=_digest({key: after[key] for key in read}),
            appeared=tuple(sorted(set(listed[1]) - set(listed[0]))),
            vanished=tuple(sorted(set(listed[0]) - set(listed[1]))),
            changed=tuple(_change(before[key], after[key]) for key in read if shown(before[key]) != shown(after[key])),
            complete=len(read) == len(before),
        )


def shown(view: KeyView) -> dict[str, Any]:
    """The state of a key and all its fields, as the target shows them."""
    return {"state": view.state, **view.fields}


def _change(before: KeyView, after: KeyView) -> Change:
    was, now = shown(before), shown(after)
    if after.state == GONE:
        return Change(str(before.id), _text({"state": before.state}), _text({"state": GONE}))
    differ = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    return Change(
        str(before.id),
        _text({name: was.get(name) for name in differ}),
        _text({name: now.get(name) for name in differ}),
    )


def _digest(views: Mapping[str, KeyView]) -> str:
    return f"sha256:{hashlib.sha256(_text({key: shown(view) for key, view in views.items()}).encode()).hexdigest()}"


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
