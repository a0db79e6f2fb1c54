"""Gives back what runs have given to our keys: aliases, tags, grants, and changed values such as a policy.

It is done before a key is scheduled, because a target refuses some of these requests for pending keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from kms_conformance.client.answer import Answer
from kms_conformance.client.belongings import UNKNOWN, same_value
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_belongings import OpenBelongings, earlier
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import ENABLED
from kms_conformance.client.target_client import Client
from kms_conformance.dialects.base import KeyView
from kms_conformance.dialects.belongings import Arguments, Belonging

# A list may have several pages. The next page is shown once the names of the first one are taken off.
_MOST_LISTS = 10
# Earlier releases recorded no belongings. All their tags had this name, except for those of generated requests.
_EARLIER = earlier([MARKER_PREFIX.rstrip("-")])
# Brings a key into a state; None if the key is gone.
Bring = Callable[[str, str], KeyView | None]


@dataclass(frozen=True)
class KeptBelonging:
    """A belonging that could not be given back, with the reason; without secrets."""

    key: str
    kind: str
    reason: str


@dataclass
class _Place:
    """The key that is given back to its own state; `view` is what it was last read as."""

    key: str
    view: KeyView
    movable: bool


class _Kept(Exception):  # noqa: N818 - control flow: the target does not let go of something
    """A belonging could not be given back; the text is the reason."""


class GiveBack:
    """Gives back the belongings of keys, and collects in `kept` what could not be given back."""

    def __init__(self, client: Client, ledger: Ledger, bring: Bring) -> None:
        self._client = client
        self._ledger = ledger
        self._bring = bring
        self.kept: list[KeptBelonging] = []

    def of(self, key: str, view: KeyView, *, movable: bool = True) -> None:
        """Give back everything on a key that this run or an earlier run made.

        A key that is not `movable` stays in its state. Nothing is sent if nothing is left on the key. Raises nothing.
        """
        open_kinds, done = dict(self._ledger.belongings.of(key)), []
        at = _Place(key, view, movable)
        if self._ledger.is_unrecorded(key):
            open_kinds = dict.fromkeys(self._kinds_of_earlier_releases(), _EARLIER) | open_kinds
        for belonging in self._client.dialect.belongings:
            left = open_kinds.get(belonging.kind)
            if left is None:
                continue
            try:
                self._give_back(at, belonging, left)
            except Exception as error:  # noqa: BLE001 - the key must be scheduled, whatever its belongings cause
                self._keep(key, belonging, _reason(error))
            else:
                done.append(belonging.kind)
        self._client.belongings.clear(key, done)
        # If the disk is full, the next run asks the target again what is there.
        with suppress(OSError):
            self._ledger.close_belongings(key, done)

    def gone(self, key: str) -> None:
        """Take into account that a key is gone, and with it everything that it had."""
        self._client.belongings.clear(key, self._client.belongings.kinds_on(key))

    def _kinds_of_earlier_releases(self) -> Iterable[str]:
        for belonging in self._client.dialect.belongings:
            listed = belonging.listed_by in self._client.api and belonging.listed_by != "describe"
            if listed and belonging.own_value != "read":
                yield belonging.kind

    def _keep(self, key: str, belonging: Belonging, reason: str) -> None:
        said = self._client.exchange_log.redactor.text(reason)[:300]
        self.kept.append(KeptBelonging(key, belonging.kind, said))
        with suppress(OSError):
            self._ledger.keep_belongings(key, belonging.kind, said)

    def _give_back(self, at: _Place, belonging: Belonging, left: OpenBelongings) -> None:
        key, run = at.key, self._ledger.run
        names = self._client.belongings.on(key, belonging.kind)
        # The target must tell what is there if an earlier run made it, or a reply to this run was lost.
        asks = bool(left.runs - {run}) or UNKNOWN in names
        if belonging.own_value is not None:
            if (names or asks) and self._set_own_value(at, belonging, asks=asks) and not names:
                self._client.belongings.earlier[belonging.kind] += 1
            return
        tried: set[str] = set()
        for _ in range(_MOST_LISTS):
            there = self._there(key, belonging, left, names, asks=asks) - tried
            for part in _parts(sorted(there), belonging.most):
                off = self._take_off(at, belonging, part)
                if off and UNKNOWN not in names:
                    self._client.belongings.earlier[belonging.kind] += len(set(part) - names)
            tried |= there
            if not there or not asks or not belonging.listed_by:
                return

    def _there(
        self, key: str, belonging: Belonging, left: OpenBelongings, names: frozenset[str], *, asks: bool
    ) -> set[str]:
        """The names on a key that runs of this suite have made."""
        if not asks:
            return set(names)
        if not belonging.listed_by:
            return {*left.names, *names} - {UNKNOWN}
        listed = set(belonging.listed(self._read(belonging, key).value))
        if belonging.recorded:
            return listed & {*left.names, *names}
        if belonging.unique:
            prefix = self._client.dialect.alias(MARKER_PREFIX)
            return {name for name in listed if name.startswith(prefix)}
        return listed

    def _set_own_value(self, at: _Place, belonging: Belonging, *, asks: bool) -> bool:
        """Set the value that a key had when it was new; false if it has this value."""
        own = self._client.belongings.own_value(belonging, at.key)
        if own is None:
            raise _Kept("the value that it had before is not known")
        if belonging.listed_by == "describe":
            shown = belonging.listed(at.view.fields)
        elif self._client.profile.refusal_in(belonging.takes_off(at.key, (own,))[0], at.view.state) is not None:
            # In a state that refuses the change, the value may rest: the rotation of a pending key reads as off.
            shown = ()
        else:
            shown = belonging.listed(self._read(belonging, at.key).value) if asks else ()
        return not (shown and same_value(shown[0], own)) and self._take_off(at, belonging, (own,))

    def _read(self, belonging: Belonging, key: str) -> Answer:
        if belonging.listed_by not in self._client.api:
            raise _Kept(f"the target has no operation {belonging.listed_by}")
        self._client.patience.wait_out_lag()
        answer = self._client.look(belonging.listed_by, key_id=key)
        if answer is None or not answer.accepted:
            said = "no reply" if answer is None else answer.summary
            raise _Kept(f"{belonging.listed_by} was not served: {said}")
        return answer

    def _take_off(self, at: _Place, belonging: Belonging, names: tuple[str, ...]) -> bool:
        """Take names off a key; false if the target says that they are not there. Raises `_Kept`, `Inconclusive`."""
        key = at.key
        operation, arguments = belonging.takes_off(key, names)
        answer = None
        if self._client.profile.refusal_in(operation, at.view.state) is None:
            answer = self._ask(belonging, operation, arguments)
        if at.movable and at.view.state != ENABLED and (answer is None or not self._is_off(belonging, answer)):
            at.view = self._bring(key, ENABLED) or at.view
            answer = self._ask(belonging, operation, arguments)
        if answer is not None and self._is_off(belonging, answer):
            self._client.belongings.take_off(belonging.kind, names, () if belonging.unique else (key,))
            return answer.accepted
        if len(names) > 1:
            # One name that the target does not take may have made it refuse all of them.
            taken = [self._take_off(at, belonging, (name,)) for name in names]
            return all(taken)
        if answer is None:
            raise _Kept(f"a key that is {at.view.state} does not allow {operation}")
        raise _Kept(f"{operation} was answered {answer.summary}")

    def _ask(self, belonging: Belonging, operation: str, arguments: Arguments) -> Answer:
        """Send a request that takes something off; a refusal that may be due to the former state is repeated."""
        client = self._client
        request, described = client.dialect.request(operation, arguments), client.api.operations.get(operation)
        return client.patience.until(
            operation,
            lambda: client.send(request, described),
            lambda answer: self._is_off(belonging, answer) or not client.may_be_late(answer),
        )

    def _is_off(self, belonging: Belonging, answer: Answer) -> bool:
        """Whether the request was accepted, or refused because there is nothing to take off."""
        return answer.accepted or self._client.profile.admits(belonging.absent, answer.status, answer.code)


def _reason(error: Exception) -> str:
    if isinstance(error, Inconclusive):
        return error.reason
    return str(error) if isinstance(error, _Kept) else f"{type(error).__name__}: {error}"


def _parts(names: list[str], most: int) -> Iterable[tuple[str, ...]]:
    return (tuple(names[start : start + most]) for start in range(0, len(names), most))
