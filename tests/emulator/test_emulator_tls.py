"""The emulator over https: who trusts its authority is served, nobody else is, and nothing of it is left."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kms_conformance.cli import cli
from kms_conformance.emulator import Emulator
from kms_conformance.emulator.clock import CONTROL_PATH
from kms_conformance.target import load_target
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session
from kms_conformance.wire.tls import Unreachable, probe


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    with Emulator("aws", tls=True) as emulator:
        yield emulator


def trusting(emulator: Emulator) -> ssl.SSLContext:
    """As Python 3.13 trusts: by RFC 5280 to the letter."""
    context = ssl.create_default_context(cafile=emulator.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def connected(emulator: Emulator) -> socket.socket:
    port = int(emulator.base_url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def moved(url: str, context: ssl.SSLContext) -> str:
    request = urllib.request.Request(f"{url}{CONTROL_PATH}", b'{"advance_seconds": 0}')  # noqa: S310 - ours
    with urllib.request.urlopen(request, context=context, timeout=5) as reply:  # noqa: S310 - ours
        return str(reply.read())


def test_target_file_leads_to_it_and_to_no_other(served: Emulator, tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text(served.target_yaml())
    target = load_target(tmp_path / "target.yaml")
    assert target.base_url.startswith("https://127.0.0.1:")
    seen = probe(target.base_url, target.verify, 5)
    assert seen is not None
    assert (seen.version, seen.days_left) == ("TLSv1.3", 364)
    with Session(target.limits, target.urls, verify=target.verify) as session:
        got = session.send(Request("POST", f"{served.base_url}{CONTROL_PATH}", body=b'{"advance_seconds": 0}'))
    assert got.reply is not None
    assert got.reply.status == 200
    with pytest.raises(Unreachable, match="not trusted"):
        probe(target.base_url, verify=True, timeout_seconds=5)
    with Emulator("aws", tls=True) as other, pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        moved(served.base_url, trusting(other))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", socket.gethostname()])
def test_certificate_names_the_ways_to_this_machine(served: Emulator, name: str) -> None:
    with trusting(served).wrap_socket(connected(served), server_hostname=name) as client:
        assert client.getpeercert()


def test_host_that_is_listened_at_is_named_too() -> None:
    with Emulator("huawei", host="127.0.0.2", tls=True) as emulator:
        assert moved(emulator.base_url, trusting(emulator))


def test_who_does_not_finish_the_handshake_holds_up_nobody(served: Emulator) -> None:
    with connected(served), connected(served) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert moved(served.base_url, trusting(served))
        # Plain HTTP gets an alert of TLS or nothing, and never a reply.
        assert not plain.recv(100).startswith(b"HTTP")
    assert served.failures == []


def test_end_of_a_connection_is_told(served: Emulator) -> None:
    """Without the alert `close_notify`, OpenSSL takes the end for a cut connection."""
    context = trusting(served)
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with context.wrap_socket(connected(served), server_hostname="localhost", suppress_ragged_eofs=False) as client:
        client.sendall(request)
        text = b""
        while part := client.recv(4096):
            text += part
    assert text.startswith(b"HTTP/1.1 ")


def test_only_the_authority_is_on_disk_and_only_while_it_serves() -> None:
    with Emulator("alibaba", tls=True) as emulator:
        authority = emulator.authority
        assert authority is not None
        assert [path.name for path in authority.parent.iterdir()] == ["ca.pem"]
        assert "PRIVATE" not in authority.read_text()
        assert authority.parent.stat().st_mode & 0o077 == 0
        assert emulator.environment["ALIBABA_CLOUD_CA_BUNDLE"] == str(authority)
    assert not authority.parent.exists()
    with Emulator("alibaba") as emulator:
        assert emulator.authority is None
        assert "verify" not in emulator.target()
        assert "ALIBABA_CLOUD_CA_BUNDLE" not in emulator.environment


def test_named_file_stays(tmp_path: Path) -> None:
    with Emulator("alibaba", tls=tmp_path / "ca.pem") as emulator:
        assert yaml.safe_load(emulator.target_yaml())["verify"] == str(tmp_path / "ca.pem")
    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tls-ca", "ca.pem"), "--tls-ca needs --tls"),
        (("--tls", "--tls-ca", "nowhere/ca.pem"), "nowhere/ca.pem cannot be written: No such file or directory"),
        (("--tls", "--fault", "cancel-does-nothing"), "--tls cannot be combined with --fault"),
    ],
)
def test_mistakes_in_options_are_told(
    options: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["emulator", "--dialect", "huawei", *options], terminal_width=300)
    assert done.exit_code == 2
    assert said in done.output
