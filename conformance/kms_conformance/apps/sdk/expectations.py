"""Expected results of calls, and the comparison of a client's result with our own decoding of the reply.

The same expectation is applied to the client's result and to the reply as this suite decodes it. If the reply deviates
from the expectation or breaks a requirement, the target is at fault. If only the client's result deviates, the client
is at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from kms_conformance.apps.sdk.driver import CallResult, Crash, Outcome, RaisedError
from kms_conformance.catalogue.profile import Refusal
from kms_conformance.client.answer import Answer
from kms_conformance.dialects.base import Dialect


class Expectation(Protocol):
    """The documented outcome of a call."""

    @property
    def wanted(self) -> str:
        """The expected outcome, in one line."""
        ...

    def problem(self, outcome: Outcome) -> str | None:
        """The outcome in one line if it deviates from the expected one; else None."""
        ...


# For each operation: the values that the result of a successful call must have.
_REQUIRED_VALUES = {
    "create": ("key_id",),
    "describe": ("key_id", "state"),
    "list": ("keys",),
    "encrypt": ("secret",),
    "decrypt": ("secret",),
    "generate_data_key": ("secret",),
}


@dataclass(frozen=True)
class ExpectedSuccess:
    """Expects success, with these values in the result; the expectation ignores a value that is None here.

    - `key`: the id of the key.
    - `state`: the abstract state of the key.
    - `secret`: the plaintext that must be decrypted.
    - `dated`: whether the key must have a deletion date (True) or must have none (False).
    """

    operation: str
    key: str | None
    state: str | None = None
    secret: str | None = None
    dated: bool | None = None

    @property
    def wanted(self) -> str:
        """The expected outcome, in one line."""
        if self.operation == "list":
            return f"a list that holds {self.key}"
        if self.operation == "describe":
            dated = {None: "", True: ", with a deletion date", False: ", without a deletion date"}[self.dated]
            return f"the key, {self.state}{dated}"
        return "success" if self.secret is None else "success, and the plaintext that was encrypted"

    def problem(self, outcome: Outcome) -> str | None:
        """The outcome in one line if it deviates from the expected one; else None."""
        if not isinstance(outcome, CallResult):
            return describe_error(outcome)
        missing = [name for name in _REQUIRED_VALUES.get(self.operation, ()) if not getattr(outcome, name)]
        if missing:
            return f"a result without: {', '.join(missing)}"
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
    """Expects the documented exception (its class is `kind`), with a status and a code that the profile accepts."""

    refusal: Refusal
    kind: str

    @property
    def wanted(self) -> str:
        """The expected outcome, in one line."""
        return f"{self.kind}: {self.refusal}"

    def problem(self, outcome: Outcome) -> str | None:
        """The outcome in one line if it deviates from the expected one; else None."""
        if isinstance(outcome, CallResult):
            return None if self.refusal.or_accepted else "the call succeeds"
        if isinstance(outcome, Crash) or not self.refusal.admits(outcome.status or 0, outcome.code):
            return describe_error(outcome)
        # The class is not compared for an error reply that this suite decoded: such an outcome has no exception.
        return describe_error(outcome) if outcome.kinds and self.kind not in outcome.kinds else None


def describe_error(outcome: RaisedError | Crash) -> str:
    """One line about a failed call.

    - An undocumented exception: its class and its text.
    - A documented exception: its class, with the status and the code of the reply.
    - An error reply that this suite decoded, for which no exception was raised: its status and its code.
    """
    if isinstance(outcome, Crash):
        return f"{outcome.kinds[0]}: {outcome.text}"
    answer = f"status {outcome.status}, code {outcome.code}"
    return f"{outcome.kinds[0]} ({answer})" if outcome.kinds else answer


def reply_result(operation: str, answers: Sequence[Answer], dialect: Dialect) -> CallResult | RaisedError:
    """The result of a call as this suite decodes its replies; the state is the abstract one.

    A call may send several requests, such as the pages of a list; the last reply decides.
    """
    last = answers[-1]
    if not last.accepted:
        return RaisedError((), last.status, last.code, last.summary)
    if operation == "create":
        return CallResult(key_id=dialect.created_id(last.value))
    if operation == "describe":
        view = dialect.key(last.value)
        return CallResult(view.id, view.state, view.deletion_at)
    if operation == "list":
        return CallResult(keys=tuple(key for answer in answers for key in dialect.page(answer.value).ids))
    if operation in ("encrypt", "decrypt"):
        return CallResult(secret=dialect.secret_output(operation, last.value))
    if operation == "generate_data_key":
        # The schema of the reply already requires a plaintext. The plaintext is random, so it is not compared.
        return CallResult(secret=True)
    key, state = dialect.echo(last.value)
    return CallResult(key, state, dialect.scheduled(last.value)[0])


def disagreement(returned: CallResult, in_reply: CallResult) -> str | None:
    """The first value that differs between a client's result and the reply; a value must be in both to be compared."""
    for name in (field.name for field in fields(CallResult) if field.name != "secret"):
        ours, theirs = getattr(in_reply, name), getattr(returned, name)
        if ours is None or theirs is None:
            continue
        if (set(ours), len(ours)) != (set(theirs), len(theirs)) if name == "keys" else ours != theirs:
            return f"{name.replace('_', ' ')} {theirs}; the reply says {ours}"
    return None
