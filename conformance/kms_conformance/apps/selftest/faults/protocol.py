"""Faults of the protocol: documented requests are refused, undocumented ones mishandled, or reply formats wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, answering, changing_though_refused, with_
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, body, header, on_refusal, saying, status, where
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.emulator import Decisions, Inbound, Outbound, Rules

_fault = partial(Fault, fault_class="protocol", severity="major", families=("protocol",))
_OTHER_ID = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"


class _OneMethod(Decisions):
    """Only the HTTP method POST is served."""

    def method_allowed(self, inbound: Inbound, documented: object) -> bool:
        return inbound.method == "POST"


class _AnyMethod(Decisions):
    """Every HTTP method is served."""

    def method_allowed(self, inbound: Inbound, documented: object) -> bool:
        return True


class _OtherRoot(Decisions):
    """XML documents have an undocumented root element."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(replace(rules, xml_success_root="Result", xml_error_root="Result"))


def _asks_xml(inbound: Inbound, _: Outbound) -> bool:
    return str(inbound.parameters.get("Format", "")).upper() == "XML"


def _asks_nothing(inbound: Inbound, _: Outbound) -> bool:
    return inbound.operation is not None and "Format" not in inbound.parameters


def _is_form(inbound: Inbound, outbound: Outbound) -> bool:
    return "form" in (inbound.header("Content-Type") or "") and outbound.refusal is None


def _as_json(reply: Outbound) -> Outbound:
    changed = replace(reply, body=json.dumps(reply.value).encode())
    return changed.with_header("Content-Type", "application/json;charset=utf-8")


def _as_xml(reply: Outbound) -> Outbound:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in reply.value.items())
    changed = replace(reply, body=f"<?xml version='1.0' encoding='UTF-8'?><KMS>{inner}</KMS>".encode())
    return changed.with_header("Content-Type", "application/xml;charset=utf-8")


def _alibaba_error(number: int, code: str) -> Rewrite:
    error = {"HttpStatus": number, "Code": code, "Message": "refused"}
    return lambda reply: replace(reply, status=number).with_value({**error, "RequestId": reply.value["RequestId"]})


def _huawei_success(reply: Outbound) -> Outbound:
    return replace(reply, status=200).with_value({"key_id": _OTHER_ID, "key_state": "4"})


def _accepted(dialect: str, case: str, refusal: str, title: str, *, exit_code: int) -> Fault:
    rewrite: Rewrite = _huawei_success
    if dialect == ALIBABA:
        rewrite = lambda reply: replace(reply, status=200).with_value({"RequestId": reply.value["RequestId"]})  # noqa: E731
    return _fault(
        name=f"{case}-accepted",
        title=title,
        dialects=(dialect,),
        requirements=frozenset({as_id(f"protocol.{case}")}),
        filters=(on_refusal(refusal, rewrite),),
        exit_code=1 if exit_code else 0,
    )


class _PlainJsonOnly(Decisions):
    """A body is read only if it is declared as application/json without a charset."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        declared = inbound.header("Content-Type") or ""
        return "invalid_json" if "charset" in declared else super().token_problem(found, inbound)


class _UntypedIgnored(Decisions):
    """A POST without Content-Type has no effect; the filter of the fault answers it like a success."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        ignored = inbound.method == "POST" and inbound.header("Content-Type") is None
        return "no_content_type" if ignored else super().token_problem(found, inbound)


def _huawei_cancelled(reply: Outbound) -> Outbound:
    return replace(reply, status=200).with_value({"key_id": _OTHER_ID, "key_state": "3"})


