"""The third blind set: states that depend on earlier requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, accepting, refusing
from kms_conformance.apps.selftest.blind.memory import Memory, accepting_if, refusing_if
from kms_conformance.apps.selftest.blind.second.mixins import pending
from kms_conformance.apps.selftest.blind.third.mixins import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.apps.selftest.lag import DATA_PLANE
from kms_conformance.emulator import Key, Rules, State

_state = rows_of("states")
_NAMED = (ALIBABA, AWS)
_SEALED = "generate_data_key_without_plaintext"


class _SessionLeftOpen(Memory):
    """After a key is enabled, the next use of any key that must be refused is carried out."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._open = False

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self._open = self._open or operation == "enable"
        return super().effects(operation, before, after, keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        if found is None or operation not in DATA_PLANE or not self._open:
            return found
        self._open = False
        return None


class _BreakerOpens(Memory):
    """After three refused uses of a pending key, a circuit breaker lets all further ones through."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._refused: Counter[str] = Counter()

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if key is not None and operation in DATA_PLANE and refusal == "pending_use":
            self._refused[key.id] += 1
        return super().effects_of_refusal(operation, refusal, key, keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        open_ = operation in DATA_PLANE and pending(key) and self._refused[key.id] >= 3
        return None if open_ else super().refusal_for(operation, key)


class _UseLocksCancel(Memory):
    """A pending key whose use was refused stays locked: its deletion cannot be cancelled any more."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._locked: set[str] = set()

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if key is not None and operation in DATA_PLANE and refusal == "pending_use":
            self._locked.add(key.id)
        return super().effects_of_refusal(operation, refusal, key, keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        locked = operation == "cancel" and key.id in self._locked
        return "pending_use" if locked else super().refusal_for(operation, key)


class _ThirdRefusalDisables(Memory):
    """Every third refused request that names an enabled key disables it, as an attack."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._refused: Counter[str] = Counter()

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if key is None or key.default or key.state is not ENABLED:
            return ()
        self._refused[key.id] += 1
        return () if self._refused[key.id] % 3 else (replace(key, state=DISABLED),)


class _FlagOfPending(Memory):
    """Enabling or disabling a pending key is refused, but decides its state after a cancellation."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._flags: dict[str, State] = {}

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if key is not None and key.state is PENDING and operation in {"enable", "disable"}:
            self._flags[key.id] = ENABLED if operation == "enable" else DISABLED
        return super().effects_of_refusal(operation, refusal, key, keys)

    def state_after_cancel(self, key: Key) -> State:
        return self._flags.pop(key.id, None) or super().state_after_cancel(key)


def _in_state(state: State) -> Callable[[Memory, Key], bool]:
    return lambda _, key: key.state is state


STATES = (
    _state(
        "session-left-open",
        "critical",
        "After any key is enabled, the next use that should be refused is carried out, of whatever key.",
        "pending.encrypt",
        "state.disabled",
        "pending.decrypt",
        does=(_SessionLeftOpen,),
    ),
    _state(
        "breaker-opens",
        "critical",
        "After three refused uses of a pending key, all further ones succeed.",
        "pending.encrypt",
        "pending.decrypt",
        "pending.generate-data-key",
        does=(_BreakerOpens,),
    ),
    _state(
        "refused-use-locks-cancel",
        "critical",
        "A pending key whose use was refused cannot be recovered: cancelling is refused from then on.",
        "cancel.effect",
        "cancel.state-after",
        does=(_UseLocksCancel,),
    ),
    _state(
        "third-refusal-disables",
        "critical",
        "Every third refused request that names an enabled key disables it.",
        "refused.changes-nothing",
        "cancel.not-pending.enabled",
        does=(_ThirdRefusalDisables,),
    ),
    _state(
        "flag-of-pending-key",
        "major",
        "Enabling or disabling a pending key is refused, but decides the key's state after a cancellation.",
        "cancel.state-after",
        "refused.changes-nothing",
        "pending.enable",
        does=(_FlagOfPending,),
    ),
    _state(
        "cancel-without-description-breaks",
        "critical",
        "Cancelling the deletion of a key that has no description is answered with an internal error.",
        "cancel.effect",
        "reply.no-server-error",
        does=(refusing_if({"cancel"}, "internal_error", lambda _, key: pending(key) and not key.description),),
    ),
    _state(
        "disabled-gives-sealed-data-keys",
        "critical",
        "A disabled key gives data keys without their plaintext.",
        "state.disabled",
        of=_NAMED,
        does=(accepting(_SEALED, DISABLED),),
    ),
    _state(
        "pending-gives-sealed-data-keys",
        "critical",
        "A pending key gives data keys without their plaintext.",
        "pending.generate-data-key",
        of=_NAMED,
        does=(accepting(_SEALED, PENDING),),
    ),
    _state(
        "disabled-re-encrypts",
        "critical",
        "A disabled key takes part in ReEncrypt.",
        "state.disabled",
        of=(AWS,),
        does=(accepting("re_encrypt", DISABLED),),
    ),
    _state(
        "disabled-takes-grants",
        "major",
        "A disabled key takes grants.",
        "state.disabled",
        of=(AWS,),
        does=(accepting("create_grant", DISABLED),),
    ),
    _state(
        "pending-policy-unreadable",
        "major",
        "The policy and the grants of a pending key cannot be read.",
        "pending.get-policy",
        "pending.list-grants",
        of=(AWS,),
        does=(refusing("get_policy", "pending_manage", PENDING), refusing("list_grants", "pending_manage", PENDING)),
    ),
    _state(
        "disabled-cannot-be-described-anew",
        "major",
        "The description of a disabled key cannot be changed.",
        "update-description.reply",
        "disable.keeps.name",
        does=(refusing_if({"update_description"}, "key_disabled", _in_state(DISABLED)),),
    ),
    _state(
        "enabled-once-decrypts",
        "critical",
        "A key that was disabled and enabled again decrypts also while it is pending.",
        "pending.decrypt",
        does=(accepting_if({"decrypt"}, lambda m, key: pending(key) and m.done["enable", key.id] > 0),),
    ),
)
