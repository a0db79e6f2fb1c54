"""The fifth blind set of variants: clouds that differ in many ways at once, as real ones do.

Written before anything of it was run against the suite. Each part is a variant of its own, with its source.
"""

from __future__ import annotations

from datetime import timedelta

from kms_conformance.apps.selftest.behaviour_mutations import answering, dating
from kms_conformance.apps.selftest.blind.fifth.account import (
    appearing,
    as_key,
    colleague,
    created,
    ending_in,
    holding,
    put_off,
    toggled,
    with_states,
)
from kms_conformance.apps.selftest.blind.fifth.alibaba_variants import (
    NewerIds,
    gateway_error,
    gateway_head,
    in_instance,
    newer_ids,
    of_service,
)
from kms_conformance.apps.selftest.blind.fifth.aws_account import (
    KINDS,
    AliasesWithoutTarget,
    PrimaryKeys,
    described_alias,
    of_its_kind,
    rotating,
)
from kms_conformance.apps.selftest.blind.fifth.aws_variants import (
    CreatedInBetween,
    naming_material,
    recorded_head,
    with_material,
)
from kms_conformance.apps.selftest.blind.fifth.huawei_variants import (
    GATEWAY_HEADERS,
    AesListed,
    Timed,
    as_recorded,
    default_key,
    in_chunks,
)
from kms_conformance.apps.selftest.blind.fifth.service import new_keys_unknown, rated
from kms_conformance.apps.selftest.blind.fifth.wire import headed, in_object, variant
from kms_conformance.apps.selftest.blind.third.general_variants import refusing_each
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.lag import steady
from kms_conformance.apps.selftest.reply_mutations import on, on_all, on_errors, saying

_PARTS = "the sources of its parts, which are variants of this set"

COMBINED_VARIANTS = (
    variant(
        "huawei-as-recorded",
        "As recorded: heads, details, default keys and lists of AES_256; a second of lag, and two users.",
        _PARTS,
        on("describe", in_object("key_info", as_recorded)),
        on("list", in_object("key_details", as_recorded)),
        on_all(headed(*GATEWAY_HEADERS), in_chunks),
        of=(HUAWEI,),
        does=(
            *(Timed, AesListed, steady(1, ("list",))),
            colleague(5, toggled),
            holding(
                as_key(description="", created=created(2021)),
                default_key("evs/default", "用于加密云硬盘的默认密钥。"),
                as_key(spec="EC_P384", usage="SIGN_VERIFY"),
                as_key(spec="RSA_2048", usage="SIGN_VERIFY"),
                ending_in(12),
            ),
        ),
        foreign_keys=8,
        profile="huawei-cloud",
    ),
    variant(
        "alibaba-as-reported",
        "As reported: heads and errors of the gateway, newer ids, keys in an instance, rates, and two users.",
        _PARTS,
        on("describe create", in_object("KeyMetadata", in_instance)),
        on_all(lambda reply: reply.with_value(newer_ids(reply.value))),
        on_errors(gateway_error),
        on_all(headed(("Connection", "keep-alive"), ("Keep-Alive", "timeout=25")), gateway_head),
        of=(ALIBABA,),
        does=(
            *(NewerIds, new_keys_unknown(0.3), rated(("create", 10), others=200)),
            answering(429, "Rejected.Throttling", "throttled"),
            answering(403, "Forbidden.NoPermission", "default_key"),
            *(colleague(5, put_off), appearing(6, 7)),
            holding(
                as_key(description="", created=created(2020)),
                of_service("alias/acs/oss"),
                as_key(spec="RSA_3072", usage="SIGN/VERIFY"),
            ),
        ),
        foreign_keys=12,
        profile="alibaba-cloud",
    ),
    variant(
        "aws-as-recorded",
        "As recorded: heads, dates, key material, aliases and all kinds of keys; a second of lag, and two users.",
        _PARTS,
        on("describe create", in_object("KeyMetadata", of_its_kind), in_object("KeyMetadata", with_material)),
        on("decrypt generate_data_key generate_data_key_without_plaintext re_encrypt", saying(naming_material)),
        on("list_aliases", in_object("Aliases", described_alias)),
        on("list_grants", in_object("Grants", lambda grant: {**grant, "Name": ""})),
        on("rotation_status", rotating),
        on_all(recorded_head),
        of=(AWS,),
        does=(
            *(AliasesWithoutTarget, PrimaryKeys, CreatedInBetween),
            with_states(unavailable="Unavailable", pending_replica_deletion="PendingReplicaDeletion"),
            dating(lambda now, days: now + timedelta(days=days, milliseconds=467)),
            *(
                steady(1, ("list", "list_aliases", "list_tags")),
                new_keys_unknown(0.3),
                refusing_each("internal_error", 400),
            ),
            *(colleague(5, toggled), holding(*KINDS)),
        ),
        foreign_keys=11,
        profile="aws-kms",
    ),
)