FAULTS = (
    _fault(
        name="charset-refused",
        title="A body that is declared with a charset is refused.",
        dialects=(HUAWEI,),
        severity="major",
        requirements=frozenset({"protocol.charset"}),
        decisions=(_PlainJsonOnly,),
        exit_code=0,
    ),
    _fault(
        name="untyped-cancel-does-nothing",
        title="A cancellation without Content-Type is answered with success, and the key stays pending.",
        dialects=(HUAWEI,),
        requirements=frozenset({"cancel.request.no-content-type"}),
        families=("cancel",),
        decisions=(_UntypedIgnored,),
        filters=(on_refusal("no_content_type", _huawei_cancelled),),
        exit_code=0,
    ),
    _fault(
        name="get-refused",
        title="GET requests are refused.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protocol.get"}),
        decisions=(_OneMethod,),
    ),
    _fault(
        name="form-refused",
        title="Requests with a form body are refused.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protocol.form"}),
        filters=(where(_is_form, _alibaba_error(400, "MissingParameter")),),
        exit_code=0,
    ),
    _fault(
        name="xml-ignored",
        title="With Format=XML, replies are JSON.",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.reply.xml", "reply.content-type"}),
        families=("protocol", "replies"),
        filters=(where(_asks_xml, _as_json),),
    ),
    _fault(
        name="xml-only-declared",
        title="With Format=XML, replies are JSON with the media type of XML.",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.reply.xml", "reply.encoding"}),
        families=("protocol", "replies"),
        filters=(where(_asks_xml, _as_json, header("Content-Type", "application/xml")),),
    ),
    _fault(
        name="xml-declared-as-json",
        title="With Format=XML, replies are XML with the media type of JSON.",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.reply.xml", "reply.content-type"}),
        families=("protocol", "replies"),
        filters=(where(_asks_xml, header("Content-Type", "application/json")),),
    ),
    _fault(
        name="xml-by-default",
        title="Without Format, replies are XML.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protocol.json-default", "reply.content-type"}),
        filters=(where(_asks_nothing, _as_xml),),
    ),
    _fault(
        name="xml-malformed",
        title="XML replies lack their last tag.",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.reply.xml", "reply.encoding"}),
        families=("protocol", "replies"),
        filters=(where(_asks_xml, body(lambda data: data[: data.rindex(b"</")])),),
    ),
    _fault(
        name="xml-with-doctype",
        title="XML replies have a document type.",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.reply.xml", "reply.encoding"}),
        families=("protocol", "replies"),
        filters=(where(_asks_xml, body(lambda data: data.replace(b"?>", b"?><!DOCTYPE KMS>", 1))),),
    ),
    _fault(
        name="xml-other-root",
        title="XML replies have an undocumented root element.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"schedule.reply.xml", "reply.encoding"}),
        families=("protocol", "replies"),
        decisions=(_OtherRoot,),
    ),
    _fault(
        name="xml-error-as-success",
        title="With Format=XML, an error has the status 200.",
        dialects=(ALIBABA,),
        why_more="What has the status 200 counts as carried out, whatever operation or credential is tried in XML.",
        requirements=frozenset({"protocol.xml-error"}),
        filters=(where(lambda i, o: _asks_xml(i, o) and o.refusal is not None, status(200)),),
    ),
    _fault(
        name="any-method-served",
        title="Every HTTP method is accepted.",
        dialects=BOTH,
        requirements=frozenset({"protocol.wrong-method"}),
        decisions=(_AnyMethod,),
        exit_code=0,
    ),
    _fault(
        name="wrong-method-refused-but-done",
        title="A PUT request is refused, but carried out.",
        severity="critical",
        dialects=(ALIBABA,),
        requirements=frozenset({"protocol.wrong-method"}),
        decisions=(changing_though_refused({"wrong_method"}, with_(state=PENDING)),),
        exit_code=0,
    ),
    _fault(
        name="wrong-method-fails",
        title="An unsupported method causes an internal error.",
        dialects=(HUAWEI,),
        requirements=frozenset({"reply.no-server-error"}),
        decisions=(answering(500, "KMS.0105", "wrong_method"),),
    ),
    _accepted(HUAWEI, "unknown-path", "unknown_path", "Unknown operations are answered with success.", exit_code=0),
    _accepted(
        HUAWEI, "malformed-json", "invalid_json", "A body that is not JSON is answered with success.", exit_code=1
    ),
    _accepted(HUAWEI, "empty-body", "empty_body", "An empty body is answered with success.", exit_code=1),
    _accepted(ALIBABA, "unknown-action", "unknown_action", "Unknown actions are answered with success.", exit_code=1),
    _accepted(
        ALIBABA,
        "missing-action",
        "missing_action",
        "A request without an action is answered with success.",
        exit_code=1,
    ),
    _accepted(
        ALIBABA, "unknown-version", "unknown_version", "Unknown versions are answered with success.", exit_code=0
    ),
    _fault(
        name="malformed-json-fails",
        title="A body that is not JSON causes an internal error.",
        dialects=(HUAWEI,),
        requirements=frozenset({"protocol.malformed-json", "reply.no-server-error"}),
        decisions=(answering(500, "KMS.0105", "invalid_json"),),
    ),
    _fault(
        name="empty-body-fails",
        title="An empty body causes an internal error.",
        dialects=(HUAWEI,),
        requirements=frozenset({"protocol.empty-body", "reply.no-server-error"}),
        decisions=(answering(500, "KMS.0105", "empty_body"),),
    ),
    _fault(
        name="unknown-action-fails",
        title="An unknown action causes an internal error.",
        dialects=(ALIBABA,),
        requirements=frozenset({"protocol.unknown-action", "reply.no-server-error"}),
        decisions=(answering(500, "InternalFailure", "unknown_action"),),
    ),
    _fault(
        name="unknown-action-wrong-code",
        title="An unknown action is refused with the code for an unknown key.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"protocol.unknown-action"}),
        decisions=(answering(404, "Forbidden.KeyNotFound", "unknown_action"),),
    ),
    _fault(
        name="unknown-field-half-done",
        title="A request with an undocumented field is refused, but carried out.",
        dialects=(HUAWEI,),
        requirements=frozenset({"protocol.unknown-field"}),
        filters=(
            where(
                lambda i, o: "no_such_field" in i.parameters and o.refusal is None,
                saying(lambda _: {"error": {"error_code": "KMS.0308", "error_msg": "no such field"}}),
                status(400),
            ),
        ),
        exit_code=0,
    ),
    *(
        _fault(
            name=f"{case}-fails",
            title=f"A bad request causes an internal error: {case}.",
            dialects=(AWS,),
            requirements=frozenset({as_id(f"protocol.{case}"), "reply.no-server-error"}),
            decisions=(answering(500, "KMSInternalException", refusal),),
        )
        for case, refusal in (
            ("malformed-json", "invalid_json"),
            ("empty-body", "empty_body"),
            ("unknown-action", "unknown_action"),
        )
    ),
    _fault(
        name="malformed-json-accepted",
        title="A body that is not JSON is answered with success.",
        dialects=(AWS,),
        requirements=frozenset({"protocol.malformed-json"}),
        filters=(on_refusal("invalid_json", saying(lambda _: {}), status(200)),),
        why_more="An empty object also breaks the schema of each success reply.",
    ),
)
