"""Recording of a run, and playback of the recording."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.apps.certificate.differences import comparable, equal_unless_redacted
from kms_conformance.auth import PasswordAuth, SigV4Auth, TokenAuth
from kms_conformance.core.runtime import SYSTEM, Chance
from kms_conformance.recording.draws import PlayedDraws
from kms_conformance.recording.environment import missing_to_draw, missing_to_judge, partial_because
from kms_conformance.recording.player import PlaybackDiverged, Player, Recording, RecordingError
from kms_conformance.recording.recorder import recorded_world
from kms_conformance.recording.storage import emptied_folder
from kms_conformance.recording.target_snapshot import target_from_snapshot, target_snapshot
from kms_conformance.report.recorded import keep_recordings
from kms_conformance.target import Target
from kms_conformance.wire.messages import Exchange, Failure, Reply, Request

TOKEN = "gAAAAABlmnopqrstuvwxyz0123456789"
TARGET = Target(
    "t",
    "huawei",
    "https://kms.example.com",
    TokenAuth(TOKEN, "p" * 32),
    secrets=frozenset({TOKEN}),
    labels={TOKEN: "KMS_TOKEN"},
)
URL = "https://kms.example.com/v1.0/p/kms/describe-key"


def request(body: bytes = b'{"key_id": "k"}', **headers: str) -> Request:
    return Request("POST", URL, (("X-Auth-Token", TOKEN), *headers.items()), body)


def reply(body: bytes = b"{}", status: int = 200) -> Reply:
    return Reply(status, "OK", (("X-Request-Id", "1"),), body, 0.001234)


def recorded(path: Path, *exchanges: tuple[Request, Reply | None]) -> Path:
    """A recording of these exchanges, each named by its position."""
    world, recording = recorded_world(path, TARGET, "chance")
    for number, (asked, came) in enumerate(exchanges, 1):
        world.clock.monotonic()
        failure = None if came else Failure("timeout", f"no whole reply in time, {TOKEN}")
        exchange = Exchange(asked, came, failure, world.clock.now())
        recording.saw(exchange)
        recording.named(exchange, number, "describe-key")
    world.clock.monotonic()
    recording.close()
    return path


def player(path: Path) -> Player:
    return Player(
        Recording.read(path.read_bytes()), target_from_snapshot(json.loads(json.dumps(target_snapshot(TARGET))))
    )


def play(played: Player, asked: Request, number: int) -> tuple[Reply | None, Failure | None]:
    played.monotonic()
    started = played.now()
    came = played.carry(asked, repeatable=True)
    exchange = Exchange(asked, *came, started)
    played.saw(exchange)
    played.named(exchange, number, "describe-key")
    return came


def test_what_was_recorded_is_played_at_its_time_and_without_secrets(tmp_path: Path) -> None:
    path = recorded(tmp_path / "t.gz", (request(), reply(b'{"a": "\xff"}')), (request(), None))
    assert path.stat().st_mode & 0o777 == 0o600
    assert TOKEN.encode() not in gzip.decompress(path.read_bytes())
    played = player(path)
    stand_in = Request("POST", URL, (("X-Auth-Token", "any other token that is long"),), b'{"key_id": "k"}')
    assert play(played, stand_in, 1) == (reply(b'{"a": "\xff"}'), None)
    assert play(played, stand_in, 2) == (None, Failure("timeout", "no whole reply in time, [redacted:KMS_TOKEN]"))
    played.monotonic()
    played.ended()
    assert played.problem == ""


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request(b'{"key_id": "other"}'), "with the body"),
        (request(Extra="1"), "with the header Extra"),
        (Request("GET", URL, request().headers), "the suite would send GET"),
        (Request("POST", URL + "?a=1", request().headers, request().body), "describe-key?a=1"),
    ],
)
def test_what_was_not_recorded_is_not_answered(asked: Request, words: str, tmp_path: Path) -> None:
    played = player(recorded(tmp_path / "t.gz", (request(), reply())))
    with pytest.raises(PlaybackDiverged, match="at exchange 1, "):
        play(played, asked, 1)
    assert words in played.problem
    for again in (lambda: play(played, request(), 1), played.now, played.monotonic):
        with pytest.raises(PlaybackDiverged):
            again()


def test_less_and_more_than_was_recorded_is_told(tmp_path: Path) -> None:
    path = recorded(tmp_path / "t.gz", (request(), reply()), (request(), reply()))
    played = player(path)
    play(played, request(), 1)
    played.ended()
    assert "the suite ends after 1 requests; 1 more are recorded" in played.problem
    played = player(path)
    play(played, request(), 1)
    play(played, request(), 2)
    with pytest.raises(PlaybackDiverged, match="nothing more is recorded"):
        play(played, request(), 3)


def test_readings_of_the_clock_belong_to_the_recording(tmp_path: Path) -> None:
    path = recorded(tmp_path / "t.gz", (request(), reply()))
    played = player(path)
    played.now()
    with pytest.raises(PlaybackDiverged, match="reads the clock more or less often"):
        play(played, request(), 1)
    played = player(path)
    play(played, request(), 1)
    played.ended()
    assert "reads the clock more or less often" in played.problem
    played = player(path)
    play(played, request(), 1)
    played.monotonic()
    for _ in range(100):
        played.monotonic()
    with pytest.raises(PlaybackDiverged):
        played.monotonic()


def test_another_name_for_an_exchange_is_told(tmp_path: Path) -> None:
    played = player(recorded(tmp_path / "t.gz", (request(), reply())))
    play(played, request(), 7)
    assert "the suite calls it number 7" in played.problem


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[:-1], "without its last line"),
        (lambda lines: [lines[-1], *lines], "before its last line"),
        (lambda lines: lines[1:], "counts 2 exchanges, and there are 1"),
        (lambda lines: ["[]", *lines], "its line 1 is not an exchange"),
        (lambda lines: ["{", *lines], "its line 1 cannot be read"),
        (lambda _: [], "without its last line"),
        (lambda lines: ['{"drawn": "x", "value": 1}', *lines], "drawn values stand before an exchange"),
        (
            lambda lines: [*lines[:-1], '{"drawn": "x", "value": 1}', lines[-1]],
            "counts 0 drawn values, and there are 1",
        ),
    ],
)
def test_a_tape_that_is_not_whole_is_not_read(change: Any, words: str, tmp_path: Path) -> None:
    path = recorded(tmp_path / "t.gz", (request(), reply()), (request(), reply()))
    lines = change(gzip.decompress(path.read_bytes()).decode().splitlines())
    with pytest.raises(RecordingError, match=words):
        Recording.read(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


def test_what_comes_together_is_written_before_it_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kms_conformance.recording.recorder._MOST_EXCHANGES", 2)
    path = recorded(tmp_path / "t.gz", *[(request(), reply()) for _ in range(5)])
    assert [line["number"] for line in Recording.read(path.read_bytes()).exchanges] == [1, 2, 3, 4, 5]


# --- generated values -------------------------------------------------------------------------------------------------


def drawn(path: Path, *values: tuple[str, object]) -> Recording:
    world, recording = recorded_world(path, TARGET, "chance")
    for of, value in values:
        world.draws.drew(of, value)
    recording.close()
    return Recording.read(path.read_bytes())


VALUES = (("walks", None), ("requests", {"a": [1]}), ("walks", [0, "cancel", 3]))


def test_what_was_drawn_is_given_back_by_its_purpose(tmp_path: Path) -> None:
    recording = drawn(tmp_path / "t.gz", *VALUES)
    assert (len(recording.exchanges), recording.drawn and len(recording.drawn)) == (0, 3)
    draws = PlayedDraws(recording.drawn or (), again=False)
    assert draws.recorded("walks") == [None, [0, "cancel", 3]]
    assert draws.recorded("requests") == [{"a": [1]}]
    assert draws.recorded("others") == []
    draws.ended()
    assert draws.problem == ""


def test_what_is_drawn_again_must_be_the_same_and_all_of_it(tmp_path: Path) -> None:
    lines = drawn(tmp_path / "t.gz", *VALUES).drawn or ()
    for values, problem in (
        (VALUES, ""),
        (VALUES[:2], "more values are recorded for the walks than the suite draws."),
        ((*VALUES, ("walks", None)), "the values drawn for the walks are not those of this seed."),
        ((("walks", None), ("requests", {"a": (2,)})), "the values drawn for the requests are not those of this seed."),
    ):
        draws = PlayedDraws(lines, again=True)
        assert draws.recorded("walks") is None
        for of, value in values:
            draws.drew(of, value)
        draws.ended()
        assert draws.problem == problem


def test_what_a_reply_gave_is_drawn_without_its_secrets(tmp_path: Path) -> None:
    """Chains put values of replies into generated requests: plaintexts as placeholders, tokens as marks."""
    key = bytes(range(32)).hex()
    world, recording = recorded_world(tmp_path / "t.gz", TARGET, "chance")
    recording.saw(Exchange(request(), reply(json.dumps({"plain_text": key}).encode()), None, world.clock.now()))
    world.draws.drew("chains", {"body": json.dumps({"cipher_text": f"{key} {TOKEN}"})})
    recording.close()
    recording = Recording.read((tmp_path / "t.gz").read_bytes())
    [line] = recording.drawn or ()
    other = json.loads(recording.exchanges[0]["reply"]["body"])["plain_text"]
    assert json.loads(line["value"]["body"]) == {"cipher_text": f"{other} [redacted:KMS_TOKEN]"}


# --- randomness, targets, environment ---------------------------------------------------------------------------------


def test_chance_is_repeated_by_its_seed_alone() -> None:
    def drawn(chance: Chance) -> list[str]:
        return [chance.hex(6), chance.uuid(), chance.fork().other("ABC"), chance.nonce()]

    assert drawn(Chance.of("1")) == drawn(Chance.of("1")) != drawn(Chance.of("2"))
    assert drawn(SYSTEM) != drawn(SYSTEM)
    one, other = Chance.of("1"), Chance.of("1")
    one.fork().other("A" * 50)
    other.fork()
    assert one.hex(6) == other.hex(6)


@pytest.mark.parametrize(
    "auth",
    [
        TokenAuth("abc", "project"),
        PasswordAuth("user", "s3cretpassword", "domain", "project", "https://iam.example.com"),
        SigV4Auth("AKIA0123456789", "s3cretpassword", "us-east-1"),
    ],
)
def test_a_target_is_put_up_again_as_it_was_but_for_its_secrets(auth: Any) -> None:
    secrets = {"abc", "s3cretpassword", "AKIA0123456789", "tenant-path"}
    labels = {secret: f"NAME_{at}" for at, secret in enumerate(sorted(secrets))}
    target = Target("t", "aws", "https://h/tenant-path", auth, secrets=frozenset(secrets), labels=labels)
    description = json.loads(json.dumps(target_snapshot(target)))
    assert [secret for secret in secrets if secret in json.dumps(description)] == []
    again = target_from_snapshot(description)
    assert json.loads(json.dumps(target_snapshot(again))) == description
    assert again.auth.way == auth.way
    assert again.shown_url == target.shown_url


def test_a_snapshot_says_whether_requests_had_a_trace_context_and_old_ones_had_none() -> None:
    description = json.loads(json.dumps(target_snapshot(TARGET)))
    assert description["correlation"] is True
    assert target_from_snapshot(description).correlation
    del description["correlation"]
    assert not target_from_snapshot(description).correlation
    assert "correlation" not in target_snapshot(target_from_snapshot(description))


@pytest.mark.parametrize(
    ("claimed", "follows", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a [redacted:TOKEN]", "a [redacted:TOKEN", True),
        ({"a": ["x", 1]}, {"a": ["x", 1]}, True),
        ({"a": ["x", 1]}, {"a": ["x", 2]}, False),
        ({"a": "x"}, {"b": "x"}, False),
        ([1], [1, 2], False),
        ([["X-Id", "1"]], [["X-Id", "2"]], False),
        ([["x-acs-accesskey-id", "1"]], [["x-acs-accesskey-id", "2"]], True),
        (None, "", False),
        ("1", 1, False),
    ],
)
def test_only_words_around_what_is_hidden_may_differ(claimed: object, follows: object, same: bool) -> None:
    assert equal_unless_redacted(claimed, follows) is same


def document(**changes: Any) -> dict[str, Any]:
    nights = {"plant": False, "watch": False, "rescue": False}
    return {"tier": "standard", "checks": ["a", "b"], "interrupted": False, "nights": nights, "filters": {}} | changes


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"tier": "smoke"}, ["its tier is smoke"]),
        ({"checks": ["a"]}, ["1 of 2 checks did not run"]),
        ({"interrupted": True}, ["it was ended early"]),
        ({"nights": {"watch": True}}, ["it only watched what was planted"]),
        ({"filters": {"files": "test_cancel.py"}}, ["only a part of the suite was named"]),
        ({"filters": {"ignored": "test_cancel.py"}}, ["only a part of the suite was named"]),
        ({"filters": {"shard": "1/2"}}, ["it is one shard of a run"]),
        ({"filters": {"keyword": "a or b"}}, []),
    ],
)
def test_a_part_of_a_run_is_called_so(changes: dict[str, Any], reasons: list[str]) -> None:
    assert partial_because(document(**changes), ["a", "b"]) == reasons


def test_versions_that_decide_are_asked_for() -> None:
    versions = {"hypothesis": "0", "schemathesis": "0", "jsonschema-rs": "0", "botocore": "0"}
    document = {"python": "2.7.18", "packages": versions}

    def names(asked: list[str]) -> list[str]:
        return sorted(name.split()[0] for name in asked)

    assert names(missing_to_draw(document)) == ["botocore", "hypothesis", "python", "schemathesis"]
    # Generated values are on the recording: only the libraries that judge must match.
    assert names(missing_to_judge(document, drawn=True)) == ["botocore", "jsonschema-rs", "schemathesis"]
    assert names(missing_to_judge(document, drawn=False)) == sorted(["python", *versions])


def test_nothing_is_removed_but_recordings_of_these_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = tmp_path / "reports"
    monkeypatch.chdir(tmp_path)
    for path in (
        tmp_path / "mine.txt",
        reports / "mine.txt",
        emptied_folder(reports) / "t.00000000" / "exchanges.jsonl.gz",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    keep_recordings(reports, [TARGET], {}, tier="smoke", seed=1, nights={}, filters={})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "mine.txt",
        "reports",
        "reports/mine.txt",
    ]


# --- two requests at once ---------------------------------------------------------------------------------------------


def together(path: Path, *bodies: bytes) -> None:
    """A recording of exchanges, the second and the third of which were sent together."""
    world, recording = recorded_world(path, TARGET, "chance")
    world.clock.monotonic()
    first = Exchange(request(), reply(), None, world.clock.now())
    recording.saw(first)
    recording.named(first, 1, "describe-key")
    started = world.clock.now()
    pair = [Exchange(request(body), reply(body), None, started) for body in bodies]
    for exchange in pair:
        recording.saw(exchange)
    for number, exchange in enumerate(pair, 2):
        recording.named(exchange, number, f"operation-{number}")
    recording.close()


def test_two_requests_at_once_are_played_in_the_order_of_the_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first of both is written only when it has its name.
    monkeypatch.setattr("kms_conformance.recording.recorder._MOST_EXCHANGES", 1)
    together(tmp_path / "t.gz", b'{"a": 1}', b'{"b": 2}')
    lines = Recording.read((tmp_path / "t.gz").read_bytes()).exchanges
    assert [(line["number"], line["operation"]) for line in lines[1:]] == [(2, "operation-2"), (3, "operation-3")]
    assert lines[1]["started"] == lines[2]["started"]
    assert (lines[2]["now"], lines[2]["monotonic"]) == ([], [])


@pytest.mark.parametrize("swapped", [False, True])
def test_a_swapped_pair_is_not_played(swapped: bool, tmp_path: Path) -> None:
    together(tmp_path / "t.gz", b'{"a": 1}', b'{"b": 2}')
    played = player(tmp_path / "t.gz")
    play(played, request(), 1)
    started = played.now()
    asked = [request(b'{"a": 1}'), request(b'{"b": 2}')]
    if swapped:
        with pytest.raises(PlaybackDiverged):
            played.carry_together(asked[1], asked[0])
        return
    outcomes = played.carry_together(asked[0], asked[1])
    assert outcomes == ((reply(b'{"a": 1}'), None), (reply(b'{"b": 2}'), None))
    pair = [Exchange(each, *outcome, started) for each, outcome in zip(asked, outcomes, strict=True)]
    for exchange in pair:
        played.saw(exchange)
    played.named(pair[0], 2, "operation-2")
    assert played.problem == ""
    played.named(pair[1], 3, "operation-7")
    assert "at exchange 3, the suite calls it number 3, 'operation-7'" in played.problem


def test_the_ca_file_of_the_machine_is_not_compared_and_all_else_of_an_exchange_is() -> None:
    record = {"number": 7, "url": "https://h/", "status": 200}
    found = comparable("exchanges", [record | {"ca_file": "/home/me/ca.pem"}])
    assert found == comparable("exchanges", [record]) == [record]
    assert comparable("exchanges", [record | {"status": 201}]) != [record]
    assert comparable("failures", [{"ca_file": "a"}]) == [{"ca_file": "a"}]
