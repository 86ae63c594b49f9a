"""Incoming mail of a scene on its way: it arrives, is carried, and what was logged of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.model import INCOMING_QUEUE, Delivery, Message
from chalicelib.domain.tenancy.endpoints import EndpointType
from chalicelib.domain.tenancy.routes import ROUTES, Route
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail, IncomingRecipient
from chalicelib.services.incoming.pipeline import CarryIncoming
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from tests.incoming_mail import add_endpoint, add_route
from tests.worlds import Scene

CONTENT = (
    b"From: Sender <sender@away.example>\r\nTo: x@acme.test\r\nSubject: Hello\r\n"
    b"Date: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <in@away.example>\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=away.example; s=x; bh=x; b=x\r\n\r\nHi\r\n"
)
RECEIVED = b"Received: from away.example (away.example [192.0.2.1]) by us.test with SMTP; now\r\n"


async def smtp_route(scene: Scene, name: str = "smtp", **changes: Any) -> Route:
    """A route to an SMTP server of the customer."""
    wanted = {"type": EndpointType.SMTP, "hostname": "in.customer.example", **changes}
    endpoint = await add_endpoint(scene, **wanted)
    return await add_route(scene, name, endpoint=endpoint.id)


async def address_route(scene: Scene, name: str = "fwd", **changes: Any) -> Route:
    """A route to an address elsewhere."""
    wanted = {"type": EndpointType.ADDRESS, "address": "other@example.com", **changes}
    endpoint = await add_endpoint(scene, **wanted)
    return await add_route(scene, name, endpoint=endpoint.id)


async def arrives(
    scene: Scene,
    route: Route | None,
    local: str = "",
    mail_from: str = "sender@away.example",
    content: bytes = CONTENT,
    **changes: Any,
) -> Message:
    """A message for a route, or for none; the first that it becomes."""
    of_mail = {one: changes.pop(one) for one in ("smtputf8", "received_with_ssl") if one in changes}
    address = changes.pop("address", f"{local or (route.name if route else 'nobody')}@acme.test")
    routes = () if route is None else (route,)
    recipient = IncomingRecipient(scene.server.id, address, routes, **changes)
    mail = IncomingMail(
        mail_from,
        (recipient,),
        content=content,
        received=RECEIVED,
        helo="away.example",
        client="192.0.2.1",
        client_name="away.example",
        **of_mail,
    )
    return (await scene.posthorn[AcceptIncoming].submit(mail))[0]


async def carry(scene: Scene) -> int:
    """Run attempts for all incoming mail that is to be tried now; returns how many."""
    count = 0
    while received := await scene.queue.receive(INCOMING_QUEUE, 10):
        jobs = [ReceivedJob(each.job, each.receipt) for each in received if each.job]
        left = await scene.posthorn[AttemptDelivery].run(scene.posthorn[CarryIncoming], jobs)
        gone = [each.receipt for each in received if each.receipt not in left]
        await scene.queue.delete(gone)
        count += len(received)
        if left:
            break
    return count


async def carried(scene: Scene, message: Message) -> Delivery:
    """What is logged last of a message, once what is ready was carried."""
    await carry(scene)
    return (await scene.record(message)).deliveries[-1]


async def change_route(scene: Scene, route: Route, **changes: Any) -> Route:
    """Change a route."""
    changed = replace(route, **changes)
    await scene.posthorn[Repository].replace(ROUTES, changed)
    scene.clock.advance(31)
    return changed
