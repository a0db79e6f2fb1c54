"""Canary secrets in every field that can hold one, echoed in every form, are in no artifact of a run."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from canaries import ENCODINGS, IN_JSON, IN_XML, NOT_SEARCHED, canary, leaks, said_in_json

from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.emulator.alibaba import credentials as alibaba
from kms_conformance.emulator.huawei import credentials as huawei
from kms_conformance.wire.messages import Reply, Request
from kms_conformance.wire.secrets.redactor import Redactor
from tools import forked

WAYS = [("huawei", "token"), ("huawei", "password"), ("huawei", "aksk"), ("alibaba", "v1"), ("alibaba", "sts")]


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The emulator's credentials are canaries: by name, what must not come out."""
    made = {
        "TOKEN": canary(),
        "EXPIRED_TOKEN": canary(),
        "PASSWORD": canary(header=False),
        "USERNAME": canary(header=False),
        "DOMAIN": canary(header=False),
        "ACCESS_KEY_ID": canary(),
        "ACCESS_KEY_SECRET": canary(),
        "STS_ACCESS_KEY_ID": canary(),
        "STS_ACCESS_KEY_SECRET": canary(),
        "STS_SECURITY_TOKEN": canary(),
    }
    for module in (huawei, alibaba):
        for name, value in made.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(
        alibaba,
        "ACCESS_KEYS",
        {
            made["ACCESS_KEY_ID"]: alibaba.AccessKey(made["ACCESS_KEY_SECRET"]),
            made["STS_ACCESS_KEY_ID"]: alibaba.AccessKey(made["STS_ACCESS_KEY_SECRET"], made["STS_SECURITY_TOKEN"]),
        },
    )
    return made


#: Stands for a text that is written into the encoded document as it is.
_PLACE = "(said here)"


class Echo:
    """Says the secrets back with every reply, each time in another form; notes those that come up on the way.

    Those stand in `passing`: signatures, tokens that were fetched, and what was decrypted.
    """

    def __init__(self, secrets: dict[str, str]) -> None:
        self.secrets = secrets
        self.passing: dict[str, str] = {}
        self._turns = itertools.cycle(itertools.product(ENCODINGS, secrets))

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        self._note(inbound, outbound)
        encoding, name = next(self._turns)
        secret = self.secrets[name]
        said = ENCODINGS[encoding](secret)
        # The own escapes of a document are undone once: there the secret is written with them.
        own = IN_XML if str(inbound.parameters.get("Format", "")).upper() == "XML" else IN_JSON
        in_document = _PLACE if encoding in own else said
        passing = self._passing(inbound)
        if isinstance(outbound.value, dict):
            value: dict[str, Any] = {**outbound.value, "x_said": in_document, "x_passing": passing}
            if outbound.refusal is not None and inbound.number % 2:
                # Where it is judged: the code and the message.
                value = _with_code(value, in_document)
            outbound = outbound.with_value(value)
            outbound = replace(outbound, body=outbound.body.replace(_PLACE.encode(), said.encode()))
        return replace(outbound, headers=(*outbound.headers, ("X-Said", said), ("X-Passing", passing)))

    def _passing(self, inbound: Inbound) -> str:
        return " ".join(value for _, value in _passing_of(inbound))

    def _note(self, inbound: Inbound, outbound: Outbound) -> None:
        for kind, value in _passing_of(inbound):
            self.passing[f"{kind} of {inbound.number}"] = value
        for key in ("plain_text", "Plaintext"):
            plaintext = outbound.value.get(key) if isinstance(outbound.value, dict) else None
            # What we encrypted ourselves is no secret of anybody.
            if inbound.operation == "generate_data_key" and isinstance(plaintext, str):
                self.passing[f"data key of {inbound.number}"] = plaintext


def _passing_of(inbound: Inbound) -> Iterator[tuple[str, str]]:
    signed = inbound.header("authorization") or ""
    if "Signature=" in signed:
        yield "signature", signed.partition("Signature=")[2]
    for value in parse_qs(urlsplit(inbound.target).query).get("Signature", []):
        yield "signature", value
    token = inbound.header("x-auth-token")
    if token and len(token) >= 16:
        yield "token", token


