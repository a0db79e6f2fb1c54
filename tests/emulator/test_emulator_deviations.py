"""Faults are a few lines: a judgement overridden, or a reply changed on the wire."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests
import yaml
from click.testing import CliRunner
from emulator_clients import Alibaba, Huawei

from kms_conformance.cli.emulator import emulator as emulator_command
from kms_conformance.emulator import Decisions, Emulator, Inbound, Key, Outbound, State, serve
from kms_conformance.emulator.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

UNKNOWN = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"


class CancelAcceptedWhenEnabled(Decisions):
    def refusal_for(self, operation: str, key: Key) -> str | None:
        return None if operation == "cancel" else super().refusal_for(operation, key)


class CancelEnables(Decisions):
    def state_after_cancel(self, key: Key) -> State:
        return State.ENABLED


class RefusedScheduleStillHappens(Decisions):
    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "schedule" and key is not None:
            yield replace(key, state=State.PENDING_DELETION)


class CancelRescuesEverybody(Decisions):
    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        yield after
        if operation == "cancel":
            yield from (replace(key, state=after.state, deletion=None) for key in keys)


class UnknownKeysAreFound(Decisions):
    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        return Key(id=key_id, state=State.ENABLED, created=now, spec="s", usage="u")


class TokensNeverExpire(Decisions):
    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        return None if found == "expired_token" else super().token_problem(found, inbound)


class DeletesADayEarly(Decisions):
    def deletion_date(self, now: datetime, days: int) -> datetime:
        return super().deletion_date(now, days) - timedelta(days=1)


class AcceptsSixDays(Decisions):
    def window_in_range(self, days: int) -> bool:
        return days == 6 or super().window_in_range(days)


def test_an_accepted_cancel() -> None:
    with Emulator("huawei", decisions=CancelAcceptedWhenEnabled) as emulator:
        client = Huawei(emulator)
        assert client.call("cancel-key-deletion", key_id=client.create()).body["key_state"] == "3"
        client.close()


class OtherXmlRoots(Decisions):
    def __init__(self, rules: Rules) -> None:
        super().__init__(replace(rules, xml_success_root="{action}Response", xml_error_root="Error"))


def test_facts_of_the_profile_may_be_changed() -> None:
    with Emulator("alibaba", decisions=OtherXmlRoots) as emulator:
        client = Alibaba(emulator)
        assert b"<DescribeRegionsResponse><Regions>" in client.call("DescribeRegions", Format="XML").body
        assert b"<Error><HttpStatus>404" in client.call("Nothing", Format="XML").body
        client.close()
    with pytest.raises(ValueError, match="for 'alibaba', not for 'huawei'"):
        Emulator("huawei", decisions=OtherXmlRoots(Rules.of("alibaba")))


def test_faults_compose() -> None:
    both = type("Both", (CancelAcceptedWhenEnabled, CancelEnables), {})
    with Emulator("huawei", decisions=both) as emulator:
        client = Huawei(emulator)
        assert client.call("cancel-key-deletion", key_id=client.create()).body["key_state"] == "2"
        client.close()


@pytest.mark.parametrize(("token", "days"), [("nonsense", "7"), (None, "7"), ("EXAMPLE-TOKEN-OF-THE-EMULATOR", "6")])
def test_a_refusal_with_effects(token: str | None, days: str) -> None:
    with Emulator("huawei", decisions=RefusedScheduleStillHappens) as emulator:
        client = Huawei(emulator)
        key_id = client.create()
        assert client.call("schedule-key-deletion", key_id=key_id, pending_days=days, token=token).status >= 400
        assert client.state(key_id) == "4"
        client.close()


def test_effects_on_other_keys() -> None:
    with Emulator("huawei", decisions=CancelRescuesEverybody) as emulator:
        client = Huawei(emulator)
        ids = [client.create(), client.create()]
        for key_id in ids:
            client.call("schedule-key-deletion", key_id=key_id, pending_days="7")
        client.call("cancel-key-deletion", key_id=ids[0])
        assert client.state(ids[1]) == "3"
        client.close()


def test_an_invented_key_does_not_come_to_be() -> None:
    with Emulator("huawei", decisions=UnknownKeysAreFound) as emulator:
        client = Huawei(emulator)
        said = client.call("schedule-key-deletion", key_id=UNKNOWN, pending_days="7")
        assert said.body == {"key_id": UNKNOWN, "key_state": "4"}
        assert UNKNOWN not in client.call("list-keys").body["keys"]
        client.close()


def test_an_expired_token_that_is_let_in() -> None:
    with Emulator("huawei", decisions=TokensNeverExpire) as emulator:
        client = Huawei(emulator)
        assert client.call("list-keys", token=emulator.target()["auth"]["expired_token"]).status == 200
        assert client.call("list-keys", token="nonsense").status == 403
        client.close()


def test_an_early_deletion_and_a_short_window() -> None:
    both = type("Both", (DeletesADayEarly, AcceptsSixDays), {})
    with Emulator("alibaba", decisions=both) as emulator:
        client = Alibaba(emulator)
        key_id = client.create()
        assert client.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=6).status == 200
        client.advance(5 * 86400)
        assert client.call("DescribeKey", KeyId=key_id).status == 404
        client.close()


def say_enabled(inbound: Inbound, outbound: Outbound) -> Outbound:
    if inbound.operation != "cancel" or outbound.refusal:
        return outbound
    return outbound.with_value({**outbound.value, "key_state": "2"})


def same_request_id(_: Inbound, outbound: Outbound) -> Outbound:
    return outbound.with_header("X-Request-Id", "0" * 32)


def test_filters_apply_in_order_and_know_the_request() -> None:
    seen: list[tuple[int, str | None, str | None]] = []

    def watch(inbound: Inbound, outbound: Outbound) -> Outbound:
        seen.append((inbound.number, inbound.operation, outbound.refusal))
        return outbound

    with Emulator("huawei", filters=(say_enabled, same_request_id, watch)) as emulator:
        client = Huawei(emulator)
        key_id = client.create()
        client.call("schedule-key-deletion", key_id=key_id, pending_days="7")
        said = client.call("cancel-key-deletion", key_id=key_id)
        assert said.body == {"key_id": key_id, "key_state": "2"}
        assert said.headers["x-request-id"] == "0" * 32
        assert client.state(key_id) == "3"
        client.call("cancel-key-deletion", key_id=key_id)
        client.close()
    assert [number for number, _, _ in seen] == [1, 2, 3, 4, 5]
    assert [operation for _, operation, _ in seen] == ["create", "schedule", "cancel", "describe", "cancel"]
    assert [refusal for _, _, refusal in seen] == [None, None, None, None, "not_pending"]


def test_xml_is_written_anew() -> None:
    def no_request_id(_: Inbound, outbound: Outbound) -> Outbound:
        return outbound.with_value({name: value for name, value in outbound.value.items() if name != "RequestId"})

    with Emulator("alibaba", filters=[no_request_id]) as emulator:
        client = Alibaba(emulator)
        assert client.call("DescribeAccountKmsStatus", Format="XML").body.endswith(
            b"<KMS><AccountStatus>Enabled</AccountStatus></KMS>"
        )
        client.close()


def test_replies_that_are_chunked_cut_late_or_last() -> None:
    switches: dict[str, object] = {}

    def switch(_: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, **switches)

    with Emulator("huawei", filters=[switch]) as emulator:

        def read() -> bytes:
            return requests.get(emulator.base_url, timeout=5).content

        whole = read()
        switches["chunked"] = True
        assert read() == whole
        switches.update(chunked=False, cut_after=10)
        with pytest.raises(requests.RequestException):
            read()
        switches.update(cut_after=None, close=True, delay_seconds=0.2)
        started = time.monotonic()
        assert read() == whole
        assert time.monotonic() - started > 0.2


def test_a_bug_in_a_filter_is_told_and_kept() -> None:
    def broken(_: Inbound, outbound: Outbound) -> Outbound:
        return outbound.with_value(object())

    with Emulator("huawei", filters=[broken]) as emulator:
        client = Huawei(emulator)
        assert client.send("GET", "/").status == 500
        client.close()
        assert [type(failure) for failure in emulator.failures] == [TypeError]


@pytest.mark.parametrize(("dialect", "kind"), [("huawei", kind) for kind in (None, "token", "password", "aksk")])
def test_target_huawei(dialect: str, kind: str | None) -> None:
    with Emulator(dialect) as emulator:
        target = emulator.target(kind)
        assert yaml.safe_load(emulator.target_yaml(kind)) == target
        assert list(target) == ["name", "dialect", "base_url", "auth", "time_control", "disposable"]
        assert target["time_control"] == f"{emulator.base_url}/_control/clock"


@pytest.mark.parametrize("kind", [None, "v3", "v1", "sts"])
def test_target_alibaba(kind: str | None) -> None:
    with Emulator("alibaba", profile="alibaba-cloud") as emulator:
        target = emulator.target(kind)
        assert target["profile"] == "alibaba-cloud"
        assert "EXAMPLE" in target["auth"]["access_key_id"]


def test_an_unknown_way_to_sign_in_is_told() -> None:
    for dialect in ("huawei", "alibaba"):
        with Emulator(dialect) as emulator, pytest.raises(ValueError, match="there are: "):
            emulator.target("magic")


def test_foreign_keys() -> None:
    with Emulator("alibaba", foreign_keys=0) as emulator:
        assert emulator.store.keys == ()
    with Emulator("huawei", foreign_keys=4) as emulator:
        keys = [key for key in emulator.store.keys if not key.default]
        assert [key.state.value for key in keys] == ["enabled", "disabled", "pending_deletion", "enabled"]
        assert keys[2].window_days == 20


def test_others_are_not_served_by_accident() -> None:
    for host in ("192.0.2.1", "example.com", "::"):
        with pytest.raises(ValueError, match="credentials are public"):
            serve("huawei", write=print, host=host)


def test_serve_until_terminated() -> None:
    code = (
        "import sys; from kms_conformance.emulator import serve; serve('alibaba', write=lambda t: print(t, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "\n")
    target = yaml.safe_load("".join(lines))
    assert requests.post(target["time_control"], json={"advance_seconds": 0}, timeout=5).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    process.stdout.close()


def test_one_fault_is_served_for_debugging() -> None:
    command = [sys.executable, "-m", "kms_conformance", "emulator", "--dialect", "huawei"]
    served = [*command, "--fault", "cancel-does-nothing"]
    process = subprocess.Popen(served, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    target = yaml.safe_load("".join(iter(process.stdout.readline, "\n")))
    at = f"{target['base_url']}/v1.0/{target['auth']['project_id']}/kms"

    def asked(operation: str, **body: object) -> requests.Response:
        return requests.post(
            f"{at}/{operation}", json=body, headers={"X-Auth-Token": target["auth"]["token"]}, timeout=5
        )

    key = asked("create-key", key_alias="debugged").json()["key_info"]["key_id"]
    assert asked("schedule-key-deletion", key_id=key, pending_days="7").status_code == 200
    assert asked("cancel-key-deletion", key_id=key).status_code == 200
    assert asked("describe-key", key_id=key).json()["key_info"]["key_state"] == "4"
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "cancel-does-nothin"], "Did you mean `cancel-does-nothing"),
        (["--fault", "cancel-does-nothing", "--profile", "otc"], "--profile cannot be combined with --fault"),
    ],
)
def test_fault_that_cannot_be_served(arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(emulator_command, ["--dialect", "huawei", *arguments])
    assert ended.exit_code == 2
    assert said in ended.output


def test_the_port_and_thread_are_given_back() -> None:
    before = threading.active_count()
    with Emulator("huawei") as emulator:
        port = int(emulator.base_url.rpartition(":")[2])
    with Emulator("huawei", port=port) as emulator:
        assert emulator.base_url.endswith(f":{port}")
    assert threading.active_count() <= before + 1
