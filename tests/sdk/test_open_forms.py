"""Requests of clients in a form that the documents leave open: refused, they are nobody's fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sdk_runs import ALL, installed, only_steps, run, step, verdicts

from kms_conformance.apps.sdk.open_forms import OpenForms
from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.answer import Answer
from kms_conformance.dialects import adapter
from kms_conformance.dialects.base import ErrorView
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.report.schemas import validate
from kms_conformance.wire.messages import Reply, Request

NUMBERS = {"schedule": "pending_days", "generate_data_key": "datakey_length"}


def error(outbound: Outbound, code: str, status: int = 400) -> Outbound:
    return replace(outbound.with_value({"error": {"error_code": code, "error_msg": "refused"}}), status=status)


def text_only(code: str) -> list:
    """Filters of an endpoint that takes no JSON numbers."""

    def refuse(inbound: Inbound, outbound: Outbound) -> Outbound:
        name = NUMBERS.get(inbound.operation or "", "")
        return error(outbound, code) if isinstance(inbound.parameters.get(name), int) else outbound

    return [refuse]


def test_a_target_that_takes_no_number_is_not_accused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("otcextensions")
    titles = ("generate a data key", "window below the shortest", "schedule its deletion", "schedule an unknown key")
    only_steps(monkeypatch, *titles)
    with Emulator("huawei", filters=text_only("KMS.0308")) as emulator:
        report = run(emulator, "token", "otcextensions", tmp_path)
    assert report.result == "passed"
    assert verdicts(report) == dict.fromkeys(titles, "open")
    found = step(report, "schedule its deletion")
    assert found.erratum == "E-H-window-type"
    assert "pending_days as JSON type integer" in found.reason
    assert step(report, "generate a data key").erratum == "E-H-number-fields"
    kept = {exchange["number"] for exchange in report.exchanges}
    assert found.exchanges
    assert kept.issuperset(found.exchanges)
    validate(report.to_json(), "sdk", "sdk.json")
    errata = {erratum.id for erratum in Catalogue.load("huawei").errata}
    assert {each.erratum for client in report.clients for each in client.steps} - {""} <= errata


def test_a_code_that_does_not_describe_the_form_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("otcextensions")
    only_steps(monkeypatch, "schedule its deletion")
    with Emulator("huawei", filters=text_only("KMS.0207")) as emulator:
        report = run(emulator, "token", "otcextensions", tmp_path)
    assert (report.result, step(report, "schedule its deletion").verdict) == ("failed", "target")


def test_a_refused_charset_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed("huaweicloudsdkkms")
    only_steps(monkeypatch, "describe a new key")

    def plain(inbound: Inbound, outbound: Outbound) -> Outbound:
        odd = "charset" in (inbound.header("Content-Type") or "")
        return error(outbound, "KMS.0214") if odd and inbound.operation == "describe" else outbound

    with Emulator("huawei", filters=[plain]) as emulator:
        report = run(emulator, "aksk", "huaweicloudsdkkms", tmp_path)
    # The same form was served before, when the key was created: so the form does not explain the refusal.
    assert step(report, "describe a new key").verdict == "target"


@pytest.mark.parametrize(("dialect", "way", "client"), ALL, ids=[f"{row[2]} {row[1] or ''}" for row in ALL])
def test_no_open_form_is_needed_on_the_emulator(
    dialect: str, way: str | None, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(client)
    only_steps(monkeypatch, "schedule it again", "window below the shortest")
    with Emulator(dialect) as emulator:
        report = run(emulator, way, client, tmp_path)
    assert "open" not in verdicts(report).values()


def answer(request: Request, operation: str, dialect: str, refusal: str | None) -> Answer:
    """The answer to a request: the first accepted answer of a refusal, or success."""
    profile = Profile.load(dialect)
    first = None if refusal is None else profile.refusal(refusal).answers[0]
    return Answer(
        operation=Api.of(dialect, "documents")[operation],
        request=request,
        reply=Reply(200 if first is None else first.status, "", (), b"", 0.0),
        spec=None,
        value={},
        problems=(),
        error=None if first is None else ErrorView(first.code, None),
        number=1,
        sent_at=None,  # type: ignore[arg-type]
        documented=(),
    )


@pytest.mark.parametrize(
    ("dialect", "operation", "body", "refusal", "told"),
    [
        ("huawei", "schedule", b'{"key_id": "k", "pending_days": 7}', "window_other_type", "pending_days"),
        ("huawei", "list", b'{"limit": 100}', "field_other_type", "limit"),
        ("huawei", "schedule", b'{"key_id": "k", "pending_days": "7", "region": "r"}', "unknown_field", "region"),
        ("huawei", "schedule", b'{"key_id": "k", "pending_days": "7"}', "unknown_field", None),
        ("huawei", "schedule", b'{"key_id": "k", "pending_days": "7"}', "window_out_of_range", None),
        ("aws", "schedule", b'{"KeyId": "k", "PendingWindowInDays": "7"}', "window_other_type", "PendingWindowInDays"),
        ("aws", "schedule", b'{"KeyId": "k", "PendingWindowInDays": 7}', "window_other_type", None),
    ],
)
def test_forms_are_found_by_the_documented_request(
    dialect: str, operation: str, body: bytes, refusal: str, told: str | None
) -> None:
    profile = Profile.load(dialect)
    ours = adapter(profile, "http://127.0.0.1", "p")
    forms = OpenForms(ours, profile)
    request = replace(ours.request(operation, {}), body=body)
    form = forms.explain(answer(request, operation, dialect, refusal))
    assert (form is not None and told is not None and told in form.tells) or (form is None and told is None)
    # A form that the target has served explains no later refusal.
    forms.note(answer(request, operation, dialect, None))
    assert forms.explain(answer(request, operation, dialect, refusal)) is None


def test_a_charset_is_an_open_form() -> None:
    profile = Profile.load("huawei")
    ours = adapter(profile, "http://127.0.0.1", "p")
    plain = ours.request("describe", {"key_id": "k"})
    odd = replace(plain, headers=(("Content-Type", "application/json;charset=UTF-8"),))
    forms = OpenForms(ours, profile)
    assert forms.explain(answer(plain, "describe", "huawei", "no_content_type")) is None
    found = forms.explain(answer(odd, "describe", "huawei", "no_content_type"))
    assert found is not None
    assert found.erratum == "E-H-content-type"


def test_common_parameters_of_a_query_are_documented() -> None:
    profile = Profile.load("alibaba")
    ours = adapter(profile, "http://127.0.0.1", "")
    plain = ours.request("describe", {"key_id": "k"})
    signed = replace(plain, url=f"{plain.url}&Signature=s&SignatureNonce=n&AccessKeyId=i&Timestamp=t")
    odd = replace(plain, url=f"{plain.url}&RegionId=r")
    forms = OpenForms(ours, profile)
    assert forms.explain(answer(signed, "describe", "alibaba", "unknown_field")) is None
    found = forms.explain(answer(odd, "describe", "alibaba", "unknown_field"))
    assert found is not None
    assert "RegionId" in found.tells
