"""The SOCKS5 role: mail leaves from the address asked for, and nobody gets through who should not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy

from chalicelib.domain.smtp.public_address import is_public
from gateway.egress_proxy import EgressProxy, Rules, main, read_rules
from tests.patience import PATIENCE

PASSWORD = "correct horse battery"
SOURCE = "127.0.0.7"
ROOT = Path(__file__).resolve().parents[3]


class Receiver:
    """Answers each line with itself in capitals, and remembers who called."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self.port = 0

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.callers.append(writer.get_extra_info("peername")[0])
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(line.upper())
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


@contextlib.asynccontextmanager
async def proxy(rules: Rules) -> AsyncIterator[tuple[EgressProxy, int]]:
    made = EgressProxy(rules)
    server = await made.serve("127.0.0.1", 0)
    try:
        yield made, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await made.finish(5)
        assert made.open == 0


def rules_for(receiver: Receiver) -> Rules:
    ports = frozenset({receiver.port})
    return Rules(PASSWORD, frozenset({SOURCE}), ports, is_allowed=lambda _: True)


async def through(
    port: int, host: str, target: int, name: str = SOURCE, word: str = PASSWORD
) -> str:
    """What the far end answers to a line."""
    sock = await Proxy(ProxyType.SOCKS5, "127.0.0.1", port, name, word).connect(
        host, target, timeout=PATIENCE
    )
    reader, writer = await asyncio.open_connection(sock=sock)
    writer.write(b"ehlo\n")
    writer.write_eof()
    said = await reader.read()
    writer.close()
    return said.decode()


async def test_a_connection_leaves_from_the_address_that_was_asked_for(receiver: Receiver) -> None:
    async with proxy(rules_for(receiver)) as (_, port):
        assert await through(port, "127.0.0.1", receiver.port) == "EHLO\n"
        assert receiver.callers == [SOURCE]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        (SOURCE, "wrong"),
        ("127.0.0.8", PASSWORD),
        ("", PASSWORD),
        (SOURCE, ""),
    ],
)
async def test_nobody_gets_through_without_password_and_known_address(
    receiver: Receiver, name: str, word: str
) -> None:
    async with proxy(rules_for(receiver)) as (_, port):
        with pytest.raises(ProxyError):
            await through(port, "127.0.0.1", receiver.port, name or "x", word or "x")
        assert receiver.callers == []


async def answer_to(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
    said = b""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionResetError):
            said = await reader.read()
    writer.close()
    return said


def login(word: str = PASSWORD) -> bytes:
    return (
        b"\x05\x01\x02\x01"
        + bytes([len(SOURCE)])
        + SOURCE.encode()
        + bytes([len(word)])
        + word.encode()
    )


GREETED = b"\x05\x02\x01\x00"


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"\x05\x02\x00\x01\x01\x01\x01\x01\x00\x19", 7),  # BIND
        (b"\x05\x03\x00\x01\x01\x01\x01\x01\x00\x19", 7),  # UDP
        (b"\x05\x01\x00\x03\x0bexample.com\x00\x19", 8),  # a name
        (b"\x05\x01\x00\x01\x01\x01\x01\x01\x01\xbb", 2),  # port 443
    ],
)
async def test_what_is_not_offered_is_refused(
    receiver: Receiver, request_bytes: bytes, code: int
) -> None:
    async with proxy(rules_for(receiver)) as (_, port):
        said = await answer_to(port, login(), request_bytes)
        assert said[:6] == GREETED + bytes([5, code])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fd00::1",
        "::ffff:10.0.0.1",
    ],
)
async def test_private_destinations_are_refused(receiver: Receiver, host: str) -> None:
    rules = replace(rules_for(receiver), is_allowed=is_public)
    address = ip_address(host).packed
    kind = b"\x01" if len(address) == 4 else b"\x04"
    async with proxy(rules) as (_, port):
        request = b"\x05\x01\x00" + kind + address + receiver.port.to_bytes(2, "big")
        said = await answer_to(port, login(), request)
        assert said[:6] == GREETED + b"\x05\x02"
        assert receiver.callers == []


async def test_a_client_that_offers_no_password_is_turned_away(receiver: Receiver) -> None:
    async with proxy(rules_for(receiver)) as (_, port):
        assert await answer_to(port, b"\x05\x01\x00") == b"\x05\xff"
        assert await answer_to(port, b"\x04\x01\x02") == b"\x05\xff"


async def test_a_target_that_refuses_and_an_address_that_is_not_ours(receiver: Receiver) -> None:
    port_of_nobody = receiver.port
    rules = replace(rules_for(receiver), addresses=frozenset({SOURCE, "192.0.2.1"}))
    async with proxy(rules) as (_, port):
        with pytest.raises(ProxyError) as foreign:
            await through(port, "127.0.0.1", port_of_nobody, "192.0.2.1")
        assert foreign.value.error_code == 1
        await receiver.__aexit__()
        with pytest.raises(ProxyError) as refused:
            await through(port, "127.0.0.1", port_of_nobody)
        assert refused.value.error_code == 5


async def test_silence_and_too_many_are_cut(receiver: Receiver) -> None:
    rules = replace(rules_for(receiver), handshake_seconds=0.2, max_connections=1)
    async with proxy(rules) as (made, port):
        first, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            while made.open < 1:
                await asyncio.sleep(0.01)
            assert await answer_to(port, login()) == b""
            assert await first.read() == b""
        writer.close()


async def test_a_large_flow_is_relayed_whole(receiver: Receiver) -> None:
    whole = b"x" * 4_000_000 + b"\n"
    async with asyncio.timeout(PATIENCE), proxy(rules_for(receiver)) as (_, port):
        made = Proxy(ProxyType.SOCKS5, "127.0.0.1", port, SOURCE, PASSWORD)
        # Lines of a length that the receiver's reader takes.
        lines = [whole[at : at + 60_000].rstrip() + b"\n" for at in range(0, len(whole), 60_000)]
        sock = await made.connect("127.0.0.1", receiver.port, timeout=PATIENCE)
        reader, writer = await asyncio.open_connection(sock=sock)
        reading = asyncio.create_task(reader.read(-1))
        for line in lines:
            writer.write(line)
            await writer.drain()
        writer.write_eof()
        assert await reading == b"".join(lines).upper()
        writer.close()


@pytest.mark.parametrize(
    ("password", "addresses", "words"),
    [
        ("short", "127.0.0.1", "POSTHORN_EGRESS_PASSWORD"),
        (PASSWORD, "", "POSTHORN_EGRESS_ADDRESSES"),
        (PASSWORD, "here", "'here' is no address"),
    ],
)
def test_settings_that_are_missing_or_wrong(
    password: str,
    addresses: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POSTHORN_EGRESS_PASSWORD", password)
    monkeypatch.setenv("POSTHORN_EGRESS_ADDRESSES", addresses)
    assert main([]) == 1
    assert words in capsys.readouterr().err


def test_the_default_lets_out_mail_only() -> None:
    rules = read_rules(
        {"POSTHORN_EGRESS_PASSWORD": PASSWORD, "POSTHORN_EGRESS_ADDRESSES": "192.0.2.1, 192.0.2.2"}
    )
    assert rules.ports == {25}
    assert rules.addresses == {"192.0.2.1", "192.0.2.2"}
    assert rules.is_allowed is is_public


async def test_the_process_starts_and_stops_in_order() -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'smtp-gateway'}",
        "POSTHORN_EGRESS_PASSWORD": PASSWORD,
        "POSTHORN_EGRESS_ADDRESSES": SOURCE,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.egress_proxy", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert (await process.stdout.readline()).startswith(b"egress proxy on 127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