def _with_code(value: dict[str, Any], said: str) -> dict[str, Any]:
    if "error" in value:
        return {**value, "error": {**value["error"], "error_code": said, "error_msg": said}}
    return {**value, **{name: said for name in ("error_code", "error_msg", "Code", "Message") if name in value}}


def target_of(emulator: Emulator, way: str, secrets: dict[str, str], environment: dict[str, str]) -> str:
    """A target file whose credentials, and whatever else names somebody, come from the environment.

    `secrets` loses what does not stand in it: no run can know that those are secret.
    """
    target = emulator.target(way)
    for key, value in target["auth"].items():
        if value in secrets.values():
            environment[f"CANARY_{key.upper()}"] = value
            target["auth"][key] = f"${{CANARY_{key.upper()}}}"
    for name in [name for name, value in secrets.items() if value not in environment.values()]:
        del secrets[name]
    return yaml.safe_dump(target)


def command(cwd: Path, environment: dict[str, str], *arguments: str) -> str:
    done = forked.command(*arguments, cwd=cwd, environment=environment)
    return done.stdout + done.stderr


def artifacts(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "target.yaml":
            data = path.read_bytes()
            yield str(path.relative_to(folder)), gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("dialect", "way"), WAYS, ids=[way for _, way in WAYS])
def test_no_artifact_holds_a_secret(tmp_path: Path, secrets: dict[str, str], dialect: str, way: str) -> None:
    environment = {
        "KMS_CONFORMANCE_STATE": str(tmp_path / "state"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
    }
    with Emulator(dialect) as emulator:
        (tmp_path / "target.yaml").write_text(target_of(emulator, way, secrets, environment))
        echo = Echo(secrets)
        emulator.filters = (echo,)
        options = ["--target", "target.yaml", "--tier", "smoke", "--seed", "1", "--reports", "out"]
        options += ["--events", "events.ndjson"]
        families = "entry or authentication or cancel or unknown_keys or protocol or fuzzing"
        shown = command(tmp_path, environment, "run", *options, "--", "-k", families, "--log-level=DEBUG", "-rA")
        for arguments in (["doctor", "--target", "target.yaml"], ["sweep", "--target", "target.yaml"]):
            shown += command(tmp_path, environment, *arguments)
    assert emulator.failures == []
    if way == "sts":
        # What was hidden everywhere can still be judged again.
        sealing = command(tmp_path, environment, "certify", "--evidence", "out")
        shown += sealing
        archives = list((tmp_path / "out").glob("*.zip"))
        assert len(archives) == 1, sealing
        verified = command(tmp_path, {}, "verify", str(archives[0]))
        assert "verifies: its verdict follows from its" in verified, verified
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    failed = [entry for entry in verdict["requirements"] if entry["verdict"] == "failed"]
    assert failed, "what the endpoint said was never judged"
    written = [*artifacts(tmp_path), ("terminal", shown.encode())]
    everything = b"\n".join(data for _, data in written)
    found = [*leaks(everything, secrets), *leaks(everything, echo.passing, whole=True)]
    where = [name for name, data in written if list(leaks(data, secrets))] if found else []
    assert (found, where) == ([], [])
    assert "[redacted:" in (tmp_path / "out" / "results.json").read_text(), "nothing was echoed where it is shown"


#: With these a search for halves took the last letter of the field `second` for a piece of a key.
HALF_A_FIELD = {
    "STS_ACCESS_KEY_ID": "Pywl0SMYMnDa9cvd/+%nhjNV914ENqOYDko",
    "STS_ACCESS_KEY_SECRET": "93qoQGKVLa176xZK/+%iuJWQQX9EtHcNHyz",
    "STS_SECURITY_TOKEN": "Jz7uK1x5IjGFsf3B/+%XeQwwYY8GzdADlYQ",
}


def test_a_recording_with_parts_of_secrets_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be lost of replies that repeat secrets in forms that are not searched for."""
    secrets = dict(HALF_A_FIELD)
    for name, value in secrets.items():
        monkeypatch.setattr(alibaba, name, value)
    key = alibaba.AccessKey(secrets["STS_ACCESS_KEY_SECRET"], secrets["STS_SECURITY_TOKEN"])
    monkeypatch.setattr(alibaba, "ACCESS_KEYS", {secrets["STS_ACCESS_KEY_ID"]: key})
    turns = itertools.cycle(itertools.product(NOT_SEARCHED.values(), HALF_A_FIELD.values()))

    def repeat(_: Inbound, outbound: Outbound) -> Outbound:
        form, secret = next(turns)
        return outbound.with_value({**outbound.value, "x_said": form(secret)})

    environment = {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
    with Emulator("alibaba", filters=[repeat]) as emulator:
        (tmp_path / "target.yaml").write_text(target_of(emulator, "sts", secrets, environment))
        options = ["--target", "target.yaml", "--tier", "smoke", "--seed", "1", "--reports", "out"]
        shown = command(tmp_path, environment, "run", *options, "--", "-k", "entry or cancel or unknown_keys")
    shown += command(tmp_path, environment, "certify", "--evidence", "out")
    archives = list((tmp_path / "out").glob("*.zip"))
    assert len(archives) == 1, shown
    verified = command(tmp_path, {}, "verify", str(archives[0]))
    assert "verifies: its verdict follows from its" in verified, verified


def test_files_of_a_run_are_for_their_owner_alone(tmp_path: Path) -> None:
    environment = {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "junit.xml").write_text("of an earlier run, for all to read")
    (tmp_path / "out" / "junit.xml").chmod(0o644)
    with Emulator("huawei") as emulator:
        (tmp_path / "target.yaml").write_text(emulator.target_yaml())
        options = ["--target", "target.yaml", "--tier", "smoke", "--reports", "out"]
        command(tmp_path, environment, "run", *options, "--", "-k", "entry")
    paths = [*(tmp_path / "out").rglob("*"), *(tmp_path / "state").rglob("*")]
    assert {"junit.xml", "index.html", "verdict.json", "results.json"} <= {path.name for path in paths}
    assert any(path.name.endswith("-result.json") for path in paths)
    open_ones = {str(path): oct(path.stat().st_mode) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077}
    assert open_ones == {}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_search_itself_finds_every_form(encoding: str) -> None:
    secret = canary(header=False)
    said = said_in_json(encoding, secret)
    assert list(leaks(said, {"secret": secret}))
    assert not list(leaks(Redactor([secret]).data(said), {"secret": secret}))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_form_goes_from_every_place_of_an_exchange(encoding: str) -> None:
    secret = canary(header=False)
    said = ENCODINGS[encoding](secret)
    redactor = Redactor([secret])
    headers = (("X-Said", said), (f"X-{said}", "said"))
    request = redactor.request(Request("POST", f"https://h/{said}?a={said}#{said}", headers, said.encode()))
    reply = redactor.reply(Reply(400, f"Bad {said}", headers, said_in_json(encoding, secret), 0.1))
    assert not list(leaks(repr(request).encode(), {"secret": secret}))
    assert not list(leaks(repr(reply).encode(), {"secret": secret}))
    quoted = said if encoding == "JSON escapes, quoted" else repr(said)
    assert not list(leaks(redactor.text(f"the server said {said}, {quoted}").encode(), {"secret": secret}))


@pytest.mark.parametrize("encoding", NOT_SEARCHED)
def test_nothing_is_lost_of_what_is_not_searched_for(encoding: str) -> None:
    """A document must stay the one that was judged, letter by letter, also where half of a secret stands in it."""
    for _ in range(50):
        secret = canary(header=False)
        said = json.dumps({"x": NOT_SEARCHED[encoding](secret)}).encode()
        assert Redactor([secret]).data(said) == said
