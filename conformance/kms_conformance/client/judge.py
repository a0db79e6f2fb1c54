"""Judgements of requirements in one check, their collection, and the exceptions that end a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core.text import shortened

if TYPE_CHECKING:
    from kms_conformance.client.answer import Answer


@dataclass(frozen=True)
class Judgement:
    """One judgement of one requirement. `exchanges` are numbers of recorded exchanges, the decisive one last."""

    requirement: RequirementId
    passed: bool
    expected: str = ""
    received: str = ""
    exchanges: tuple[int, ...] = ()
    hint: str = ""

    def cleaned(self, clean: Callable[[str], str]) -> Judgement:
        """The judgement without secrets and with texts of bounded length, because targets may echo anything."""
        return replace(
            self,
            expected=shortened(clean(self.expected)),
            received=shortened(clean(self.received)),
            hint=shortened(clean(self.hint)),
        )


@dataclass(frozen=True)
class StateRead:
    """A key was read in this state."""

    state: str


@dataclass(frozen=True)
class Observation:
    """An event that counts against no requirement, such as a request without a reply; `text` is without secrets."""

    text: str


#: One result of a request besides its answer.
Finding = Judgement | StateRead | Observation

#: The id of the requirement that every request gets a reply. Each reply counts as passed. The module
#: `missing_replies` records a failure where the target is to blame for a missing reply.
ANSWERED: RequirementId = "reply.answered"

#: The id of the requirement that no request is answered with an internal error. Each other reply counts as passed. The
#: module `internal_errors` records a failure where the error repeats.
NO_SERVER_ERROR: RequirementId = "reply.no-server-error"


class Inconclusive(Exception):  # noqa: N818 - an outcome, as in the verdict file
    """A check could not be completed, for a `reason` that is never a fault of the target; `hint` is for the user.

    If the check only has to wait, nothing is wrong, and `waiting_until` is the date before which it cannot be done (ISO
    8601, UTC).
    """

    def __init__(self, reason: str, hint: str = "", waiting_until: str = "") -> None:
        super().__init__(reason if not hint else f"{reason}\n{hint}")
        self.reason = reason
        self.hint = hint
        self.waiting_until = waiting_until


class Lacking(Inconclusive):
    """The target showed that it lacks something that the profile lets an installation lack.

    Requirements that no other check has judged do not apply then.
    """


class Denied(Inconclusive):
    """The target denied a request to our credentials, which says nothing about the target.

    `answer`: the answer, if it may also be a refusal for another reason; None if it may not.
    """

    def __init__(self, reason: str, hint: str = "", answer: Answer | None = None) -> None:
        super().__init__(reason, hint)
        self.answer = answer


class Lost(Inconclusive):
    """A request that may have changed something got no reply; only the state of the key shows whether it was done.

    The request is not sent again. If the target has carried it out, a repetition would be refused, and the target would
    be blamed for the refusal.
    """


class Unanswered(Lost):
    """A request repeatedly got no reply while others were served; the failure is on record.

    Checks that do not depend on this request may go on, as after `Lost`.
    """


class Undecided(Lost):
    """A request was answered with an internal error, or as unavailable, and may have been carried out.

    The failure is on record if the error repeats. The state of the key, or the list of keys, shows what was done.
    `answer`: the last answer.
    """

    def __init__(self, reason: str, hint: str, answer: Answer) -> None:
        super().__init__(reason, hint)
        self.answer = answer


class Nonconformity(AssertionError):  # noqa: N818 - an outcome, as in the verdict file
    """A check ended with at least one failed judgement."""


class Stop(Exception):  # noqa: N818 - not an error: the failure is already on record
    """The scenario cannot go on, because a prerequisite has just been judged failed."""


# Most exchanges that a check cites for a passed requirement.
_MOST_CITED = 3


@dataclass
class Passes:
    """The passed judgements of one requirement in a check.

    - count: the number of passed judgements.
    - productive: the number of those that show something. If the requirement names states (`reached` in
      `requirements.yaml`), the check must have read a key in one of these states before the judgement. If the
      requirement names no states, every judgement is productive.
    - exchanges: the numbers of the first exchanges behind productive judgements.
    """

    count: int = 0
    productive: int = 0
    exchanges: list[int] = field(default_factory=list)


@dataclass
class Judge:
    """Collects the judgements of one check; requirements that do not apply to the target are not recorded.

    - catalogue: all requirements of the dialect.
    - applicable: the requirements that apply to the target.
    - declared: the requirements that the mark of the check names.
    - latest: gives the number of the latest exchange, which a judgement cites if it names none.
    - clean: redacts the texts of failures, because targets may echo secrets.
    - take: gives the findings of the check's requests since the last call, without secrets. They are recorded before
      another judgement is recorded or read, so that all judgements are in the order of the exchanges.
    - observed: for requirements with several accepted answers, the answers that the target gave.
    - left_open: requirements that the check could not judge to the end, with the reason, while it went on with others.
    - refusals: for the same requirements, the name in the profile of the set of accepted answers.
    - told: is called with each judgement that is recorded, in their order; the texts of failed ones are redacted.
    - refused: by requirement and refusal of the profile, the operations whose requests were judged by it.
    """

    catalogue: Catalogue
    applicable: frozenset[str]
    declared: frozenset[str] = frozenset()
    latest: Callable[[], int] = int
    clean: Callable[[str], str] = str
    take: Callable[[], Iterable[Finding]] = tuple
    told: Callable[[Judgement], None] = lambda _: None
    observed: dict[str, set[str]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    left_open: dict[RequirementId, Inconclusive] = field(default_factory=dict)
    refused: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    _failures: list[Judgement] = field(default_factory=list)
    _passes: dict[str, Passes] = field(default_factory=dict)
    _observations: dict[str, int] = field(default_factory=dict)
    _witnessed: set[str] = field(default_factory=set)
    _notes: dict[RequirementId, str] = field(default_factory=dict)

    @property
    def failures(self) -> list[Judgement]:
        """The failed judgements; each deviation once."""
        self._catch_up()
        return self._failures

    @property
    def passes(self) -> dict[str, Passes]:
        """Counts of passed judgements, by requirement."""
        self._catch_up()
        return self._passes

    @property
    def observations(self) -> dict[str, int]:
        """The numbers of events that count against no requirement, by text."""
        self._catch_up()
        return self._observations

    def record(self, findings: Iterable[Finding]) -> None:
        """Add findings; the texts of failures are redacted first."""
        self._catch_up()
        for finding in findings:
            if isinstance(finding, Judgement) and not finding.passed:
                note = self._notes.get(finding.requirement, "")
                hint = " ".join(filter(None, (note, finding.hint)))
                self._enter(replace(finding, hint=hint).cleaned(self.clean))
            else:
                self._enter(finding)

    def _catch_up(self) -> None:
        for finding in self.take():
            self._enter(finding)

    def _enter(self, finding: Finding) -> None:
        if isinstance(finding, StateRead):
            self._witnessed.add(finding.state)
        elif isinstance(finding, Observation):
            self._observations[finding.text] = self._observations.get(finding.text, 0) + 1
        elif finding.requirement not in self.applicable:
            return
        elif finding.passed:
            self._pass(finding)
            self.told(finding)
        elif not self._known(finding):
            self._failures.append(finding)
            self.told(finding)

    def _pass(self, judgement: Judgement) -> None:
        passes = self._passes.setdefault(judgement.requirement, Passes())
        passes.count += 1
        reached = self.catalogue[judgement.requirement].reached
        if reached and not reached & self._witnessed:
            return
        passes.productive += 1
        number = judgement.exchanges[-1] if judgement.exchanges else self.latest()
        if number and number not in passes.exchanges and len(passes.exchanges) < _MOST_CITED:
            passes.exchanges.append(number)

    def that(
        self,
        requirement: RequirementId,
        passed: bool,  # noqa: FBT001 - reads well: judge.that("…", state == ENABLED, …)
        expected: object,
        received: object,
        exchanges: tuple[int, ...] = (),
        hint: str = "",
    ) -> bool:
        """Judge one requirement; returns whether it holds."""
        self.record([Judgement(requirement, passed, str(expected), str(received), exchanges, hint)])
        return passed

    @contextmanager
    def noting(self, requirement: RequirementId, note: str) -> Iterator[None]:
        """Meanwhile, failed judgements of a requirement tell what their request has that an ordinary one has not."""
        before = self._notes.get(requirement, "")
        self._notes[requirement] = note
        try:
            yield
        finally:
            self._notes[requirement] = before

    def holds(self, requirement: RequirementId) -> None:
        """Record a passed judgement."""
        self.record([Judgement(requirement, passed=True)])

    def observe(self, requirement: RequirementId, answer: str, refusal: str) -> None:
        """Note which of several accepted answers the target gave.

        `answer` is a short text such as `400 KMS.0309`; `refusal` names the set of answers in the profile.
        """
        if requirement in self.applicable:
            self.observed.setdefault(requirement, set()).add(shortened(self.clean(answer)))
            self.refusals[requirement] = refusal

    def note_refused(self, requirement: RequirementId, refusals: Iterable[str], operation: str) -> None:
        """Note that an answer to the operation is judged by these refusals: it must be one of them."""
        if requirement in self.applicable:
            for name in refusals:
                self.refused.setdefault(requirement, {}).setdefault(name, set()).add(operation)

    def recalls(self, requirement: RequirementId) -> None:
        """Record that a requirement held in an earlier run, as the ledger says; no exchange of this run shows this."""
        if requirement in self.applicable:
            passes = self.passes.setdefault(requirement, Passes())
            passes.count += 1
            passes.productive += 1
            self.told(Judgement(requirement, passed=True))

    def breaks(
        self, requirement: RequirementId, expected: object, received: object, exchanges: tuple[int, ...] = ()
    ) -> None:
        """Record a failed judgement."""
        self.record(
            [Judgement(requirement, passed=False, expected=str(expected), received=str(received), exchanges=exchanges)]
        )

    def _known(self, judgement: Judgement) -> bool:
        """Whether the same deviation is already recorded. Each deviation is shown once."""
        return any(
            known.requirement == judgement.requirement and known.expected == judgement.expected
            for known in self._failures
        )

    def leave_open(self, requirements: Iterable[RequirementId], reason: Inconclusive) -> None:
        """Note that the check cannot judge these requirements to the end, and goes on with the others."""
        for requirement in requirements:
            self.left_open.setdefault(requirement, reason)

    @property
    def broken(self) -> bool:
        """Whether a requirement of the level MUST has failed in this check, so that later judgements are unreliable.

        Failures of SHOULD and MAY do not count, and missing replies do not count, because the check has drawn no
        conclusion from them.
        """
        return any(
            self.catalogue[failure.requirement].level == "MUST"
            for failure in self.failures
            if failure.requirement != ANSWERED
        )

    @property
    def judged(self) -> frozenset[str]:
        """Ids of all requirements judged in this check."""
        return frozenset(self.passes) | {failure.requirement for failure in self.failures}

    @property
    def unjudged(self) -> frozenset[str]:
        """Declared and applicable requirements that the check has not judged, or not to the end."""
        failed = {failure.requirement for failure in self.failures}
        return (self.declared & self.applicable) - (self.judged - (self.left_open.keys() - failed))

    @property
    def open(self) -> frozenset[str]:
        """Declared and applicable requirements that have not failed. They stay open if the check stops now."""
        return (self.declared & self.applicable) - {failure.requirement for failure in self.failures}
