"""What `doctor` says before anything is created: what is wrong is named, with what to do, and nothing is changed."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from doors import refusing

from kms_conformance.apps.selftest.deviation import ALL
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.preflight.doctor import Finding, diagnose
from kms_conformance.target import Target, parse_target

AUTHORITY = Path(__file__).parent.parent / "wire" / "loopback.pem"


def target_of(emulator: Emulator, way: str | None = None, **changes: Any) -> Target:
    """The emulator's target file with some keys changed; None leaves one out."""
    merged = {key: value for key, value in (emulator.target(way) | changes).items() if value is not None}
    return parse_target(json.dumps(merged), "t.yaml")


def findings(target: Target, tmp_path: Path) -> dict[str, Finding]:
    return {finding.topic: finding for finding in diagnose(target, Ledger.of(target, tmp_path))}


def bad(found: dict[str, Finding]) -> dict[str, Finding]:
    return {topic: finding for topic, finding in found.items() if finding.level == "bad"}


@pytest.mark.parametrize("dialect", ALL)
def test_a_good_target_has_nothing_wrong_and_is_left_as_it_was(dialect: str, tmp_path: Path) -> None:
    with Emulator(dialect) as emulator:
        before = emulator.store.keys
        found = findings(target_of(emulator), tmp_path)
        assert emulator.store.keys == before
        assert emulator.requests_served < 12
    assert bad(found) == {}
    assert {"endpoint", "clock", "signed in", "quota", "a run creates", "a run sends", "a run costs"} <= found.keys()
    assert "plain HTTP" in found["endpoint"].text
    assert found["a run creates"].text.startswith("at most 2 keys at smoke, 6 keys at standard, 6 keys at nightly")
    assert "until 20" in found["what remains"].text
    assert found["a run costs"].text == "not known: see the vendor's price page"
    assert list(tmp_path.iterdir()) == []


