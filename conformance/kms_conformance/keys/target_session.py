"""The session of a run with one target: the client, the clock, the run's keys, and the keys that existed before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from kms_conformance.auth import SignInFailed
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.answer import Answer
from kms_conformance.client.joint_limits import JointLimits
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.client.time_control import Moment, TimeControl, skew
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import Isolation, find_moving_fields, read_each
from kms_conformance.keys.elapsed import Elapsed
from kms_conformance.keys.pool import Pool, UnscheduledKey
from kms_conformance.target import Target
from kms_conformance.wire.world import World

# At most this many keys of others, the first by id, are read before and after a run, because each read is one request.
_MAX_BYSTANDERS = 200


@dataclass
class TargetSession:
    """The objects of a run that belong to one target and are shared by its checks.

    - `keys`: the largest number of keys that the run may use.
    - `share`: this shard's part of `limits.max_keys`; None for a run without shards.
    - `clock_reach`: the longest time by which the run may move the target's clock; None: any time.
    - `others`: the keys of others as they were read before the run, by id.
    - `others_since`: the moment before the first of them was read; None before that.
    - `isolation`: the comparison of these keys before and after the run; None before its end.
    - `joint`: the limits that this process keeps together with others that test this target; None if it is alone.
    - `checks_started`: the ids of the checks that have started.
    """

    target: Target
    ledger: Ledger
    keys: int
    world: World = field(default_factory=World)
    others: dict[str, KeyView] = field(default_factory=dict)
    isolation: Isolation | None = None
    checks_started: list[str] = field(default_factory=list)
    share: int | None = None
    clock_reach: timedelta | None = None
    joint: JointLimits | None = None
    others_since: Moment | None = None
    _listed: Answer | None = None
    _other_runs_keys: set[str] = field(default_factory=set)
    _refused: Inconclusive | None = None
    _opened: bool = False
    _state_required: bool = False
    _alone: bool = False

    @cached_property
    def client(self) -> Client:
        client = Client(self.target, self.ledger, self.world, self.joint)
        if self.target.clock_moves == "everything":
            # The first signature asks for the time. The time control needs the client's session, so it comes later.
            client.session.endpoint_now = lambda: self.time.now()  # noqa: PLW0108 - `self.time` needs this client
        return client

    @cached_property
    def pool(self) -> Pool:
        return Pool(self.client, self.ledger, self.keys, self.time, self.share)

    @cached_property
    def time(self) -> TimeControl:
        return TimeControl(
            self.client.session,
            self.target.time_control,
            self.client.patience.note_request,
            self.clock_reach,
            moves=self.target.clock_moves,
        )

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue.load(self.target.dialect)

    @cached_property
    def applicable(self) -> frozenset[str]:
        """The ids of all requirements that apply to this target."""
        profile, auth = self.client.profile, self.target.auth
        return frozenset(r.id for r in self.catalogue if r.not_applicable_because(profile, auth.way, auth.like) is None)

    def connect(self) -> None:
        """Sign in and list keys at the first call. If that fails, this and each later call raises `Inconclusive`."""
        if self._refused is not None:
            # Each call raises a new exception: an exception that is raised again keeps all its earlier tracebacks.
            raise Inconclusive(self._refused.reason, self._refused.hint)
        if self._listed is not None:
            return
        try:
            self._sign_in()
        except SignInFailed as error:
            self._refused = Inconclusive(f"{error.what} {error.why}", error.hint)
        except Inconclusive as error:
            self._refused = error
        if self._refused is not None:
            raise Inconclusive(self._refused.reason, self._refused.hint)

    def open(self) -> None:
        """Connect, and read the existing keys at the first call. Raises `Inconclusive` as `connect` does."""
        self.connect()
        if not self._opened:
            self._read_others()
            self._opened = True

    def require_state(self) -> None:
        """Open, and test at the first call that the target keeps the state of a key.

        If it does not, its answers prove nothing, and this and each later call raises `Inconclusive`.
        """
        self.open()
        if self._state_required:
            return
        try:
            key, view = self._usable_key()
            if key in self.pool.new:
                self.time.require_moved(view.created_at)
            if view.id != key:
                raise Inconclusive("The target describes another key than the requested one.")  # noqa: TRY301
            for state in (DISABLED, ENABLED):
                self.pool.bring(key, state)
        except Inconclusive as error:
            self._refused = Inconclusive(
                f"A prerequisite of every check failed: {error.reason}",
                error.hint or "The checks of the family `entry` show the exchanges.",
            )
            raise Inconclusive(self._refused.reason, self._refused.hint) from error
        self._state_required = True

    def _usable_key(self) -> tuple[str, KeyView]:
        """A key of the run that can be used without cancelling its deletion, if there is one or room for one."""
        found = ((key, self.pool.read(key)) for key in tuple(self.pool.keys))
        usable = next((each for each in found if each[1].state != PENDING), None)
        if usable is not None:
            return usable
        key = self.pool.keys[0] if self.pool.keys and self.pool.room <= 0 else self.pool.create()
        return key, self.pool.read(key)

    def end(self, *, hurried: bool = False) -> tuple[UnscheduledKey, ...]:
        """Schedule all keys and close the connections; returns the keys that could not be scheduled, with the reason.

        The keys of others are read again and compared, unless the run was interrupted (`hurried`), or another process
        of this run, which is at work for longer, compares them.
        """
        self.client.stop_findings()
        self.client.session.trace.begin()
        self.client.backoff.renew()
        self.client.signature_lock.renew()
        self.client.patience.renew()
        try:
            left = self.pool.release()
            if self._opened and not hurried and self.attests:
                with suppress(Inconclusive):
                    self.isolation = self._compare_bystanders()
        finally:
            self.close()
        return left

    def share_target(self, *, shared: bool) -> None:
        """Note whether other processes of this run test the target during the next check."""
        if self.joint is not None:
            self.time.held = shared
            self.client.signature_lock.processes = self.joint.of if shared else 1

    def use_alone(self) -> None:
        """Take over the keys of the other processes of this run, at the first call after they have ended."""
        if not self._alone:
            self._alone = True
            pool, limit = self.pool, self.target.limits.max_keys
            pool.of_siblings, pool.share, pool.most = True, limit, min(self.keys, limit)
            with suppress(Inconclusive):
                while pool.reused() is not None:
                    continue

    @property
    def attests(self) -> bool:
        """Whether this process compares the keys of others: of several processes, the first one does."""
        return self.joint is None or self.joint.process == 1

    @property
    def belongings(self) -> Mapping[str, object]:
        """What the run gave to its keys and what was given back, in the form of `verdict.schema.json`."""
        left = ((each.key, each.kind, each.reason) for each in self.pool.give_back.kept)
        return self.client.belongings.to_json(left)

    def close(self) -> None:
        """Close the connections and the ledger, so that another run may hold the keys."""
        self.client.close()
        self.ledger.close()

    def _compare_bystanders(self) -> Isolation:
        after = read_each(self.pool, self.others)
        # The keys of this suite, also the keys of other runs, are left out.
        ours = self.pool.held | {str(record.key) for record in self.ledger.records().values()} | self._other_runs_keys
        before = [key for key in self.pool.preexisting if key not in ours]
        now = [key for key in self.pool.list_keys() if key not in ours]
        assert self.others_since is not None
        tolerance = timedelta(seconds=self.client.profile.deletion.date_tolerance_seconds)
        elapsed = Elapsed(self.time, self.others_since, tolerance, self.pool.moving_fields)
        find_moving_fields(self.pool, elapsed, self.others, after)
        found = Isolation.of(
            self.others,
            after,
            (before, now),
            _MAX_BYSTANDERS,
            elapsed,
            denied=len(self.pool.denied.intersection(before).difference(self.others)),
            moved=self.time.moved,
        )
        return found.cleaned(self.client.exchange_log.redactor.text)

    def _sign_in(self) -> None:
        self.client.sign_in()
        answer = self._listed = self.client.ask("list")
        refused_as = ("no_credentials", "unknown_access_key", "wrong_signature", "stale_signature")
        if answer.status in {401, 403} or any(
            # The profile of a dialect without signatures lacks some of these refusals.
            self.client.profile.admits(name, answer.status, answer.code)
            for name in refused_as
        ):
            raise Inconclusive(
                f"The target refused our credentials: {answer.summary}.", "Check `auth` in the target file."
            )
        self._check_clock(answer)
        owner = self.client.dialect.owner(answer.value)
        account = self.client.dialect.scope if owner is None else owner.account
        if account:
            self.ledger.belongs_to(account, self.client.exchange_log.redactor.text(account))

    def _check_clock(self, answer: Answer) -> None:
        """Raise `Inconclusive` if the clocks of this machine and the target differ too much.

        On a target without time control, dates are judged by the clock of this machine.
        """
        off = skew(answer.reply.header("Date"), answer.sent_at, self.world.clock.now())
        tolerance = self.client.profile.deletion.date_tolerance_seconds
        if off is not None and abs(off) > tolerance / 2 and not self.time.offered:
            raise Inconclusive(
                f"This machine's clock and the target's differ by {abs(off):.0f} s: no date could be judged.",
                "Correct this machine's clock (NTP); if it is right, inform the operator of the endpoint.",
            )

    def _read_others(self) -> None:
        # A target that cannot list or describe keys is not judged here: checks do that.
        with suppress(Inconclusive):
            self.pool.preexisting = frozenset(self.pool.list_keys(first=self._listed))
        # Records of earlier credentials are copied first, so that their keys count as ours below.
        with suppress(Inconclusive):
            self.pool.bring_over()
        known = {record.key for record in self.ledger.records().values()}
        self.others_since = self.time.mark()
        for key in sorted(self.pool.preexisting)[:_MAX_BYSTANDERS]:
            with suppress(Inconclusive):
                view = self.pool.views_before[key] = self.pool.last_read(key)
                # A key of another run of this suite is not compared, because that run may change it now. Its marker may
                # be missing for a while, so the ledger is asked too.
                if key in known or (view.description or "").startswith(MARKER_PREFIX):
                    self._other_runs_keys.add(key)
                else:
                    self.others[key] = view
