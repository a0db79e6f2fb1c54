"""How far a run moves the clock of a target that offers `time_control`, known before its first request."""

from __future__ import annotations

from datetime import timedelta

from kms_conformance.catalogue.profile import Profile
from kms_conformance.core.tier import EFFORTS, Tier

# A target may round a deletion date up to the next day.
_ROUNDING = timedelta(days=1)
# Longer than all margins before and after a deletion date, and than the time that the requests between them take.
_MARGINS = timedelta(hours=1)


def usual_window(profile: Profile) -> int:
    """The window in days for checks that do not test windows: one day more than the minimum, within the bounds."""
    return min(profile.window.minimum + 1, profile.window.maximum)


def reach_of_run(profile: Profile, tier: Tier) -> timedelta:
    """The longest time by which a run at this tier moves the clock: one waiting period, and the walks of the model."""
    return _one_end(profile, usual_window(profile)) + timedelta(days=EFFORTS[tier].clock_days)


def reach_of_clients(profile: Profile, clients: int) -> timedelta:
    """The longest time by which a run through so many clients of vendors moves the clock: one waiting period each."""
    return clients * _one_end(profile, profile.window.minimum)


def _one_end(profile: Profile, days: int) -> timedelta:
    """From the scheduling of a key to the time at which it must be gone."""
    gone_within = timedelta(seconds=profile.deletion.gone_within_seconds)
    return timedelta(days=days) + _ROUNDING + gone_within + _MARGINS
