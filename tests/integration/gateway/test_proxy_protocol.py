"""A load balancer in front: headers of both versions, with and without TLS behind them, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct

import pytest

from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.blobs import BlobStore
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from gateway.configuration import Role
from tests.gateway_scene import Client, RunningGateway, running_gateway, trusting_context

V4 = b"PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\r\n"
V6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 25\r\n"


def version2(source: str, command: int = 0x21, tail: bytes = b"") -> bytes:
    """A version 2 header."""
    address = ipaddress.ip_address(source)
    family = 0x11 if address.version == 4 else 0x21
    body = address.packed * 2 + struct.pack("!HH", 50_000, 25) + tail
    signature = b"\r\n\r\n\x00\r\nQUIT\n"
    return signature + struct.pack("!BBH", command, family, len(body)) + body


async def open_raw(gateway: RunningGateway, first: bytes, role: Role = Role.MX) -> Client:
    client = Client(*await asyncio.open_connection("127.0.0.1", gateway.port(role)))
    gateway._clients.append(client)
    await client.send(first)
    return client


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (V4, b"198.51.100.7"),
        (V6, b"2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1"),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", b"127.0.0.1"),
        (version2("198.51.100.7"), b"198.51.100.7"),
        (version2("2001:db8::7", tail=b"\x04\x00\x03abc"), b"2001:db8::7"),
        (version2("::ffff:198.51.100.7"), b"198.51.100.7"),
        (version2("198.51.100.7", command=0x20), b"127.0.0.1"),
    ],
    ids=repr,
)
async def test_the_header_names_the_client(header: bytes, source: bytes) -> None:
    async with running_gateway(proxy_networks="127.0.0.0/8") as gateway:
        options = CredentialOptions(network="0.0.0.0/0")
        credentials, server = gateway.scene.posthorn[Credentials], gateway.scene.server
        await credentials.create(server, CredentialKind.SMTP_IP, "all", options)
        options = CredentialOptions(network="::/0")
        await credentials.create(server, CredentialKind.SMTP_IP, "all6", options)
        client = await open_raw(gateway, header + b"EHLO me.test\r\n")
        assert (await client.reply()).code == 220
        assert (await client.reply()).code == 250
        assert (await client.submit()).code == 250
        stored = await gateway.scene.posthorn[BlobStore].get(gateway.messages()[0].blob)
        assert b"[" + source + b"]" in stored.partition(b"\r\n")[0]


@pytest.mark.parametrize("header", [V4, version2("198.51.100.7")], ids=["v1", "v2"])
async def test_tls_may_follow_in_the_same_packet(header: bytes) -> None:
    async with running_gateway(proxy_networks="127.0.0.1") as gateway:
        client = await open_raw(gateway, header, Role.SUBMISSIONS)
        await client.writer.start_tls(trusting_context())
        assert (await client.reply()).code == 220
        assert (await client.log_in(gateway.key)).code == 235


async def test_a_proxied_client_on_loopback_side_gets_no_plain_auth() -> None:
    async with running_gateway(proxy_networks="127.0.0.0/8") as gateway:
        client = await open_raw(gateway, V4)
        assert (await client.reply()).code == 220
        assert str(await client.log_in(gateway.key)).startswith("530 5.7.0 Must issue a STARTTLS")


@pytest.mark.parametrize(
    "first",
    [
        b"EHLO me.test\r\n" * 3,
        b"PROXY TCP4 198.51.100.7 192.0.2.1 50000\r\n",
        b"PROXY TCP4 2001:db8::7 192.0.2.1 50000 25\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 50000 99999\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 50000 25\n\r\n",
        b"PROXY " + b"x" * 300,
        b"\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x0c" + bytes(12),
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + bytes(100),
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x31\x00\x0c" + bytes(12),
        b"\x16\x03\x01\x02\x00" + bytes(50),
    ],
    ids=repr,
)
async def test_anything_else_is_an_error_and_the_end(first: bytes) -> None:
    """Contract section 3.1; where TLS is awaited, nobody could read it."""
    async with running_gateway(proxy_networks="127.0.0.0/8") as gateway:
        client = await open_raw(gateway, first)
        assert await client.rest() == b"502 5.5.1 Proxy Error\r\n"
        client = await open_raw(gateway, first, Role.SUBMISSIONS)
        with contextlib.suppress(ConnectionResetError):
            assert await client.is_left()
        await gateway.settled()
        assert len(gateway.events("connection_refused")) == 2


async def test_a_balancer_that_only_looks_whether_anybody_listens_is_told_nothing() -> None:
    async with running_gateway(proxy_networks="127.0.0.0/8") as gateway:
        client = await open_raw(gateway, b"")
        client.writer.write_eof()
        assert await client.is_left()
        await gateway.settled()


async def test_a_silent_balancer_is_not_waited_for() -> None:
    async with running_gateway(proxy_networks="127.0.0.0/8", handshake_seconds=0.1) as gateway:
        client = await open_raw(gateway, b"PROXY TC")
        assert await client.is_left()
        await gateway.settled()


async def test_clients_behind_a_balancer_are_limited_one_by_one() -> None:
    networks = "127.0.0.0/8"
    async with running_gateway(proxy_networks=networks, max_connections_per_client=1) as gateway:
        one = await open_raw(gateway, V4)
        assert (await one.reply()).code == 220
        other = await open_raw(gateway, V6)
        assert (await other.reply()).code == 220
        same = await open_raw(gateway, V6.replace(b"::7", b"::8"))
        assert (await same.reply()).code == 421, "the whole /64 is one client"
