"""The fourth blind set: changes of one key that reach others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.fourth.mixins import on_neighbour, rows_of, toggled
from kms_conformance.apps.selftest.blind.memory import Memory, cancelled, changing_more, in_state_of
from kms_conformance.apps.selftest.blind.second.mixins import also_on_others, pending
from kms_conformance.emulator import Key, Rules

_other = rows_of("isolation")


class _PurgedByCreate(Memory):
    """Creating a key deletes the key that was scheduled last at once, to make room."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._purged: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        latest = None if self.latest is None else self.known.get(self.latest.id)
        if operation == "create" and latest is not None and pending(latest):
            self._purged.add(latest.id)
        return super().effects(operation, before, after, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        return super().key_visible(key, now) and key.id not in self._purged


OTHERS = (
    _other(
        "disable-hits-next-key",
        "critical",
        "Disabling a key also disables the enabled key that was created after it.",
        "isolation.other-keys",
        "lifecycle.sequence",
        "disable.reply",
        does=(
            on_neighbour("disable", 1, lambda _, key: replace(key, state=DISABLED) if key.state is ENABLED else key),
        ),
    ),
    _other(
        "cancel-hits-key-before",
        "critical",
        "Cancelling the deletion of a key toggles the key that was created before it between enabled and disabled.",
        "cancel.only-named-key",
        "isolation.other-keys",
        does=(on_neighbour("cancel", -1, lambda _, key: replace(key, state=toggled(key.state))),),
    ),
    _other(
        "schedule-hits-key-before",
        "critical",
        "Scheduling a key gives its date to the key before it, if that is pending as well.",
        "schedule.only-named-key",
        "isolation.other-keys",
        does=(
            on_neighbour(
                "schedule", -1, lambda after, key: replace(key, deletion=after.deletion) if pending(key) else key
            ),
        ),
    ),
    _other(
        "equal-descriptions-shared",
        "major",
        "Keys with the same description share it: changing one changes all.",
        "isolation.other-keys",
        "update-description.reply",
        does=(
            also_on_others(
                "update_description",
                lambda before, after, key: (
                    replace(key, description=after.description) if key.description == before.description else key
                ),
            ),
        ),
    ),
    _other(
        "enable-disables-others-of-the-day",
        "critical",
        "Enabling a key disables the other enabled keys that were created on the same day.",
        "isolation.other-keys",
        "enable.reply",
        does=(
            changing_more(
                "enable",
                lambda _, before, key: key.state is ENABLED and key.created.date() == before.created.date(),
                lambda _, key: in_state_of(key, enabled=False),
            ),
        ),
    ),
    _other(
        "new-key-purges-pending",
        "critical",
        "Creating a key deletes the pending key that was scheduled last at once, to make room.",
        "schedule.not-immediate",
        "expiry.not-early",
        "lifecycle.sequence",
        does=(_PurgedByCreate,),
    ),
    _other(
        "use-cancels-others",
        "critical",
        "Encrypting with one key cancels the deletions of all other keys.",
        "isolation.other-keys",
        "expiry.gone",
        "lifecycle.sequence",
        does=(changing_more("encrypt", lambda _m, _b, key: pending(key), cancelled),),
    ),
)
