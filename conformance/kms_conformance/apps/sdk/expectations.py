"""What is due on a call, and whose fault it is where a client tells something else.

The same expectation is put to what the client tells and to what its reply says by our own reading. A reply that says
something else, or breaks a requirement, is the target's fault; what the client makes of a right one is the client's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from kms_conformance.apps.sdk.driver import Crash, Outcome, Raised, Told
from kms_conformance.catalogue.profile import Refusal
from kms_conformance.client.answer import Answer
from kms_conformance.dialects.base import Dialect


class Expectation(Protocol):
    """What is due on a call."""

    @property
    def wanted(self) -> str:
        """What is due, in a line."""
        ...

    def problem(self, outcome: Outcome) -> str | None:
        """What came instead, in a line; None where it came as it should."""
        ...


# What a call that succeeds must tell, and what a program needs it for.
_MUST_TELL = {
    "create": ("key_id",),
    "describe": ("key_id", "state"),
    "list": ("keys",),
    "encrypt": ("secret",),
    "decrypt": ("secret",),
    "generate_data_key": ("secret",),
}


@dataclass(frozen=True)
class Served:
    """The call succeeds, and what it tells of the key fits: its id, its abstract state, and a date while it waits."""

    operation: str
    key: str | None
    state: str | None = None
    secret: str | None = None
    dated: bool | None = None

    @property
    def wanted(self) -> str:
        """What is due, in a line."""
        if self.operation == "list":
            return f"a list that holds {self.key}"
        if self.operation == "describe":
            dated = {None: "", True: ", with a deletion date", False: ", without a deletion date"}[self.dated]
            return f"the key, {self.state}{dated}"
        return "success" if self.secret is None else "success, and the plaintext that was encrypted"

    def problem(self, outcome: Outcome) -> str | None:
        """What came instead, in a line; None where it came as it should."""
        if not isinstance(outcome, Told):
            return shown(outcome)
        untold = [name for name in _MUST_TELL.get(self.operation, ()) if not getattr(outcome, name)]
        if untold:
            return f"nothing is told of: {', '.join(untold)}"
        if self.key is not None and outcome.key_id not in (None, self.key):
            return f"another key: {outcome.key_id}"
        if outcome.keys is not None and self.key not in outcome.keys:
            return f"a list of {len(outcome.keys)} keys without it"
        if self.state is not None and outcome.state not in (None, self.state):
            return f"a key in the state {outcome.state}"
        if self.dated is not None and (outcome.deletion_at is not None) != self.dated:
            return f"the deletion date {outcome.deletion_at}"
        if self.secret is not None and outcome.secret != self.secret:
            return "another plaintext"
        return None


@dataclass(frozen=True)
class ExpectedRefusal:
    """The call raises the error that the client documents, with a status and code that the profile accepts."""

    refusal: Refusal
    kind: str

    @property
    def wanted(self) -> str:
        """What is due, in a line."""
        return f"{self.kind}: {self.refusal}"

    def problem(self, outcome: Outcome) -> str | None:
        """What came instead, in a line; None where it came as it should."""
        if isinstance(outcome, Told):
            return None if self.refusal.or_accepted else "the call succeeds"
        if isinstance(outcome, Crash) or not self.refusal.admits(outcome.status or 0, outcome.code):
            return shown(outcome)
        # A reply as we read it is of no class.
        return shown(outcome) if outcome.kinds and self.kind not in outcome.kinds else None


def shown(outcome: Raised | Crash) -> str:
    """An exception in a line, or an error reply where it has no class."""
    if isinstance(outcome, Crash):
        return f"{outcome.kinds[0]}: {outcome.text}"
    answer = f"status {outcome.status}, code {outcome.code}"
    return f"{outcome.kinds[0]} ({answer})" if outcome.kinds else answer


def reading(operation: str, answers: Sequence[Answer], dialect: Dialect) -> Told | Raised:
    """What the replies to one call say by our own reading; states are abstract, as in all that is put to expectations.

    A call may take several requests, such as the pages of a list: the last reply decides.
    """
    last = answers[-1]
    if not last.accepted:
        return Raised((), last.status, last.code, last.summary)
    if operation == "create":
        return Told(key_id=dialect.created_id(last.value))
    if operation == "describe":
        view = dialect.key(last.value)
        return Told(view.id, view.state, view.deletion_at)
    if operation == "list":
        return Told(keys=tuple(key for answer in answers for key in dialect.page(answer.value).ids))
    if operation in ("encrypt", "decrypt"):
        return Told(secret=dialect.secret_output(operation, last.value))
    if operation == "generate_data_key":
        # That there is one is for the schema to say; what it is, nobody can.
        return Told(secret=True)
    key, state = dialect.echo(last.value)
    return Told(key, state, dialect.scheduled(last.value)[0])


def disagreement(told: Told, said: Told) -> str | None:
    """Where a client tells something else than its reply says; what either leaves out does not count."""
    for name in (field.name for field in fields(Told) if field.name != "secret"):
        ours, theirs = getattr(said, name), getattr(told, name)
        if ours is None or theirs is None:
            continue
        if (set(ours), len(ours)) != (set(theirs), len(theirs)) if name == "keys" else ours != theirs:
            return f"{name.replace('_', ' ')} {theirs}, where the reply says {ours}"
    return None
