"""Whether two values of a report say the same, as far as what was hidden in them lets that be told."""

from __future__ import annotations

from itertools import zip_longest

_MARK = "[redacted:"
# The id of an access key that was made up, as long as one that is hidden.
_MADE_UP = "x-acs-accesskey-id"


def alike(claimed: object, follows: object) -> bool:
    """Whether two JSON values are the same; texts of which one has something hidden may differ in words.

    What a text quotes is cut before it is hidden or after it, by what was secret: only the run itself knew that.
    """
    if isinstance(claimed, str) and isinstance(follows, str):
        return claimed == follows or _MARK in claimed or _MARK in follows
    if isinstance(claimed, dict) and isinstance(follows, dict):
        return claimed.keys() == follows.keys() and all(alike(claimed[name], follows[name]) for name in claimed)
    if isinstance(claimed, (list, tuple)) and isinstance(follows, (list, tuple)):
        if [*claimed[:1], *follows[:1]] == [_MADE_UP, _MADE_UP]:
            return True
        return all(alike(one, other) for one, other in zip_longest(claimed, follows, fillvalue=...))
    return claimed == follows
