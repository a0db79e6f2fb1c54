"""The fifth blind set of variants: conforming behaviours of all dialects.

Written before anything of it was run against the suite. `title` ends with where the behaviour is known from.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kms_conformance.apps.selftest.behaviour_mutations import dating
from kms_conformance.apps.selftest.blind.fifth.account import (
    appearing,
    as_key,
    colleague,
    created,
    ending_in,
    holding,
    put_off,
    toggled,
)
from kms_conformance.apps.selftest.blind.fifth.wire import ascii_only, dated, headed, reencoded, variant
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.apps.selftest.reply_mutations import every, on, on_all
from kms_conformance.emulator import Key, Outbound

_USERS = "accounts in which several people work"
_DATES = "clocks of servers, whose difference the documents bound to minutes"


def _closing(reply: Outbound) -> Outbound:
    return replace(reply, close=True)


def _slow(reply: Outbound) -> Outbound:
    return replace(reply, delay_seconds=0.4)


def _far(reply: Outbound) -> Outbound:
    return replace(reply, delay_seconds=0.012)


def _described_anew(key: Key) -> Key:
    """The next revision in the description, and a tag that says so."""
    revision = str(int(dict(key.tags).get("revision", "0")) + 1)
    tags = tuple({**dict(key.tags), "revision": revision}.items())
    return replace(key, description=f"Ledger, revision {revision}.", tags=tags)


def _renamed(key: Key) -> Key:
    """Another alias in place of the first one."""
    first, *others = key.aliases
    new = first.removesuffix("-moved") if first.endswith("-moved") else f"{first}-moved"
    return replace(key, aliases=(new, *others))


GENERAL_VARIANTS = (
    variant(
        "colleague-toggles",
        "Another user disables and enables a key of his every three seconds.",
        _USERS,
        does=(colleague(3, toggled),),
    ),
    variant(
        "colleague-schedules",
        "Another user schedules the deletion of two keys of his and cancels it, a request every four seconds.",
        _USERS,
        does=(colleague(4, put_off, put_off),),
    ),
    variant(
        "colleague-describes",
        "Another user changes the description, the tags and the alias of his keys, a request every two seconds.",
        _USERS,
        does=(colleague(2, _described_anew, _renamed),),
    ),
    variant(
        "colleague-keys-end",
        "The waiting periods of two keys of another user end five and fifteen seconds after the run has begun.",
        _USERS,
        does=(holding(ending_in(5), ending_in(15)),),
        foreign_keys=5,
    ),
    variant(
        "colleague-creates",
        "Another user creates a key every four seconds, twelve of them.",
        _USERS,
        of=(ALIBABA, AWS),
        does=(appearing(3, 4),),
        foreign_keys=15,
    ),
    variant(
        "texts-of-many-languages",
        "Keys of other users have descriptions in many scripts, long ones, and ones with line ends and markup.",
        "ordinary accounts, and a recorded list with descriptions in Chinese",
        does=(
            holding(
                as_key(description="用于加密云硬盘的密钥。", created=created(2016)),
                as_key(description="Schlüssel für »Löhne«\n\t— Straße 7 😀", created=created(2014)),
                as_key(description="<b>مفتاح</b> & \"quoted\" \\ 'single' \u2028 end"),
                as_key(description="x" * 255),
                as_key(description=""),
            ),
        ),
        foreign_keys=6,
    ),
    variant(
        "escaped-json",
        "JSON has no blanks, and escapes slashes and letters beyond ASCII.",
        "RFC 8259, and encoders for Java and PHP that write so",
        on_all(reencoded(ascii_only)),
    ),
    variant(
        "cookies-of-a-firewall",
        "A firewall in front sets two cookies with every reply.",
        "headers of firewalls of the vendors, RFC 6265",
        on_all(
            headed(
                ("Set-Cookie", "HWWAFSESID=5d1a7f3c0b9e; path=/"),
                ("Set-Cookie", "HWWAFSESTIME=1764550000123; path=/; HttpOnly"),
            )
        ),
    ),
    variant(
        "fifty-replies-a-connection",
        "Every fiftieth reply announces that its connection ends.",
        "the limit of requests per connection of common proxies, RFC 9112",
        every(50, on_all(_closing)),
    ),
    variant(
        "slow-create",
        "Creating a key takes 0.4 seconds.",
        "reports of users about services with hardware modules",
        on("create", _slow),
    ),
    variant("far-away", "Every reply takes twelve milliseconds.", "networks", on_all(_far)),
    variant(
        "clocks-of-two-hosts",
        "The header `Date` is 45 seconds ahead, and deletion dates are computed 20 seconds behind.",
        _DATES,
        on_all(dated(45)),
        does=(dating(lambda now, days: now + timedelta(days=days, seconds=-20)),),
    ),
    variant(
        "date-header-behind",
        "The header `Date` is 90 seconds behind, as that of a proxy without a time server.",
        "proxies, which set this header; no page binds it to the clock of the service",
        on_all(dated(-90)),
    ),
    variant(
        "one-error-in-250",
        "One request in 250 is answered with an internal error, and has no effect.",
        "the vendors' pages on errors that are to be tried again",
        does=(refusing_each("internal_error", 250),),
    ),
    variant(
        "forty-other-keys",
        "The account has forty keys of other users.",
        "ordinary accounts, and the sizes of pages in the vendors' pages",
        of=(ALIBABA, AWS),
        foreign_keys=40,
    ),
    variant("empty-account", "The account has no keys of other users.", "new accounts", foreign_keys=0),
)
