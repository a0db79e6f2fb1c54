"""Faults that show only in one way of naming a key, in one form of a request, or to one kind of caller."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from urllib.parse import unquote

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, with_
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.faults.forms import in_vain
from kms_conformance.apps.selftest.reply_mutations import saying, status, where
from kms_conformance.apps.selftest.request_mutations import (
    Picked,
    accepting_when,
    admitting_in,
    changing_though_refused_when,
    named_by,
    named_in,
    reading_ids,
    refusing_when,
)
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.emulator import Inbound, State

_fault = partial(Fault, severity="critical")
_ALIAS, _ARN = named_by("alias/"), named_by("arn:", "acs:")
_SOME_DESTINATION = named_by("alias/", "arn:", field="DestinationKeyId")
_BY_ALIAS_OR_URN = named_by("alias/", "kms:", field="key_id")


def _alias_arn(inbound: Inbound) -> bool:
    name = str(inbound.parameters.get("KeyId", ""))
    return name.startswith("arn:") and ":alias/" in name


def _by_get(inbound: Inbound) -> bool:
    return inbound.method == "GET"


def _served(
    name: str,
    operations: str,
    state: State,
    picked: Picked,
    dialects: tuple[str, ...] = (AWS,),
    what: str = "name",
    profile: str = "documents",
) -> Fault:
    """Operations that are carried out on a disabled or pending key if the request is one of those picked."""
    kind = "pending" if state is PENDING else "disabled"
    return _fault(
        name=name,
        title=f"On a {kind} key, {operations.replace(' ', ', ').replace('_', ' ')}: served for one {what}.",
        fault_class="pending" if state is PENDING else "states",
        dialects=dialects,
        families=("every_name",),
        requirements=frozenset({as_id(f"{kind}.every-{what}")}),
        decisions=(accepting_when(picked, operations, state),),
        profile=profile,
    )


_USES = "encrypt generate_data_key generate_data_key_without_plaintext"
_BY_OTHER_NAMES = (
    _served("pending-use-by-alias", f"{_USES} re_encrypt", PENDING, _ALIAS, (ALIBABA, AWS)),
    _served("pending-encrypt-by-arn", "encrypt", PENDING, _ARN, (ALIBABA, AWS)),
    _served("pending-data-key-by-alias-arn", "generate_data_key_without_plaintext", PENDING, _alias_arn),
    _served("pending-re-encrypt-to-by-name", "re_encrypt", PENDING, _SOME_DESTINATION),
    _served("pending-re-encrypt-with-source", "re_encrypt", PENDING, named_in("SourceKeyId")),
    _served("pending-decrypt-with-key-id", "decrypt", PENDING, named_in("KeyId")),
    _served("pending-enable-by-arn", "enable", PENDING, _ARN),
    _served("pending-disable-by-arn", "disable", PENDING, _ARN),
    _served("pending-enable-by-alias", "enable", PENDING, _ALIAS),
    _served("pending-tag-by-arn", "tag", PENDING, _ARN),
    _served("pending-alias-by-arn", "set_alias", PENDING, named_by("arn:", field="TargetKeyId")),
    _served("pending-use-by-alias-or-urn", _USES, PENDING, _BY_ALIAS_OR_URN, (HUAWEI,), profile="otc"),
    _served("disabled-use-by-alias", _USES, DISABLED, _ALIAS, (ALIBABA, AWS)),
    _served("disabled-use-by-alias-or-urn", _USES, DISABLED, _BY_ALIAS_OR_URN, (HUAWEI,), profile="otc"),
    _served("disabled-decrypt-with-key-id", "decrypt", DISABLED, named_in("KeyId")),
    _served("disabled-rotation-by-arn", "enable_rotation", DISABLED, _ARN),
    _served("disabled-grant-by-arn", "create_grant", DISABLED, _ARN),
    _served("pending-encrypt-by-get", "encrypt", PENDING, _by_get, (ALIBABA,), "form"),
    _served("pending-enable-by-form", "enable", PENDING, lambda i: bool(i.body), (ALIBABA,), "form"),
    _served(
        "disabled-decrypt-in-xml",
        "decrypt",
        DISABLED,
        lambda i: str(i.parameters.get("Format")).upper() == "XML",
        (ALIBABA,),
        "form",
    ),
)


def _closed(name: str, operation: str, picked: Picked, refusal: str, state: State, kind: str) -> Fault:
    return _fault(
        name=name,
        title=f"{operation.replace('_', ' ').capitalize()} is refused for one name of a key, and served for its id.",
        severity="major",
        fault_class="states",
        dialects=(AWS,),
        families=("every_name",),
        requirements=frozenset({as_id(f"{kind}.every-name")}),
        decisions=(refusing_when(picked, operation, refusal, state),),
    )


_OTHER_NAMES_REFUSED = (
    *(
        _fault(
            name=f"disabled-{operation.replace('_', '-')}-by-arn-in-vain",
            title=f"On a disabled key, {operation.replace('_', ' ')} succeeds without an effect if it names the ARN.",
            severity="major",
            fault_class="states",
            dialects=(AWS,),
            families=("every_name",),
            requirements=frozenset({"disabled.every-name"}),
            decisions=(in_vain(operation, _ARN, DISABLED),),
        )
        for operation in ("update_description", "tag")
    ),
    _closed("encrypt-refuses-alias-arns", "encrypt", _alias_arn, "unknown_key", ENABLED, "enabled"),
    _closed("list-tags-refuses-arns", "list_tags", _ARN, "unknown_key", ENABLED, "enabled"),
    _closed("pending-describe-refuses-aliases", "describe", _ALIAS, "unknown_key", PENDING, "pending"),
    _closed("disabled-policy-refuses-arns", "get_policy", _ARN, "unknown_key", DISABLED, "disabled"),
    _fault(
        name="cancel-by-arn-refused-but-enables",
        title="Cancelling on a disabled key is refused, but enables the key if the request names it by its ARN.",
        fault_class="states",
        dialects=(AWS,),
        families=("every_name",),
        requirements=frozenset({"disabled.every-name"}),
        decisions=(changing_though_refused_when(_ARN, "not_pending", with_(state=ENABLED)),),
    ),
    _fault(
        name="cancel-by-get-refused-but-schedules",
        title="Cancelling on a key that is not pending is refused, but schedules the key if the request is a GET.",
        fault_class="states",
        dialects=(ALIBABA,),
        families=("every_name",),
        requirements=frozenset({"enabled.every-form", "disabled.every-form"}),
        decisions=(changing_though_refused_when(_by_get, "not_pending", with_(state=PENDING)),),
    ),
    *(
        _fault(
            name=f"{case}-ignored",
            title="A key that is named beside a ciphertext need not be that of the ciphertext.",
            severity="major",
            fault_class="states",
            dialects=(AWS,),
            families=("every_name",),
            requirements=frozenset({as_id(case)}),
            filters=(
                where(
                    partial(
                        lambda operation, i, o: i.operation == operation and o.refusal == "incorrect_key", operation
                    ),
                    saying(lambda _: {}),
                    status(200),
                ),
            ),
        )
        for case, operation in (("decrypt.key-id", "decrypt"), ("re-encrypt.source-key-id", "re_encrypt"))
    ),
)


def _near(
    name: str, title: str, meant: Callable[[str, Collection[str]], str], operations: Collection[str] = ()
) -> Fault:
    return _fault(
        name=f"near-miss-{name}",
        title=title,
        fault_class="unknown keys",
        families=("near_misses",),
        requirements=frozenset({as_id("key-id.exact")}),
        decisions=(reading_ids(meant, operations),),
    )


def _beginning(name: str, ids: Collection[str]) -> str:
    return next((known for known in ids if len(name) > 8 and known.startswith(name)), name)


def _containing(name: str, ids: Collection[str]) -> str:
    return next((known for known in ids if name.startswith(known)), name)


def _nearest(name: str, ids: Collection[str]) -> str:
    near = (known for known in ids if len(known) == len(name) and known[:-1] == name[:-1])
    return next(near, name)


_NEAR_MISSES = (
    _near("case-everywhere", "Ids are compared without regard to case.", lambda name, _: name.lower()),
    _near("case-schedule", "Scheduling ignores the case of ids.", lambda name, _: name.lower(), {"schedule"}),
    _near("case-use", "Encrypting ignores the case of ids.", lambda name, _: name.lower(), {"encrypt"}),
    _near("cut-cancel", "Cancelling takes the beginning of an id.", _beginning, {"cancel"}),
    _near("cut-enable", "Enabling takes the beginning of an id.", _beginning, {"enable"}),
    _near("tail-disable", "Disabling ignores what follows an id.", _containing, {"disable"}),
    _near(
        "tail-description", "Changing a description ignores what follows an id.", _containing, {"update_description"}
    ),
    _near("blanks-data-key", "Making data keys ignores blanks.", lambda name, _: name.strip(), {"generate_data_key"}),
    _near("blanks-alias", "Giving an alias ignores blanks around an id.", lambda name, _: name.strip(), {"set_alias"}),
    _near("one-off-disable", "Disabling does not compare the last character.", _nearest, {"disable"}),
    _near("encoded-schedule", "Scheduling decodes ids once more.", lambda name, _: unquote(name), {"schedule"}),
    _near("encoded-describe", "Describing decodes ids once more.", lambda name, _: unquote(name), {"describe"}),
    _fault(
        name="near-miss-empty-disable",
        title="Disabling with an empty id is answered with success.",
        severity="major",
        fault_class="unknown keys",
        dialects=(ALIBABA, AWS),
        families=("near_misses",),
        requirements=frozenset({as_id("key-id.exact")}),
        filters=(
            where(
                lambda i, o: i.operation == "disable" and o.refusal is not None and i.parameters.get("KeyId") == "",
                saying(lambda _: {"RequestId": "0d0466b0-e727-4d9c-b35d-f84bb474a37f"}),
                status(200),
            ),
        ),
    ),
    _fault(
        name="near-miss-of-a-name-fails",
        title="A blank before the name of a key causes an internal error when it is enabled.",
        severity="major",
        fault_class="unknown keys",
        dialects=(AWS,),
        families=("near_misses",),
        requirements=frozenset({as_id("key-id.exact"), as_id("reply.no-server-error")}),
        filters=(
            where(
                lambda i, _: i.operation == "enable" and str(i.parameters.get("KeyId", "")).startswith(" "),
                saying(lambda _: {"__type": "KMSInternalException", "message": "failed"}),
                status(500),
            ),
        ),
    ),
)


def _let_in(operation: str, problem: str, case: str, dialects: tuple[str, ...], auth: str | None = None) -> Fault:
    return _fault(
        name=f"{operation.replace('_', '-')}-open-to-{problem.replace('_', '-')}",
        title=f"{operation.replace('_', ' ').capitalize()} is served though the credentials have the fault: {case}.",
        fault_class="authentication",
        dialects=dialects,
        families=("authentication",),
        requirements=frozenset({as_id(f"auth.{case}")}),
        decisions=(admitting_in(operation, problem),),
        auth=auth,
    )


_CALLERS = (
    *(
        _let_in(operation, "no_credentials", "missing", ALL)
        for operation in ("describe", "cancel", "decrypt", "create")
    ),
    _let_in("list", "no_credentials", "missing", ALL),
    _let_in("enable", "bad_token", "garbage", (HUAWEI,)),
    _let_in("quotas", "wrong_project", "other-project", (HUAWEI,)),
    _let_in("set_alias", "wrong_signature", "wrong-secret", (ALIBABA, AWS)),
    _let_in("generate_data_key", "wrong_signature", "wrong-secret", (HUAWEI,), "aksk"),
    _let_in("disable", "stale_signature", "stale", (ALIBABA, AWS)),
    _let_in("tag", "unknown_access_key", "unknown-access-key", (ALIBABA, AWS)),
    _let_in("put_policy", "wrong_signature", "tampered", (AWS,)),
    _let_in("create_grant", "incomplete_signature", "incomplete", (AWS,)),
    _let_in("re_encrypt", "other_region", "other-region", (AWS,)),
)

FAULTS = (*_BY_OTHER_NAMES, *_OTHER_NAMES_REFUSED, *_NEAR_MISSES, *_CALLERS)
