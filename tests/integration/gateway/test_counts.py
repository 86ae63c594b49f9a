"""What the gateway counts: connections, messages and refused commands, told on its health port."""

from __future__ import annotations

import asyncio

import pytest

from chalicelib.domain.reply import Reply
from chalicelib.services.incoming.accept import REJECTED
from chalicelib.services.incoming.recipients import NO_SERVER
from gateway.configuration import Role
from gateway.counts import SmtpCounts, rendered
from gateway.health import serve_health
from tests.gateway_scene import MAIL, RunningGateway, encoded, running_gateway
from tests.loopback import free_port


def counts(gateway: RunningGateway) -> dict[str, int]:
    """Those above nought, by name and labels."""
    lines = rendered(gateway.site.counts.numbers).splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    return {name.removeprefix("posthorn_smtp_"): int(n) for name, n in samples.items() if int(n)}


async def test_messages_count_by_recipient_and_connections_when_they_have_ended() -> None:
    async with running_gateway() as gateway:
        plain, implicit = await gateway.logged_in(), await gateway.logged_in(Role.SUBMISSIONS)
        later = await gateway.connect()
        await later.say("EHLO me.test")
        await later.start_tls()
        await plain.submit(MAIL, "john@example.com", "jane@example.net")
        await implicit.submit()
        sent = {
            'messages_total{type="outgoing",tls="no"}': 2,
            'messages_total{type="outgoing",tls="yes"}': 1,
        }
        assert counts(gateway) == sent
        for client in (plain, implicit, later):
            await client.say("QUIT")
        gateway.hang_up()
        await gateway.settled()
        ended = {'connections_total{tls="no"}': 1, 'connections_total{tls="yes"}': 2}
        assert counts(gateway) == sent | ended


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["FOO"], "invalid-command"),
        (["PROXY TCP4 192.0.2.1 192.0.2.2 1 2"], "proxy-error"),
        (["MAIL FROM:<app@acme.test>"], "mail-from-out-of-order"),
        (["EHLO me.test", "RCPT TO:<john@example.com>"], "rcpt-to-out-of-order"),
        (["EHLO me.test", "DATA"], "data-out-of-order"),
        (["EHLO me.test", "MAIL FROM:<>", "RCPT TO:<>"], "empty-rcpt-to"),
        (["EHLO me.test", "MAIL FROM:<>", "RCPT TO:<john>"], "invalid-rcpt-to"),
        (["EHLO me.test", "MAIL FROM:<>", "RCPT TO:<j@example.com>"], "authentication-required"),
        (["EHLO me.test", "AUTH PLAIN " + encoded("no")], "missing-credentials"),
        (["EHLO me.test", "AUTH PLAIN " + encoded("\0me\0wrong")], "invalid-credentials"),
        (["EHLO me.test", "MAIL FROM:<app@acme.test> SIZE=99999999"], "message-too-large"),
    ],
)
async def test_refusals_count_by_the_names_of_the_contract(lines: list[str], error: str) -> None:
    async with running_gateway() as gateway:
        client = await gateway.connect()
        for line in lines:
            said = await client.say(line)
        assert said.code >= 500
        assert counts(gateway) == {f'errors_total{{error="{error}"}}': 1}


async def test_refused_content_counts_once() -> None:
    async with running_gateway() as gateway:
        client = await gateway.logged_in()
        await client.submit(MAIL.replace(b"app@acme.test", b"app@other.test"))
        await client.submit(b"Received: by mail.acme-host.test with SMTP\r\n" * 9 + MAIL)
        await client.submit(MAIL + b"x" * 2_000_000 + b"\r\n")
        assert counts(gateway) == {
            f'errors_total{{error="{error}"}}': 1
            for error in ("from-name-invalid", "loop-detected", "message-too-large")
        }


async def test_the_health_port_tells_them() -> None:
    port = free_port()
    async with running_gateway() as gateway, serve_health(gateway.gateway, port):
        client = await gateway.connect()
        await client.say("FOO")
        metrics = await asked(port, "GET /metrics HTTP/1.1")
        assert metrics.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4")
        assert 'posthorn_smtp_errors_total{error="invalid-command"} 1\n' in metrics
        assert 'posthorn_smtp_connections_total{tls="yes"} 0\n' in metrics
        for path in ("/health", "/", "/metrics-of-others"):
            assert '"status": "ok"' in await asked(port, f"GET {path} HTTP/1.1")


async def asked(port: int, line: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line.encode() + b"\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(
    ("reply", "error"), [(NO_SERVER, "invalid-server-token"), (REJECTED, "route-rejected")]
)
def test_recipients_that_are_refused_at_the_mx_port_have_names(reply: Reply, error: str) -> None:
    counts = SmtpCounts()
    counts.refused(reply.render())
    assert counts.numbers[f'errors error="{error}"'] == 1
