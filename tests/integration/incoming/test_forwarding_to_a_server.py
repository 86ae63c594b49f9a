"""SMTP endpoints: the customer's server gets the message as it is, under a sender that leads back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.errors import SourceUnavailable, TemporaryFailure
from chalicelib.domain.model import Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.endpoints import EndpointSource, SslMode
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.sources import EgressKind
from chalicelib.ports.egress import TransactionResult
from tests.incoming_play import (
    CONTENT,
    RECEIVED,
    address_route,
    arrives,
    carried,
    carry,
    smtp_route,
)
from tests.worlds import Scene, make_scene, publish

HOST = "in.customer.example"


async def scene_with(*addresses: str, settings: Settings | None = None) -> Scene:
    scene = await make_scene(settings)
    zone = scene.posthorn[ScriptedResolver].zone
    zone[HOST] = {
        "A": [one for one in addresses if ":" not in one],
        "AAAA": [one for one in addresses if ":" in one],
    }
    return scene


async def test_the_message_goes_there_unchanged_with_the_recipient_and_its_tag() -> None:
    scene = await scene_with("93.184.216.34")
    message = await arrives(scene, await smtp_route(scene), "smtp+tag")
    last = await carried(scene, message)
    assert (last.status, last.output) == (Status.SENT, "250 2.0.0 OK")
    place = "93.184.216.34:25 (in.customer.example)"
    assert last.details == f"Message for smtp+tag@acme.test accepted by {place}"
    (got,) = scene.egress.received
    assert got.envelope.rcpt_to == "smtp+tag@acme.test"
    local, _, domain = got.envelope.mail_from.rpartition("@")
    assert (local[:5], domain) == ("SRS0=", scene.posthorn.settings.return_path_domain)
    assert local.endswith("=away.example=sender")
    assert got.content.startswith(b"Delivered-To: smtp+tag@acme.test\r\nX-Postal-Spam: no\r\n")
    assert got.content.endswith(RECEIVED + CONTENT)


async def test_a_null_sender_stays_null() -> None:
    scene = await scene_with("93.184.216.34")
    assert await carried(scene, await arrives(scene, await smtp_route(scene), mail_from=""))
    assert scene.egress.received[0].envelope.mail_from == ""


async def test_a_sender_too_long_for_srs_is_written_as_the_return_path() -> None:
    scene = await scene_with("93.184.216.34")
    sender = "a" * 50 + "@away.example"
    await carried(scene, await arrives(scene, await smtp_route(scene), mail_from=sender))
    local, _, domain = scene.egress.received[0].envelope.mail_from.partition("@")
    assert len(local) == 24
    assert domain == scene.posthorn.settings.return_path_domain


async def test_ipv6_comes_first_and_the_next_address_is_tried() -> None:
    scene = await scene_with("93.184.216.34", "2606:2800:220:1::1")
    scene.egress.refuse("2606:2800:220:1::1", TemporaryFailure("Cannot connect."))
    await carried(scene, await arrives(scene, await smtp_route(scene, port=2525)))
    (got,) = scene.egress.received
    assert (got.target.address, got.target.port) == ("93.184.216.34", 2525)


@pytest.mark.parametrize(
    ("mode", "tls"),
    [
        (SslMode.NONE, "None"),
        (SslMode.AUTO, "Auto"),
        (SslMode.STARTTLS, "STARTTLS"),
        (SslMode.TLS, "TLS"),
    ],
)
async def test_it_is_spoken_to_as_the_endpoint_says(mode: SslMode, tls: str) -> None:
    scene = await scene_with("93.184.216.34")
    route = await smtp_route(scene, ssl_mode=mode, username="john", sealed_password=b"x")
    await carried(scene, await arrives(scene, route))
    source = scene.egress.received[0].source
    assert isinstance(source, EndpointSource)
    assert (source.kind, source.host, source.tls) == (EgressKind.SMARTHOST, HOST, tls)
    assert (source.username, source.sealed_password) == ("john", b"x")
    assert source.context == {"item": "endpoint", "endpoint": route.endpoint}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "[::1]", "10.0.0.1.", HOST])
async def test_a_private_server_is_not_connected_to(host: str) -> None:
    scene = await scene_with("127.0.0.1", "fd00::1")
    message = await arrives(scene, await smtp_route(scene, hostname=host))
    last = await carried(scene, message)
    assert last.status is Status.SOFT_FAIL
    assert last.details == f"No SMTP servers were available for {host}. No hosts to try."
    assert (last.output, last.cause) == ("Blocked destination", "policy")
    assert scene.egress.opened == 0


@pytest.mark.parametrize(
    "settings",
    [
        Settings(allow_private_destinations=True),
        Settings(allowed_destinations="127.0.0.0/8"),
        Settings(allowed_destinations=HOST),
    ],
)
async def test_the_operator_may_open_private_ones(settings: Settings) -> None:
    scene = await scene_with("127.0.0.1", settings=settings)
    assert (await carried(scene, await arrives(scene, await smtp_route(scene)))).status == "Sent"


async def test_an_address_is_used_as_it_is() -> None:
    scene = await make_scene()
    route = await smtp_route(scene, hostname="93.184.216.34")
    last = await carried(scene, await arrives(scene, route))
    place = "93.184.216.34:25 (93.184.216.34)"
    assert last.details == f"Message for smtp@acme.test accepted by {place}"


async def test_a_server_without_address_is_tried_again_later() -> None:
    scene = await make_scene()
    last = await carried(scene, await arrives(scene, await smtp_route(scene)))
    assert last.status is Status.SOFT_FAIL
    assert last.details == f"No SMTP servers were available for {HOST}. No hosts to try."


async def test_a_refused_password_is_tried_again_later() -> None:
    scene = await scene_with("93.184.216.34")
    refused = SourceUnavailable("The server refused our credential: 535 5.7.8 No")
    scene.egress.refuse(HOST, refused)
    last = await carried(scene, await arrives(scene, await smtp_route(scene)))
    assert last.status is Status.SOFT_FAIL
    assert last.details == f"No SMTP servers were available for {HOST}. Tried {HOST}."
    assert last.output == refused.public


async def test_a_temporary_refusal_is_retried_by_the_servers_schedule() -> None:
    scene = await scene_with("93.184.216.34")
    await scene.change_server(retry_schedule="1m,1h")
    scene.egress.will(HOST, TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT"))
    message = await arrives(scene, await smtp_route(scene))
    assert (await carried(scene, message)).status is Status.SOFT_FAIL
    assert await carry(scene) == 0
    scene.clock.advance(70)
    assert (await carried(scene, message)).status is Status.SENT


async def test_a_server_of_seven_bits_gets_other_encodings() -> None:
    scene = await scene_with("93.184.216.34")
    scene.egress.seven_bit.add(HOST)
    text = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    content = text + b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    last = await carried(scene, await arrives(scene, await smtp_route(scene), content=content))
    assert last.status is Status.SENT
    assert scene.egress.received[0].content.isascii()


@pytest.mark.parametrize("to", [smtp_route, address_route])
@pytest.mark.parametrize("subject", ["Grüße".encode(), b"Gr\xfc\xdfe"])
async def test_a_raw_header_of_others_goes_as_it_came(
    to: Callable[[Scene], Awaitable[Route]], subject: bytes
) -> None:
    scene = await scene_with("93.184.216.34")
    publish(scene.posthorn, "example.com")
    content = CONTENT.replace(b"Hello", subject)
    await carried(scene, await arrives(scene, await to(scene), content=content))
    (got,) = scene.egress.received
    assert not got.envelope.utf8_header
    assert got.content.endswith(content)


async def test_mail_with_smtputf8_fails_at_a_server_without() -> None:
    scene = await scene_with("93.184.216.34")
    reply = Reply(550, "5.6.7", "The receiving server does not support internationalised addresses")
    scene.egress.will(HOST, TransactionResult(reply, "MAIL"))
    content = CONTENT.replace(b"Hello", "Grüße".encode())
    message = await arrives(
        scene,
        await smtp_route(scene),
        mail_from="jörg@away.example",
        content=content,
        smtputf8=True,
    )
    last = await carried(scene, message)
    assert last.status is Status.HARD_FAIL
    assert scene.egress.received[0].envelope.utf8_header
