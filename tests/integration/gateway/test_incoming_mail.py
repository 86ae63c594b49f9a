"""Mail arrives at the port for it: who takes it is decided at RCPT, what only content tells at DATA (api.md 2.9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.ids import return_path_local
from chalicelib.domain.model import Arrival, Message, Scope, Status
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.routes import RETURN_PATH, Condition, Route, RouteMode
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.incoming.match_report import UNLINKED
from chalicelib.services.incoming.routes import Routes
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.servers import Servers
from gateway.configuration import Role
from tests.gateway_scene import HOST, Client, RunningGateway, running_gateway
from tests.incoming_mail import add_endpoint, add_route
from tests.incoming_play import address_route, arrives, carried, carry
from tests.reported_mail import delivery_report, send
from tests.worlds import Scene, make_scene, publish

CONTENT = b"From: Jane <jane@far.test>\r\nSubject: Hello\r\n\r\nHello\r\n"
REPORT = b"Content-Type: multipart/report; boundary=x\r\n\r\n--x--\r\n"
RP, ROUTES = "rp.posthorn.example.com", "routes.posthorn.example.com"


@asynccontextmanager
async def mx(scene: Scene | None = None) -> AsyncIterator[tuple[RunningGateway, Client]]:
    async with running_gateway(scene=scene) as gateway:
        client = await gateway.connect(Role.MX)
        await client.say("EHLO far.test")
        yield gateway, client


async def to(client: Client, *recipients: str, sender: str = "jane@far.test") -> str:
    """What the last RCPT of a new transaction is answered."""
    await client.say("RSET")
    return str(await client.envelope(*recipients, mail_from=sender))


def arrived(gateway: RunningGateway) -> list[Message]:
    return [one for one in gateway.messages() if one.scope is Scope.INCOMING]


def arrival(message: Message) -> Arrival:
    assert message.arrival is not None
    return message.arrival


async def test_a_message_for_a_route_is_stored_with_who_brought_it() -> None:
    scene = await make_scene(Settings(smtp_hostname=HOST))
    route = await add_route(scene, "*")
    scene.posthorn[ScriptedResolver].zone["127.0.0.1"] = {"PTR": ["mx.far.test"]}
    async with mx(scene) as (gateway, client):
        await client.say("MAIL FROM:<jane@far.test> RET=HDRS ENVID=e1")
        said = await client.say("RCPT TO:<Any.Body+42@ACME.test> NOTIFY=FAILURE")
        assert str(said) == "250 2.1.5 OK"
        said = await client.data(CONTENT)
        (made,) = arrived(gateway)
        assert str(said) == f"250 2.0.0 OK queued as {made.token}"
        assert (made.rcpt_to, made.mail_from) == ("Any.Body+42@ACME.test", "jane@far.test")
        assert made.dsn == DsnParameters("FAILURE", "", "HDRS", "e1")
        assert arrival(made) == Arrival(
            route.id, str(route.endpoint), False, "far.test", "127.0.0.1", "mx.far.test"
        )
        body = await scene.posthorn[BlobStore].get(made.blob)
        trace, _, rest = body.partition(b"\r\n")
        assert rest == CONTENT
        assert trace.startswith(
            f"Received: from far.test (mx.far.test [127.0.0.1]) by {HOST} with SMTP; ".encode()
        )


async def test_a_message_over_tls_says_so() -> None:
    async with mx() as (gateway, client):
        await add_route(gateway.scene)
        await client.start_tls()
        await client.say("EHLO far.test")
        assert (await client.submit(CONTENT, "support@acme.test")).code == 250
        (made,) = arrived(gateway)
        assert made.received_with_ssl


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("support@acme.test", "250 2.1.5 OK"),
        ("SUPPORT+tag@acme.test", "250 2.1.5 OK"),
        ('"support"@acme.test', "250 2.1.5 OK"),
        ("sales@acme.test", "550 5.7.1 Route does not accept incoming messages"),
        ("nobody@acme.test", "550 5.1.1 No such recipient"),
        ("john@example.com", "530 5.7.0 Authentication required"),
        ("john%acme.test@example.com", "530 5.7.0 Authentication required"),
        (f"no-such@{ROUTES}", "550 5.1.1 Invalid route token"),
        (f"nosuch@{RP}", "550 5.1.1 Invalid server token"),
        ("a23456789a23456789a23456@psrp.acme.test", "550 5.1.1 Invalid server token"),
        ("postmaster", "550 5.1.1 There is no postmaster"),
        (f"abuse@{HOST}", "550 5.1.1 There is no postmaster"),
        (
            f"SRS0=aaaaaaaab=22=b.test=a@{RP}",
            "550 5.7.1 This address takes reports on mail that was forwarded alone",
        ),
    ],
)
async def test_rcpt_is_answered_by_whose_it_is(recipient: str, reply: str) -> None:
    async with mx() as (gateway, client):
        await add_route(gateway.scene)
        await add_route(gateway.scene, "sales", mode=RouteMode.REJECT)
        assert await to(client, recipient) == reply


async def test_an_address_that_is_added_is_known_two_seconds_later() -> None:
    async with mx() as (gateway, client):
        await add_route(gateway.scene)
        assert (await to(client, "support@acme.test"))[:3] == "250"
        assert (await to(client, "sales@acme.test"))[:3] == "550"
        await add_route(gateway.scene, "sales")
        gateway.scene.clock.advance(2.1)
        assert (await to(client, "sales@acme.test"))[:3] == "250"


async def test_a_forwarding_address_takes_its_route_and_becomes_its_recipient() -> None:
    async with mx() as (gateway, client):
        never = (Condition("subject", "never"),)
        route = await add_route(gateway.scene, conditions=never)
        named = f"{route.token.upper()}+a+b@{ROUTES.upper()}"
        assert (await client.submit(CONTENT, named)).code == 250
        (made,) = arrived(gateway)
        assert made.rcpt_to == "support+a+b@acme.test"
        assert (arrival(made).route_id, arrival(made).to) == (route.id, named)
        rejecting = await add_route(gateway.scene, "x", mode=RouteMode.REJECT)
        assert await to(client, f"{rejecting.token}@{ROUTES}") == (
            "550 5.7.1 Route does not accept incoming messages"
        )


@pytest.mark.parametrize("has_route", [True, False])
async def test_a_return_path_takes_bounces_with_and_without_a_route(has_route: bool) -> None:
    async with mx() as (gateway, client):
        scene, route = gateway.scene, None
        if has_route:
            route = await add_route(scene, RETURN_PATH, domain="")
        (sent,) = await scene.accept()
        local = return_path_local(sent.token, await scene.posthorn[AddressMac].key())
        for address in (f"{local}@{RP}", f"{local}@psrp.any.test", f"{scene.server.token}@{RP}"):
            await client.say("RSET")
            await client.envelope(address, mail_from="")
            assert (await client.data(REPORT)).code == 250
            made = arrived(gateway)[-1]
            assert (made.bounce, made.rcpt_to, made.mail_from) == (True, address, "")
            assert arrival(made).route_id == (route.id if route else "")


async def test_a_return_path_whose_route_rejects_takes_bounces_all_the_same() -> None:
    """Also one that came to reject when its endpoint was deleted."""
    async with mx() as (gateway, client):
        scene = gateway.scene
        endpoint = await add_endpoint(scene)
        route = await add_route(scene, RETURN_PATH, domain="", endpoint=endpoint.id)
        await scene.posthorn[Endpoints].remove(endpoint)
        rejecting = await scene.posthorn[Routes].get(scene.server, route.id)
        assert rejecting.mode is RouteMode.REJECT
        sent = await send(scene)
        await to(client, sent.return_path, sender="")
        content = delivery_report().replace(b"\n", b"\r\n")
        assert (await client.data(content)).code == 250
        await to(client, sent.return_path, sender="")
        assert (await client.data(CONTENT)).code == 250
        matched, other = arrived(gateway)
        await carry(scene)
        assert await sent.statuses() == [Status.SENT, Status.BOUNCED]
        assert (await scene.record(matched)).status is Status.PROCESSED
        last = (await scene.record(other)).deliveries[-1]
        assert (last.status, last.details) == (Status.HARD_FAIL, UNLINKED)


async def test_a_suspended_server_takes_nothing() -> None:
    scene = await make_scene()
    await add_route(scene)
    await scene.posthorn[Servers].suspend(scene.server, "unpaid")
    async with mx(scene) as (_, client):
        for address in ("support@acme.test", f"{scene.server.token}@{RP}"):
            assert await to(client, address) == "535 5.7.0 Mail server has been suspended"


LONG_SENDER = "a" * 50 + "@b.test"


async def forwarded_under(scene: Scene, sender: str) -> str:
    """The address under which a message of this sender is forwarded."""
    publish(scene.posthorn, "example.com")
    await carried(scene, await arrives(scene, await address_route(scene), mail_from=sender))
    return scene.egress.received.pop().envelope.mail_from


@pytest.mark.parametrize("sender", ["a@b.test", LONG_SENDER])
async def test_reports_on_forwarded_mail_come_back_to_the_server_that_forwarded(
    sender: str,
) -> None:
    async with mx() as (gateway, client):
        scene = gateway.scene
        address = await forwarded_under(scene, sender)
        assert address.startswith("SRS0=") is (sender != LONG_SENDER)
        before = len(arrived(gateway))
        assert (await to(client, address))[:9] == "550 5.7.1"
        assert (await to(client, address.upper(), sender=""))[:3] == "250"
        assert str(await client.data(CONTENT)) == (
            "550 5.7.1 This address takes delivery reports alone"
        )
        for _ in range(10):
            await to(client, address, sender="")
            assert (await client.data(REPORT)).code == 250
        for other in (address, address.upper(), '"{}"@{}'.format(*address.split("@"))):
            await to(client, other, sender="")
            assert str(await client.data(REPORT)) == ("550 5.7.1 Too many reports for this address")
        made = arrived(gateway)[before:]
        assert [(one.server_id, one.bounce) for one in made] == [(scene.server.id, False)] * 10
        scene.clock.advance(11 * 86_400)
        assert (await to(client, address, sender=""))[:9] == "550 5.7.1"


async def test_the_return_path_of_mail_that_was_not_forwarded_leads_back_to_nobody() -> None:
    async with mx() as (gateway, client):
        scene = gateway.scene
        publish(scene.posthorn, "b.test")
        message = await arrives(scene, await add_route(scene), mail_from=LONG_SENDER)
        local = return_path_local(message.token, await scene.posthorn[AddressMac].key())
        before = len(arrived(gateway))
        await to(client, f"{local}@{RP}", sender="")
        await client.data(REPORT)
        (made,) = arrived(gateway)[before:]
        await carry(scene)
        assert (await scene.record(made)).status is Status.HARD_FAIL
        assert not scene.egress.received


async def test_what_comes_for_the_postmaster_is_forwarded_by_the_server_for_system_mail() -> None:
    scene = await make_scene()
    settings = replace(
        scene.posthorn.settings,
        smtp_hostname=HOST,
        postmaster="op@far-away.test",
        system_server=scene.server.full_name,
        system_from="system@acme.test",
    )
    scene = await make_scene(settings)
    async with mx(scene) as (gateway, client):
        for address in ("Postmaster", f"postmaster@{HOST}", f"abuse@{RP}"):
            assert (await to(client, address))[:3] == "250"
            assert (await client.data(CONTENT)).code == 250
        made = gateway.messages()
        assert {one.scope for one in made} == {Scope.OUTGOING}
        assert {one.rcpt_to for one in made} == {"op@far-away.test"}
        assert {one.origin.domain for one in made} == {"acme.test"}
        publish(scene.posthorn, "far-away.test")
        await scene.deliver_ready()
        assert len(scene.egress.received) == 3


async def test_a_client_known_by_address_sends_in_what_is_hosted_here_and_out_the_rest() -> None:
    scene = await make_scene(Settings(smtp_hostname=HOST))
    options = CredentialOptions(network="127.0.0.0/8")
    await scene.posthorn[Credentials].create(scene.server, CredentialKind.SMTP_IP, "here", options)
    await add_route(scene)
    async with mx(scene) as (gateway, client):
        content = CONTENT.replace(b"jane@far.test", b"app@acme.test")
        recipients = ("john@far.test", "support@acme.test", "nobody@acme.test")
        assert (await client.submit(content, *recipients)).code == 250
        made = {one.rcpt_to: one.scope for one in gateway.messages()}
        assert made == {
            "support@acme.test": Scope.INCOMING,
            "john@far.test": Scope.OUTGOING,
            "nobody@acme.test": Scope.OUTGOING,
        }
        # What may not leave is refused whole.
        assert (await client.submit(CONTENT, *recipients)).code == 530
        assert len(gateway.messages()) == 3


async def test_one_transaction_for_two_servers_and_a_stranger() -> None:
    scene = await make_scene()
    other = await scene.posthorn[Servers].create(scene.organization, "Other")
    await add_route(scene)
    extra = await add_endpoint(scene, other)
    await add_route(scene, "sales", other, additional_endpoints=(extra.id,))
    async with mx(scene) as (gateway, client):
        said = await client.submit(CONTENT, "support@acme.test", "x@far.test", "sales@acme.test")
        made = arrived(gateway)
        assert sorted(one.server_id for one in made) == sorted(
            [scene.server.id, other.id, other.id]
        )
        assert said.text.split()[4:] == [one.token for one in made]


async def test_messages_of_all_endpoints_count_as_recipients() -> None:
    scene = await make_scene(Settings(smtp_hostname=HOST, max_recipients=5))
    extra = tuple([(await add_endpoint(scene)).id for _ in range(3)])
    await add_route(scene, "*", additional_endpoints=extra)
    async with mx(scene) as (gateway, client):
        assert (await to(client, "a@acme.test", "b@acme.test"))[:3] == "250"
        assert str(await client.say("RCPT TO:<c@acme.test>")) == "452 4.5.3 Too many recipients"
        assert (await client.data(CONTENT)).code == 250
        assert len(gateway.messages()) == 8


async def test_an_authenticated_client_sends_out_what_is_hosted_here_and_in_what_is_ours() -> None:
    async with running_gateway() as gateway:
        route = await add_route(gateway.scene)
        for role in (Role.SUBMISSION, Role.MX):
            client = await gateway.logged_in(role)
            said = await client.submit(
                CONTENT.replace(b"jane@far.test", b"app@acme.test"),
                "support@acme.test",
                f"{route.token}@{ROUTES}",
            )
            assert said.code == 250
        assert [one.scope for one in gateway.messages()] == [Scope.INCOMING, Scope.OUTGOING] * 2
        assert {one.rcpt_to for one in gateway.messages()} == {"support@acme.test"}


async def test_a_stranger_at_a_port_for_submission_is_asked_who_it_is() -> None:
    async with running_gateway() as gateway:
        await add_route(gateway.scene)
        client = await gateway.connect(Role.SUBMISSION)
        await client.say("EHLO far.test")
        assert await to(client, "support@acme.test") == "530 5.7.0 Authentication required"


async def picky(scene: Scene, name: str, mode: RouteMode = RouteMode.ACCEPT) -> Route:
    return await add_route(scene, name, mode=mode, conditions=(Condition("subject", "bill*"),))


async def test_what_no_conditional_route_takes_is_refused_at_data() -> None:
    async with mx() as (gateway, client):
        await picky(gateway.scene, "bills")
        await picky(gateway.scene, "never", RouteMode.REJECT)
        await add_route(gateway.scene)
        bill = CONTENT.replace(b"Hello\r\n\r\n", b"Bill 7\r\n\r\n")
        said = await client.submit(CONTENT, "bills@acme.test")
        assert str(said) == "550 5.7.1 No route takes this message"
        assert (await client.submit(bill, "bills@acme.test")).code == 250
        said = await client.submit(bill, "never@acme.test")
        assert str(said) == "550 5.7.1 Route does not accept incoming messages"
        assert (await client.submit(CONTENT, "bills@acme.test", "support@acme.test")).code == 250
        without, with_route = arrived(gateway)[-2:]
        assert arrival(without).route_id == ""
        assert arrival(with_route).route_id != ""


async def test_a_loop_and_a_bare_line_feed_end_at_data() -> None:
    async with mx() as (gateway, client):
        await add_route(gateway.scene)
        loop = b"Delivered-To: support@acme.test\r\n" + CONTENT
        said = await client.submit(loop, "support@acme.test")
        assert str(said) == "554 5.4.6 Loop detected"
        said = await client.submit(CONTENT + b"a\nb\r\n", "support@acme.test")
        assert said.code == 554
        large = CONTENT + (b"x" * 70 + b"\r\n") * 20_000
        assert str(await client.submit(large, "support@acme.test"))[:9] == "552 5.3.4"
        assert not gateway.messages()


async def test_an_address_beyond_ascii_comes_with_its_mark() -> None:
    async with mx() as (gateway, client):
        await add_route(gateway.scene, "*")
        await client.say("MAIL FROM:<jürgen@far.test> SMTPUTF8")
        assert (await client.say("RCPT TO:<grüße@acme.test>")).code == 250
        assert (await client.data(CONTENT)).code == 250
        (made,) = arrived(gateway)
        assert (made.smtputf8, made.rcpt_to) == (True, "grüße@acme.test")


async def test_a_directory_that_is_away_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with mx() as (gateway, client):

        async def away(*_: object, **__: object) -> None:
            raise TemporaryFailure("away")

        monkeypatch.setattr(gateway.scene.posthorn[Repository], "all", away)
        assert (await to(client, "support@acme.test"))[:3] == "451"
