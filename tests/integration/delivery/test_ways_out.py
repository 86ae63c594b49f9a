"""Egress sources: bound addresses, a SOCKS5 proxy, smarthosts with AUTH, and sources that do not work."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from tests.integration.delivery.conftest import Stack
from tests.loopback import free_port
from tests.peers import SmtpPeer

PASSWORD = "s3cret-p4ss"


class SocksProxy:
    """A SOCKS5 proxy with user name and password (RFC 1928, RFC 1929), CONNECT to addresses only."""

    def __init__(self, reply_code: int = 0) -> None:
        self.reply_code = reply_code
        self.asked: list[tuple[str, int]] = []
        self.logins: list[tuple[str, str]] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if 2 in methods else 0
        writer.write(bytes([5, method]))
        if method == 2:
            _, length = await reader.readexactly(2)
            user = await reader.readexactly(length)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            self.logins.append((user.decode(), password.decode()))
            writer.write(b"\1\0" if password == PASSWORD.encode() else b"\1\1")
        _, _, _, kind = await reader.readexactly(4)
        address = str(ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append((address, port))
        if self.reply_code:
            writer.write(bytes([5, self.reply_code, 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        far_reader, far_writer = await asyncio.open_connection(address, port)
        writer.write(bytes([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]))
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def socks_proxy(reply_code: int = 0) -> AsyncIterator[SocksProxy]:
    proxy = SocksProxy(reply_code)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()


async def test_a_bound_source_is_what_the_server_sees(stack: Stack, peer: SmtpPeer) -> None:
    stack.pools.sources = (EgressSource("two", address="127.0.0.2", ehlo="two.posthorn.test"),)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert attempted.source == "127.0.0.2"
    assert attempted.details.endswith("(mx.example.test) (from 127.0.0.2)")
    assert peer.mails[0].client[0] == "127.0.0.2"
    assert peer.mails[0].helo == "two.posthorn.test"


async def test_a_source_with_ipv4_alone_passes_ipv6_hosts_over(
    stack: Stack, peer: SmtpPeer
) -> None:
    stack.zone.aaaa("mx.example.test", "::1")
    stack.pools.sources = (EgressSource("four", address="127.0.0.3"),)
    assert (await stack.send()).source == "127.0.0.3"


async def test_a_source_with_ipv6_alone_has_nowhere_to_go_on_ipv4(stack: Stack) -> None:
    stack.pools.sources = (EgressSource("six", address6="::1"),)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details == "No SMTP servers were available for example.test. No hosts to try."


async def test_a_source_that_cannot_bind_is_left_for_another(stack: Stack, peer: SmtpPeer) -> None:
    foreign = EgressSource("foreign", address="192.0.2.1", priority=100_000)
    stack.pools.sources = (foreign, EgressSource("own", address="127.0.0.2", priority=1))
    assert (await stack.send()).source == "127.0.0.2"
    stack.pools.sources = (foreign,)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details == (
        "No egress source of pool default is available. "
        "Cannot send from 192.0.2.1: Cannot assign requested address."
    )


async def test_through_a_socks5_proxy(stack: Stack, peer: SmtpPeer) -> None:
    async with socks_proxy() as proxy:
        stack.pools.sources = (
            EgressSource(
                "far",
                kind=EgressKind.SOCKS5,
                host="127.0.0.1",
                port=proxy.port,
                username="198.51.100.9",
                sealed_password=PASSWORD.encode(),
            ),
        )
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SENT
        assert attempted.source == "far"
        assert attempted.sent_with_ssl
        assert proxy.asked == [("127.0.0.1", peer.port)]
        assert proxy.logins == [("198.51.100.9", PASSWORD)]
        await stack.egress.close()
        await peer.wait_closed()


@pytest.mark.parametrize(("code", "suspended"), [(5, False), (2, True)])
async def test_a_proxy_tells_a_dead_target_from_its_own_refusal(
    stack: Stack, peer: SmtpPeer, code: int, suspended: bool
) -> None:
    async with socks_proxy(code) as proxy:
        stack.pools.sources = (
            EgressSource("far", kind=EgressKind.SOCKS5, host="127.0.0.1", port=proxy.port),
        )
        for _ in range(2):
            attempted = await stack.send()
            assert attempted.verdict is Verdict.SOFT
            assert ("No egress source" in attempted.details) is suspended
        assert len(proxy.asked) == (1 if suspended else 2)


async def test_a_proxy_that_is_away_or_refuses_the_password_never_shows_it(stack: Stack) -> None:
    async with socks_proxy() as proxy:
        for port in (free_port(), proxy.port):
            stack.pools.sources = (
                EgressSource(
                    f"far{port}",
                    kind=EgressKind.SOCKS5,
                    host="127.0.0.1",
                    port=port,
                    username="someone",
                    sealed_password=b"wrong-pass",
                ),
            )
            attempted = await stack.send()
            assert attempted.verdict is Verdict.SOFT
            assert "wrong-pass" not in str(attempted)
            assert attempted.details.startswith("No egress source of pool default is available. ")


def smarthost(peer: SmtpPeer, tls: str = "starttls", host: str = "127.0.0.1") -> EgressSource:
    return EgressSource(
        "provider",
        kind=EgressKind.SMARTHOST,
        host=host,
        port=peer.port,
        username="user",
        sealed_password=PASSWORD.encode(),
        tls=tls,
    )


@pytest.mark.parametrize(
    ("mechanisms", "said"),
    [
        ("AUTH PLAIN LOGIN", b"AUTH PLAIN " + base64.b64encode(b"\0user\0" + PASSWORD.encode())),
        ("AUTH=LOGIN", b"AUTH LOGIN"),
    ],
)
@pytest.mark.parametrize("tls", ["starttls", "STARTLS", "auto", "implicit"])
async def test_a_smarthost_takes_all_mail_after_auth_under_tls(
    zone: object, stack: Stack, tls: str, mechanisms: str, said: bytes
) -> None:
    guarded = Stack(stack.zone, allow_private_delivery=False)
    async with SmtpPeer(implicit_tls=tls == "implicit") as provider:
        provider.keywords.append(mechanisms)
        guarded.pools.sources = (smarthost(provider, tls),)
        heard = []
        for domain in ("anything.test", "elsewhere.test"):
            attempted = await guarded.send(f"bob@{domain}")
            assert attempted.verdict is Verdict.SENT, attempted
            assert attempted.sent_with_ssl
            assert attempted.heard is not None
            heard.append([one.text for one in attempted.heard.lines])
        assert heard[1][0].startswith("MAIL FROM:")
        shown = ["AUTH PLAIN ***"] if said != b"AUTH LOGIN" else ["AUTH LOGIN", "***", "***"]
        assert [text for text in heard[0] if "AUTH" in text[:4] or text == "***"] == shown
        assert len(provider.connections) == 1
        connection = provider.connections[0]
        assert connection.auth[0] == said
        if said == b"AUTH LOGIN":
            sent = [base64.b64decode(line).decode() for line in connection.auth[1:]]
            assert sent == ["user", PASSWORD]
        assert not stack.zone.queries
        await guarded.egress.close()


async def test_a_smarthost_by_name_is_looked_up(stack: Stack) -> None:
    async with SmtpPeer(keywords=["STARTTLS", "AUTH PLAIN"]) as provider:
        stack.zone.a("peer.test", "127.0.0.1")
        stack.pools.sources = (smarthost(provider, host="peer.test"),)
        assert (await stack.send("bob@anything.test")).verdict is Verdict.SENT


async def test_a_smarthost_with_another_name_in_its_certificate_is_not_trusted(
    stack: Stack,
) -> None:
    async with SmtpPeer(keywords=["STARTTLS", "AUTH PLAIN"]) as impostor:
        stack.zone.a("smtp.provider.test", "127.0.0.1")
        stack.pools.sources = (smarthost(impostor, host="smtp.provider.test"),)
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SOFT
        assert not impostor.connections[0].auth


@pytest.mark.parametrize("tls", ["auto", "starttls"])
async def test_a_password_is_not_sent_in_clear_text(stack: Stack, tls: str) -> None:
    async with SmtpPeer(keywords=["AUTH PLAIN LOGIN"]) as provider:
        stack.pools.sources = (smarthost(provider, tls),)
        assert (await stack.send()).verdict is Verdict.SOFT
        assert "AUTH" not in provider.commands
        stack.pools.sources = (smarthost(provider, "none"),)
        assert (await stack.send()).verdict is Verdict.SENT


@pytest.mark.parametrize(
    ("reply", "suspended"), [("535 5.7.8 Wrong", True), ("454 4.7.0 Not now", False)]
)
async def test_a_refused_credential_suspends_the_smarthost(
    stack: Stack, reply: str, suspended: bool
) -> None:
    async with SmtpPeer(keywords=["STARTTLS", "AUTH PLAIN"]) as provider:
        provider.on("AUTH", reply)
        stack.pools.sources = (smarthost(provider),)
        for _ in range(2):
            attempted = await stack.send()
            assert attempted.verdict is Verdict.SOFT
            assert reply in f"{attempted.details} {attempted.output}"
            assert PASSWORD not in str(attempted)
        assert provider.commands.count("AUTH") == (1 if suspended else 2)
        assert "MAIL" not in provider.commands


async def test_a_suspended_source_sends_nothing(stack: Stack, peer: SmtpPeer) -> None:
    stack.pools.sources = (EgressSource("off", suspended_until=2**40),)
    attempted = await stack.send()
    assert attempted.details == "No egress source of pool default is available."
    assert not peer.connections


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (EgressSource("odd", tls="maybe"), "'maybe' is no TLS mode"),
        (EgressSource("odd", ehlo="not a name"), "'not a name' cannot be an EHLO name"),
    ],
)
async def test_a_source_set_up_wrongly_never_fails_a_message_for_good(
    stack: Stack, peer: SmtpPeer, wrong: EgressSource, said: str
) -> None:
    stack.pools.sources = (wrong,)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert f"Egress source odd is misconfigured: {said}" in attempted.details
    assert "MAIL" not in peer.commands
