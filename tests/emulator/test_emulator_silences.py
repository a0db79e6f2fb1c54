"""The emulator's ways of not answering, as the selftest uses them."""

from __future__ import annotations

import http.client
import socket
from dataclasses import replace

import pytest

from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.emulator.messages import Silence


def silent(how: Silence):
    def filter_(_: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, silence=how)

    return filter_


def asked(emulator: Emulator) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", int(emulator.base_url.rpartition(":")[2]), timeout=0.3)
    connection.request("GET", "/")
    return connection


@pytest.mark.parametrize(
    ("how", "met"),
    [("closed", http.client.RemoteDisconnected), ("reset", ConnectionResetError), ("never", TimeoutError)],
)
def test_no_byte_of_a_reply_comes(how: Silence, met: type[Exception]) -> None:
    with Emulator("huawei", filters=(silent(how),)) as emulator:
        connection = asked(emulator)
        with pytest.raises(met):
            connection.getresponse()
        connection.close()


def test_a_head_breaks_off() -> None:
    with Emulator("huawei", filters=(silent("broken head"),)) as emulator:
        connection = asked(emulator)
        received = b""
        while block := connection.sock.recv(4096):
            received += block
        connection.close()
    assert received.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\n" not in received


def test_a_connection_is_closed_after_its_reply_which_says_nothing_of_it() -> None:
    def closing(_: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, close_unannounced=True)

    with Emulator("huawei", filters=(closing,)) as emulator:
        connection = asked(emulator)
        reply = connection.getresponse()
        reply.read()
        assert reply.getheader("Connection") is None
        held = connection.sock
        assert isinstance(held, socket.socket)
        assert held.recv(1) == b""
        connection.close()