def test_the_account_is_told_where_replies_tell_it(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        assert findings(target_of(emulator), tmp_path)["signed in"].text.endswith("region cn-hangzhou")
    with Emulator("huawei") as emulator:
        text = findings(target_of(emulator, "password"), tmp_path)["signed in"].text
    assert "for the project e1a0000000000000000000000000e1a0; the API does not show the account" in text


def test_the_price_is_the_published_one_and_else_not_known(tmp_path: Path) -> None:
    with Emulator("alibaba", profile="alibaba-cloud") as emulator:
        text = findings(target_of(emulator), tmp_path)["a run costs"].text
    assert text.startswith(
        "at most 0.012 USD: 6 keys for a day at 0.002 each (Key Management Service: Billing of KMS 1.0"
    )
    with Emulator("huawei", profile="huawei-cloud") as emulator:
        text = findings(target_of(emulator), tmp_path)["a run costs"].text
    assert text.startswith("not known: see the price page (DEW: Billing Items")


def test_a_token_of_another_region_is_told(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        auth = {"token": "EXAMPLE-TOKEN-OF-ANOTHER-PROJECT", "project_id": emulator.target()["auth"]["project_id"]}
        found = bad(findings(target_of(emulator, auth=auth), tmp_path))["signed in"]
    assert "not for this project or this region" in found.text
    assert "the region in base_url must match" in found.next


def test_a_region_that_there_is_not_is_told(tmp_path: Path) -> None:
    with Emulator("alibaba") as emulator:
        target = target_of(emulator, base_url="https://kms.no-such-region.invalid")
    found = bad(findings(target, tmp_path))["endpoint"]
    assert found.text == "the host name kms.no-such-region.invalid is not known"
    assert "Is the region in base_url right" in found.next


def test_an_expired_token_is_told(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        auth = {"token": "EXAMPLE-TOKEN-THAT-HAS-EXPIRED", "project_id": emulator.target()["auth"]["project_id"]}
        found = bad(findings(target_of(emulator, auth=auth), tmp_path))["signed in"]
    assert "403 KMS.0303. The token has expired." in found.text
    assert "Get a new one" in found.next


def dated(hours: float) -> Any:
    def date(_: Inbound, outbound: Outbound) -> Outbound:
        return outbound.with_header("Date", format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True))

    return date


@pytest.mark.parametrize(("hours", "where"), [(1, "behind"), (-1, "ahead of")])
def test_a_wrong_clock_is_told_with_what_it_breaks(hours: float, where: str, tmp_path: Path) -> None:
    with Emulator("alibaba", filters=(dated(hours),)) as emulator:
        found = bad(findings(target_of(emulator, time_control=None), tmp_path))["clock"]
    # HTTP dates are whole seconds, and the exchange takes time.
    assert re.search(rf"differ by (3599|360[0-2]) s \(this one is {where} it\)", found.text), found.text
    assert "deletion dates, which may be 120 s off and signatures, which may be 900 s old" in found.text
    assert "NTP" in found.next


def test_a_clock_breaks_nothing_that_does_not_use_it(tmp_path: Path) -> None:
    with Emulator("huawei", filters=(dated(1),)) as emulator:
        found = findings(target_of(emulator), tmp_path)["clock"]
    assert (found.level, "breaks" in found.text) == ("ok", False)


def test_a_signature_refused_for_its_time_is_laid_to_the_clock(tmp_path: Path) -> None:
    door = refusing("stale_signature", lambda _: True)
    with Emulator("huawei", filters=(dated(1),), decisions=door) as emulator:
        found = bad(findings(target_of(emulator, "aksk"), tmp_path))
    assert "The time of our signature is too far from the endpoint's." in found["signed in"].text
    assert "signatures" in found["clock"].text


def test_a_run_with_a_wrong_clock_accuses_nobody() -> None:
    @contextlib.contextmanager
    def prepared() -> Iterator[str]:
        with Emulator("huawei", filters=(dated(1),)) as emulator:
            yield json.dumps({k: v for k, v in emulator.target().items() if k != "time_control"})

    outcome = run_suite(prepared, arguments=("-k", "entry or window"))
    assert (outcome.exit_code, outcome.failed) == (3, frozenset())
    assert any("clock" in entry["reason"] for entry in outcome.verdict["requirements"])


@pytest.mark.parametrize(
    ("dialect", "keys", "told"), [("huawei", 20, "the endpoint says"), ("alibaba", 200, "counted")]
)
def test_an_exhausted_quota_is_told(dialect: str, keys: int, told: str, tmp_path: Path) -> None:
    with Emulator(dialect, foreign_keys=keys) as emulator:
        found = bad(findings(target_of(emulator), tmp_path))["quota"]
    assert found.text.startswith(f"{keys} of {keys} keys used, 0 left ({told}")
    assert "The quota is exhausted: even a smoke run creates 2" in found.text
    assert "raised" in found.next


def test_an_account_that_owes_money_is_told(tmp_path: Path) -> None:
    with Emulator("alibaba", filters=(on("account_status", field("AccountStatus", lambda _: "InDebt")),)) as emulator:
        found = bad(findings(target_of(emulator), tmp_path))["account"]
    assert "InDebt" in found.text


def test_a_user_who_may_not_is_told(tmp_path: Path) -> None:
    door = refusing("not_permitted", lambda _: True)
    with Emulator("alibaba", decisions=door) as emulator:
        found = bad(findings(target_of(emulator), tmp_path))["signed in"]
    assert "The user may not do this." in found.text
    assert "Grant permission" in found.next


class _Silent(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def tls_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Silent)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(AUTHORITY)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_tls_and_its_certificate_are_told(tls_url: str, tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        target = target_of(emulator, base_url=tls_url, time_control=None, verify=str(AUTHORITY))
    found = findings(target, tmp_path)["endpoint"]
    assert "TLSv1." in found.text
    assert "certificate good for" in found.text


def test_a_certificate_that_nobody_vouches_for_is_told(tls_url: str, tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        target = target_of(emulator, base_url=tls_url, time_control=None)
    found = bad(findings(target, tmp_path))["endpoint"]
    assert found.text.startswith("its certificate is not trusted: self")
    assert "`verify`" in found.next


def test_a_front_that_answers_for_the_service_is_told_with_the_next_step(tmp_path: Path) -> None:
    def redirect(inbound: Inbound, outbound: Outbound) -> Outbound:
        where = f"https://{inbound.header('host')}{inbound.target}"
        return replace(outbound, status=301, body=b"").with_header("Location", where)

    with Emulator("huawei", filters=(redirect,)) as emulator:
        found = bad(findings(target_of(emulator), tmp_path))
    assert found.keys() == {"service"}
    assert found["service"].text.startswith("not reached: it redirects to https://127.0.0.1:")
    assert found["service"].next.startswith("Write https://127.0.0.1:")
