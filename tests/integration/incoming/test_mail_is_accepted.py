"""Mail that arrives becomes messages: one for each recipient and endpoint, the parts of all servers together."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import INCOMING_QUEUE, Arrival, DeliveryJob, Message, Scope, Status
from chalicelib.domain.tenancy.routes import Condition, Route, RouteMode
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.tenancy.servers import Servers
from tests.incoming_mail import add_endpoint, add_route
from tests.worlds import Scene, make_scene

CONTENT = b"From: a@b.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@b.test>\r\n\r\nHi\r\n"
RECEIVED = b"Received: from b.test (b.test [192.0.2.1]) by us.test with SMTP; now\r\n"


def recipient(route: Route, local: str = "support", **changes: Any) -> IncomingRecipient:
    address = f"{local}@{route.domain}"
    return IncomingRecipient(route.server_id, address, (route,), **changes)


async def accept(scene: Scene, *recipients: IncomingRecipient, **changes: Any) -> list[Message]:
    given: dict[str, Any] = {"content": CONTENT, "received": RECEIVED, "helo": "b.test"}
    given |= {"client": "192.0.2.1", "client_name": "b.test", **changes}
    mail = IncomingMail("a@b.test", recipients, **given)
    return list(await scene.posthorn[AcceptIncoming].submit(mail))


async def test_a_message_is_stored_with_how_it_came_and_waits_in_the_queue_of_incoming_mail() -> (
    None
):
    scene = await make_scene()
    route = await add_route(scene)
    dsn = DsnParameters("FAILURE")
    one = recipient(route, "support+42", dsn=dsn, to=f"{route.token}+42@routes.test")
    (made,) = await accept(scene, one, received_with_ssl=True, smtputf8=True)
    record = await scene.posthorn[MessageStore].get(scene.server.id, made.id, Scope.INCOMING)
    assert record.message == made
    assert (made.mail_from, made.rcpt_to) == ("a@b.test", "support+42@acme.test")
    assert (made.subject, made.message_id, made.dsn) == ("Grüße", "1@b.test", dsn)
    assert (made.origin.pool, made.origin.domain) == (INCOMING_QUEUE, "acme.test")
    assert (made.received_with_ssl, made.smtputf8, made.bounce) == (True, True, False)
    assert made.arrival == Arrival(
        route.id, str(route.endpoint), False, "b.test", "192.0.2.1", "b.test", one.to
    )
    stored = await scene.posthorn[BlobStore].get(made.blob)
    assert stored == RECEIVED + CONTENT
    assert made.size == len(stored)
    (waiting,) = await scene.queue.receive(INCOMING_QUEUE)
    assert waiting.job is not None
    assert waiting.job.message == made


async def test_additional_endpoints_have_messages_of_their_own() -> None:
    scene = await make_scene()
    others = [(await add_endpoint(scene)).id for _ in range(2)]
    route = await add_route(scene, additional_endpoints=tuple(others))
    made = await accept(scene, recipient(route))
    arrivals = [one.arrival for one in made if one.arrival]
    assert [one.endpoint_id for one in arrivals] == [route.endpoint, *others]
    assert [one.additional for one in arrivals] == [False, True, True]
    assert len({one.blob for one in made}) == 1
    assert len({one.id for one in made}) == 3
    assert [one.request for one in made] == [None, made[0].id, made[0].id]


@pytest.mark.parametrize("mode", [RouteMode.ACCEPT, RouteMode.HOLD, RouteMode.BOUNCE])
async def test_a_route_without_endpoint_has_one_message(mode: RouteMode) -> None:
    scene = await make_scene()
    (made,) = await accept(scene, recipient(await add_route(scene, mode=mode)))
    assert made.arrival is not None
    assert made.arrival.endpoint_id == ""


async def test_each_server_stores_its_own_copy_under_its_own_numbers() -> None:
    scene = await make_scene()
    other = await scene.posthorn[Servers].create(scene.organization, "Other")
    mine, theirs = await add_route(scene), await add_route(scene, "sales", other)
    made = await accept(scene, recipient(mine), recipient(theirs, "sales"))
    assert {one.server_id for one in made} == {scene.server.id, other.id}
    for one in made:
        assert await scene.posthorn[BlobStore].get(one.blob) == RECEIVED + CONTENT
    assert len({one.blob for one in made}) == 2


async def test_a_recipient_named_twice_has_one_message() -> None:
    scene = await make_scene()
    route = await add_route(scene)
    first = recipient(route)
    assert len(await accept(scene, first, first)) == 1


async def test_the_first_route_whose_conditions_hold_takes_it() -> None:
    scene = await make_scene()
    wanted = (Condition("header:X-Kind", "bill*"),)
    first = await add_route(scene, priority=1, conditions=wanted)
    second = await add_route(scene, priority=2)
    asked = IncomingRecipient(scene.server.id, "support@acme.test", (first, second))
    (made,) = await accept(scene, asked)
    assert made.arrival is not None
    assert made.arrival.route_id == second.id
    (made,) = await accept(scene, asked, content=b"X-Kind: BILLING\r\n" + CONTENT)
    assert made.arrival is not None
    assert made.arrival.route_id == first.id


async def test_conditions_look_at_the_beginning_of_a_long_field() -> None:
    scene = await make_scene()
    routes = [
        await add_route(scene, priority=at, conditions=(Condition("header:X-Kind", pattern),))
        for at, pattern in enumerate(("*end", "bill*"))
    ]
    asked = IncomingRecipient(scene.server.id, "support@acme.test", tuple(routes))
    long = b"X-Kind: bill" + b"=?utf-8?q?a?= " * 5_000 + b"end\r\n"
    (made,) = await accept(scene, asked, content=long + CONTENT)
    assert made.arrival is not None
    assert made.arrival.route_id == routes[1].id


async def test_what_no_route_takes_is_refused_unless_others_take_it() -> None:
    scene = await make_scene()
    never = (Condition("subject", "never"),)
    picky = await add_route(scene, conditions=never)
    with pytest.raises(Rejected) as refused:
        await accept(scene, recipient(picky))
    assert str(refused.value.reply) == "550 5.7.1 No route takes this message"
    (fixed,) = await accept(scene, recipient(picky, asks=False))
    assert fixed.arrival is not None
    assert fixed.arrival.route_id == picky.id
    plain = await add_route(scene, "sales")
    for made in (
        await accept(scene, recipient(picky), recipient(plain, "sales")),
        await accept(scene, recipient(picky), shared=True),
    ):
        assert made[0].arrival is not None
        assert made[0].arrival.route_id == ""


async def test_a_conditional_route_that_rejects_is_none() -> None:
    scene = await make_scene()
    always = (Condition("subject", "*"),)
    rejecting = await add_route(scene, mode=RouteMode.REJECT, conditions=always)
    with pytest.raises(Rejected) as refused:
        await accept(scene, recipient(rejecting))
    assert str(refused.value.reply) == "550 5.7.1 Route does not accept incoming messages"


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        (b"Received: from x by y; d\r\n" * 49, False),
        (b"Received: from x by y; d\r\n" * 50, True),
        (b"Received: from x by posthorn.example.com with SMTP; d\r\n" * 3, False),
        (b"received: from x BY posthorn.example.com\r\n\twith SMTP; d\r\n" * 4, True),
        (b"Delivered-To: support@acme.test\r\n", True),
        (b"Delivered-To: <Support@ACME.test>\r\n", True),
        (b"Delivered-To: support+1@acme.test\r\n", False),
        (b"Delivered-To: sales@acme.test\r\n", False),
    ],
)
async def test_loops_end_at_data(fields: bytes, refused: bool) -> None:
    scene = await make_scene()
    asked = recipient(await add_route(scene))
    if not refused:
        assert await accept(scene, asked, content=fields + CONTENT)
        return
    with pytest.raises(Rejected) as loop:
        await accept(scene, asked, content=fields + CONTENT)
    assert str(loop.value.reply) == "554 5.4.6 Loop detected"


async def test_what_went_round_for_one_is_taken_for_the_others() -> None:
    scene = await make_scene()
    one, other = [
        await add_route(scene, name, mode=RouteMode.ACCEPT) for name in ("support", "sales")
    ]
    content = b"Delivered-To: support@acme.test\r\n" + CONTENT
    made = await accept(scene, recipient(one), recipient(other, "sales"), content=content)
    jobs = [ReceivedJob(DeliveryJob(each, 0), "") for each in made]
    await scene.posthorn[AttemptDelivery].run(scene.posthorn[CarryIncoming], jobs)
    store = scene.posthorn[MessageStore]
    records = [await store.get(scene.server.id, each.id, Scope.INCOMING) for each in made]
    assert [each.status for each in records] == [Status.HARD_FAIL, Status.PROCESSED]
    assert records[0].deliveries[-1].details == "Loop detected"


@pytest.mark.parametrize(
    "content", [b"A: b\n\r\nx\r\n", b"A: b\r\r\n\r\nx", b"A: b\r\n\r\n\0\r\n", b" A: b\r\n\r\n"]
)
async def test_lines_that_could_hide_a_message_are_refused(content: bytes) -> None:
    scene = await make_scene()
    with pytest.raises(Rejected):
        await accept(scene, recipient(await add_route(scene)), content=content)
    assert not await scene.queue.receive(INCOMING_QUEUE)
