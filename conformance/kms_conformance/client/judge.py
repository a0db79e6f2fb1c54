"""Judgements: what one check found about one requirement, and how a check ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core.text import shortened


@dataclass(frozen=True)
class Judgement:
    """One judgement of one requirement. `exchanges` are numbers of recorded exchanges, the deciding one last."""

    requirement: RequirementId
    passed: bool
    expected: str = ""
    received: str = ""
    exchanges: tuple[int, ...] = ()
    hint: str = ""

    def cleaned(self, clean: Callable[[str], str]) -> Judgement:
        """The same without secrets, and with texts of bounded length: a target may have echoed anything."""
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
class NoReply:
    """A request got no reply, and nobody is accused; `text` names the request and its outcome, without secrets."""

    text: str


#: Results of a request besides its answer, in the order in which they were found.
Finding = Judgement | StateRead | NoReply

#: That every request gets a reply: each reply shows it, and that there is none is found where it is waited for.
ANSWERED: RequirementId = "reply.answered"


class Inconclusive(Exception):  # noqa: N818 - an outcome, as in the verdict file
    """A check could not be made: the reason, and what its user can do about it. Never the target's fault.

    `waiting_until` is the date (ISO 8601, UTC) before which nothing can be done: nothing is wrong.
    """

    def __init__(self, reason: str, hint: str = "", waiting_until: str = "") -> None:
        super().__init__(reason if not hint else f"{reason}\n{hint}")
        self.reason = reason
        self.hint = hint
        self.waiting_until = waiting_until


class Lost(Inconclusive):
    """A request that changes something got no reply: whether it was carried out, only the key's state can tell.

    It is never sent again: carried out twice, it would be refused, and that refusal would be held against the target.
    """


class Unanswered(Lost):
    """A request gets no reply, again and again while others are served: that is on record as a failure.

    A check that has nothing to do with it may go on: `Lost` says what is left open.
    """


class Nonconformity(AssertionError):  # noqa: N818 - an outcome, as in the verdict file
    """A check found at least one failed judgement."""


class Stop(Exception):  # noqa: N818 - not an error: the failure is already on record
    """The scenario cannot go on, because what it builds on has just been judged failed."""


# Of the exchanges that show that a requirement holds, this many are kept for each check.
_MOST_CITED = 3


@dataclass
class Passes:
    """How often a requirement held in a check, how often of these on a productive exchange, and the first of them.

    An exchange is productive if the check had, before, read a key in a state that the requirement speaks of
    (`reached` in `requirements.yaml`); where it speaks of none, every exchange is.
    """

    count: int = 0
    productive: int = 0
    exchanges: list[int] = field(default_factory=list)


@dataclass
class Judge:
    """Collects the judgements of one check; requirements that do not apply to the target are not recorded.

    `clean` takes secrets out of what is said of a failure: a target may have echoed them. `latest` gives the number of
    the exchange before now: what a judgement rests on that names none. `take` gives the findings of the check's
    requests since its last call, without secrets; they are recorded before anything else is recorded or read here, so
    the order of all judgements is that of the exchanges. `observed` are, by requirement, those of several accepted
    answers that came, and `refusals` what the profile calls the set of them.
    """

    catalogue: Catalogue
    applicable: frozenset[str]
    declared: frozenset[str] = frozenset()
    latest: Callable[[], int] = int
    clean: Callable[[str], str] = str
    take: Callable[[], Iterable[Finding]] = tuple
    observed: dict[str, set[str]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    _failures: list[Judgement] = field(default_factory=list)
    _passes: dict[str, Passes] = field(default_factory=dict)
    _missing_replies: dict[str, int] = field(default_factory=dict)
    _witnessed: set[str] = field(default_factory=set)

    @property
    def failures(self) -> list[Judgement]:
        """The failed judgements, each deviation once."""
        self._catch_up()
        return self._failures

    @property
    def passes(self) -> dict[str, Passes]:
        """How often each requirement held, by its id."""
        self._catch_up()
        return self._passes

    @property
    def missing_replies(self) -> dict[str, int]:
        """How many requests got no reply and accuse nobody, by what became of them."""
        self._catch_up()
        return self._missing_replies

    def record(self, findings: Iterable[Finding]) -> None:
        """Take findings made elsewhere; secrets are taken out of failures here."""
        self._catch_up()
        for finding in findings:
            if isinstance(finding, Judgement) and not finding.passed:
                self._enter(finding.cleaned(self.clean))
            else:
                self._enter(finding)

    def _catch_up(self) -> None:
        for finding in self.take():
            self._enter(finding)

    def _enter(self, finding: Finding) -> None:
        if isinstance(finding, StateRead):
            self._witnessed.add(finding.state)
        elif isinstance(finding, NoReply):
            self._missing_replies[finding.text] = self._missing_replies.get(finding.text, 0) + 1
        elif finding.requirement not in self.applicable:
            return
        elif finding.passed:
            self._pass(finding)
        elif not self._known(finding):
            self._failures.append(finding)

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
        passed: bool,  # noqa: FBT001 - reads as a sentence: judge.that("…", state == ENABLED, …)
        expected: object,
        received: object,
        exchanges: tuple[int, ...] = (),
        hint: str = "",
    ) -> bool:
        """Judge one requirement; returns whether it holds."""
        self.record([Judgement(requirement, passed, str(expected), str(received), exchanges, hint)])
        return passed

    def holds(self, requirement: RequirementId) -> None:
        """Record that one requirement holds."""
        self.record([Judgement(requirement, passed=True)])

    def observe(self, requirement: RequirementId, answer: str, refusal: str) -> None:
        """Take note which of several accepted answers came.

        `answer` is a short text, such as `400 KMS.0309`; `refusal` names the set of them in the profile.
        """
        if requirement in self.applicable:
            self.observed.setdefault(requirement, set()).add(answer)
            self.refusals[requirement] = refusal

    def recalls(self, requirement: RequirementId) -> None:
        """Record that one requirement held in an earlier run, by the ledger: no exchange of this run shows it."""
        if requirement in self.applicable:
            passes = self.passes.setdefault(requirement, Passes())
            passes.count += 1
            passes.productive += 1

    def breaks(
        self, requirement: RequirementId, expected: object, received: object, exchanges: tuple[int, ...] = ()
    ) -> None:
        """Record that one requirement does not hold."""
        self.record(
            [Judgement(requirement, passed=False, expected=str(expected), received=str(received), exchanges=exchanges)]
        )

    def _known(self, judgement: Judgement) -> bool:
        """The same deviation in the same check, met again in another exchange, is shown once."""
        return any(
            known.requirement == judgement.requirement and known.expected == judgement.expected
            for known in self._failures
        )

    @property
    def broken(self) -> bool:
        """Whether an obligation has failed that others rest on.

        After a recommendation that is not followed, all else means what it did, and so it does after a request without
        a reply: of such a one nothing was concluded.
        """
        return any(
            self.catalogue[failure.requirement].level == "MUST"
            for failure in self.failures
            if failure.requirement != ANSWERED
        )

    @property
    def judged(self) -> frozenset[str]:
        """The ids of all requirements that this check has judged."""
        return frozenset(self.passes) | {failure.requirement for failure in self.failures}

    @property
    def unjudged(self) -> frozenset[str]:
        """The requirements that the check names, that apply, and that it has not judged."""
        return (self.declared & self.applicable) - self.judged

    @property
    def open(self) -> frozenset[str]:
        """What the check leaves open if it stops now: all that it names and that has not failed."""
        return (self.declared & self.applicable) - {failure.requirement for failure in self.failures}
