"""SMTP endpoints spoken to over the network: encryption that is asked for is real, and passwords stay under it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.model import INCOMING_QUEUE, Delivery, Status
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, SslMode
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.ports.egress import Egress
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from tests.incoming_play import arrives, smtp_route
from tests.peers import SmtpPeer, certificate
from tests.worlds import Scene, beside, make_scene

TRUSTING = Settings(allow_private_destinations=True, ca_file=str(certificate()[1]))
PASSWORD = b"s3cret-p4ss"
SAID = b"AUTH PLAIN " + base64.b64encode(b"\0john\0" + PASSWORD)


async def handed_over(peer: SmtpPeer, settings: Settings = TRUSTING, **changes: Any) -> Delivery:
    """What is logged of one attempt at the peer."""
    scene = await make_scene(settings)
    scene.posthorn[ScriptedResolver].zone["peer.test"] = {"A": ["127.0.0.1"]}
    scene.posthorn[ScriptedResolver].zone["impostor.test"] = {"A": ["127.0.0.1"]}
    route = await smtp_route(scene, **{"hostname": "peer.test", "port": peer.port, **changes})
    if changes.get("username"):
        await with_password(scene, str(route.endpoint))
    message = await arrives(scene, route, content=b"Subject: x\r\n\r\nx\r\n")
    egress = NetworkEgress(settings, scene.posthorn[KeyVault])
    program = beside(scene.posthorn, {Egress: egress})
    received = await scene.queue.receive(INCOMING_QUEUE, 10)
    jobs = [ReceivedJob(each.job, each.receipt) for each in received if each.job]
    assert await program[AttemptDelivery].run(program[CarryIncoming], jobs) == set()
    await egress.close()
    return (await scene.record(message)).deliveries[-1]


async def with_password(scene: Scene, identifier: str) -> None:
    repository = scene.posthorn[Repository]
    endpoint = await repository.get(ENDPOINTS, Place(of_server(scene.server.id), identifier))
    sealed = await scene.posthorn[KeyVault].seal(PASSWORD, endpoint.context)
    await repository.replace(ENDPOINTS, replace(endpoint, sealed_password=sealed))


@pytest.mark.parametrize(
    ("mode", "offered", "is_encrypted"),
    [
        (SslMode.NONE, True, False),
        (SslMode.AUTO, True, True),
        (SslMode.AUTO, False, False),
        (SslMode.STARTTLS, True, True),
        (SslMode.TLS, False, True),
    ],
)
async def test_modes(mode: SslMode, offered: bool, is_encrypted: bool) -> None:
    keywords = ["STARTTLS"] if offered else []
    async with SmtpPeer(keywords=keywords, implicit_tls=mode is SslMode.TLS) as peer:
        last = await handed_over(peer, ssl_mode=mode)
        assert (last.status, last.sent_with_ssl) == (Status.SENT, is_encrypted), last
        assert (peer.connections[0].tls is not None) is is_encrypted


@pytest.mark.parametrize("mode", [SslMode.STARTTLS, SslMode.TLS])
async def test_a_password_goes_under_tls_that_is_verified(mode: SslMode) -> None:
    keywords = ["STARTTLS", "AUTH PLAIN LOGIN"]
    async with SmtpPeer(keywords=keywords, implicit_tls=mode is SslMode.TLS) as peer:
        last = await handed_over(peer, ssl_mode=mode, username="john")
        assert last.status is Status.SENT, last
        assert peer.connections[0].auth == [SAID]


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        (TRUSTING, {"hostname": "impostor.test"}),
        (Settings(allow_private_destinations=True), {}),
    ],
)
@pytest.mark.parametrize("mode", [SslMode.STARTTLS, SslMode.TLS])
async def test_a_certificate_that_does_not_verify_gets_nothing(
    mode: SslMode, settings: Settings, changes: dict[str, Any]
) -> None:
    keywords = ["STARTTLS", "AUTH PLAIN"]
    async with SmtpPeer(keywords=keywords, implicit_tls=mode is SslMode.TLS) as peer:
        last = await handed_over(peer, settings, ssl_mode=mode, username="john", **changes)
        assert last.status is Status.SOFT_FAIL
        assert last.output == "The TLS handshake failed."
        assert not any(each.auth for each in peer.connections)
        assert peer.mails == []


async def test_encryption_that_is_not_offered_is_not_done_without() -> None:
    async with SmtpPeer(keywords=["AUTH PLAIN"]) as peer:
        last = await handed_over(peer, ssl_mode=SslMode.STARTTLS, username="john")
        assert last.status is Status.SOFT_FAIL
        host = "No SMTP servers were available for peer.test. Tried peer.test."
        assert (last.details, last.output) == (host, "The server offers no TLS.")
        assert peer.mails == []


async def test_an_address_is_verified_as_the_address_that_it_is() -> None:
    async with SmtpPeer(implicit_tls=True) as peer:
        last = await handed_over(peer, ssl_mode=SslMode.TLS, hostname="127.0.0.1")
        assert last.status is Status.SENT, last


async def without_smtputf8(peer: SmtpPeer, content: bytes, *, smtputf8: bool) -> Delivery:
    """What is logged of a message that is handed to a server without SMTPUTF8."""
    scene = await make_scene(TRUSTING)
    route = await smtp_route(scene, hostname="127.0.0.1", port=peer.port)
    message = await arrives(scene, route, content=content, smtputf8=smtputf8)
    egress = NetworkEgress(TRUSTING, scene.posthorn[KeyVault])
    program = beside(scene.posthorn, {Egress: egress})
    received = await scene.queue.receive(INCOMING_QUEUE, 10)
    jobs = [ReceivedJob(each.job, each.receipt) for each in received if each.job]
    await program[AttemptDelivery].run(program[CarryIncoming], jobs)
    await egress.close()
    return (await scene.record(message)).deliveries[-1]


async def test_a_server_without_smtputf8_refuses_what_needs_it() -> None:
    async with SmtpPeer(keywords=["8BITMIME"]) as peer:
        content = "Subject: Grüße\r\n\r\nx\r\n".encode()
        last = await without_smtputf8(peer, content, smtputf8=True)
        assert last.status is Status.HARD_FAIL
        assert (last.output or "").startswith("550 5.6.7")
        assert "Sent bounce message" in last.details
        assert peer.mails == []


@pytest.mark.parametrize("subject", ["Grüße".encode(), b"Gr\xfc\xdfe"])
async def test_a_raw_header_of_mail_without_smtputf8_is_passed_on_as_it_came(
    subject: bytes,
) -> None:
    async with SmtpPeer(keywords=["8BITMIME"]) as peer:
        content = b"Subject: " + subject + b"\r\n\r\nx\r\n"
        last = await without_smtputf8(peer, content, smtputf8=False)
        assert last.status is Status.SENT
        (mail,) = peer.mails
        assert mail.content.endswith(content)
