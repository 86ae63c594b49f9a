"""An address that routes of two servers fit: the message is of the server whose route takes it."""

from __future__ import annotations

from chalicelib.domain.tenancy.routes import Condition, RouteMode
from chalicelib.services.incoming.accept import AcceptIncoming
from chalicelib.services.incoming.arrivals import IncomingMail
from chalicelib.services.incoming.recipients import Recipients
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from tests.incoming_mail import add_route
from tests.worlds import make_scene

CONTENT = b"From: a@b.test\r\nSubject: %b\r\n\r\nHi\r\n"


async def test_mail_that_falls_through_is_stored_with_its_own_route() -> None:
    scene = await make_scene()
    owner = await scene.posthorn[Organizations].get("acme")
    other = await scene.posthorn[Servers].create(owner, "Other")
    asks = (Condition("subject", "*invoice*"),)
    first = await add_route(scene, "support", conditions=asks, mode=RouteMode.HOLD)
    second = await add_route(scene, "*", other, mode=RouteMode.HOLD)
    for subject, route in ((b"invoice 7", first), (b"hello", second)):
        recipient = await scene.posthorn[Recipients].hosted("support@acme.test")
        assert recipient is not None
        mail = IncomingMail("a@b.test", (recipient,), CONTENT % subject)
        (made,) = await scene.posthorn[AcceptIncoming].submit(mail)
        assert made.arrival is not None
        assert (made.server_id, made.arrival.route_id) == (route.server_id, route.id)
