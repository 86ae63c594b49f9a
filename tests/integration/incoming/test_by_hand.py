"""What people do with one incoming message: release, retry, give up with a bounce, replay."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, InvalidRequest
from chalicelib.domain.model import Message, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.routes import Condition, RouteMode
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.services.incoming.by_hand import IncomingByHand
from chalicelib.services.queue.message_actions import MessageActions
from tests.incoming_mail import add_endpoint, add_route
from tests.incoming_play import (
    arrives,
    carried,
    carry,
    change_route,
    smtp_route,
)
from tests.worlds import Scene, make_scene

OPEN = {"hostname": "93.184.216.34"}
REFUSED = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")


async def texts(scene: Scene, message: Message) -> list[tuple[str, str]]:
    record = await scene.record(message)
    return [(one.status.value, one.details) for one in record.deliveries]


async def entered(scene: Scene) -> list[Any]:
    chain = of_chain(scene.organization.id)
    found = await scene.posthorn[Repository].all(AUDIT_ENTRIES, chain)
    return [one.action for one in found if one.action.startswith("email.") or "email" in one.action]


async def test_a_message_held_by_a_route_is_processed_when_released() -> None:
    scene = await make_scene()
    message = await arrives(scene, await add_route(scene, mode=RouteMode.HOLD))
    assert (await carried(scene, message)).status is Status.HELD
    await scene.posthorn[MessageActions].release(scene.server.id, message.id)
    last = await carried(scene, message)
    assert (last.status, last.details) == (Status.PROCESSED, "Message has been processed.")
    with pytest.raises(Conflict, match="was processed already"):
        await scene.posthorn[MessageActions].retry(scene.server.id, message.id)


async def test_development_mode_holds_until_released() -> None:
    scene = await make_scene()
    await scene.change_server(mode=ServerMode.DEVELOPMENT)
    message = await arrives(scene, await smtp_route(scene, **OPEN))
    last = await carried(scene, message)
    assert (last.status, last.details) == (Status.HELD, "Server is in development mode.")
    await scene.posthorn[MessageActions].release(scene.server.id, message.id)
    assert (await carried(scene, message)).status is Status.SENT


async def test_a_released_one_stays_so_until_it_is_held_again() -> None:
    scene = await make_scene()
    await scene.change_server(mode=ServerMode.DEVELOPMENT)
    scene.egress.will("93.184.216.34", TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT"))
    message = await arrives(scene, await smtp_route(scene, **OPEN))
    assert (await carried(scene, message)).status is Status.HELD
    await scene.posthorn[MessageActions].release(scene.server.id, message.id)
    assert (await carried(scene, message)).status is Status.SOFT_FAIL
    scene.clock.advance(600)
    assert (await carried(scene, message)).status is Status.SENT


async def test_a_failed_one_is_retried_and_bounced_once_only() -> None:
    scene = await make_scene()
    scene.egress.always("93.184.216.34", REFUSED)
    message = await arrives(scene, await smtp_route(scene, **OPEN))
    assert "Sent bounce message" in (await carried(scene, message)).details
    await scene.posthorn[MessageActions].retry(scene.server.id, message.id)
    last = await carried(scene, message)
    assert last.details.endswith("(93.184.216.34). No bounce was sent.")


@pytest.mark.parametrize("mail_from", ["sender@away.example", ""])
async def test_one_that_is_given_up_is_bounced(mail_from: str) -> None:
    scene = await make_scene()
    route = await add_route(scene, mode=RouteMode.HOLD)
    message = await arrives(scene, route, mail_from=mail_from)
    await carry(scene)
    done = await scene.posthorn[IncomingByHand].bounce(scene.server, message.id)
    assert (await texts(scene, message))[-1] == ("HardFail", "Given up by posthorn.")
    assert (await scene.record(message)).bounced_as == done.bounced_as
    if mail_from:
        assert done.bounced_as is not None
        bounce = await scene.posthorn[MessageStore].get(scene.server.id, MessageId(done.bounced_as))
        assert bounce.message.rcpt_to == mail_from
    else:
        assert done.bounced_as is None


async def test_a_replay_is_routed_as_routes_are_now() -> None:
    scene = await make_scene()
    route = await add_route(scene, mode=RouteMode.ACCEPT)
    message = await arrives(scene, route)
    await carry(scene)
    endpoint = await smtp_route(scene, **OPEN)
    await change_route(scene, route, mode=RouteMode.ENDPOINT, endpoint=endpoint.endpoint)
    await scene.posthorn[IncomingByHand].replay(scene.server, message.id)
    assert (await carried(scene, message)).status is Status.SENT
    assert [status for status, _ in await texts(scene, message)] == ["Processed", "Sent"]
    assert scene.egress.received[0].envelope.rcpt_to == "support@acme.test"


async def test_a_replay_is_routed_by_the_whole_subject() -> None:
    scene = await make_scene()
    route = await add_route(
        scene, mode=RouteMode.ACCEPT, conditions=(Condition("subject", "*invoice 7"),)
    )
    subject = b"Subject: =?utf-8?q?" + b"long_" * 100 + b"?=\r\n invoice 7\r\n"
    content = b"From: sender@away.example\r\nSubject: other\r\n" + subject + b"\r\nHi\r\n"
    message = await arrives(scene, route, content=content)
    assert "invoice" not in message.subject
    await carry(scene)
    await scene.posthorn[IncomingByHand].replay(scene.server, message.id)
    last = await carried(scene, message)
    assert (await scene.record(message)).way.route_id == route.id
    assert last.status is Status.PROCESSED


async def test_a_replay_may_go_to_another_endpoint_and_is_never_bounced() -> None:
    scene = await make_scene()
    message = await arrives(scene, await add_route(scene, mode=RouteMode.ACCEPT))
    await carry(scene)
    endpoint = str((await smtp_route(scene, **OPEN)).endpoint)
    scene.egress.always("93.184.216.34", TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT"))
    await scene.posthorn[IncomingByHand].replay(scene.server, message.id, endpoint)
    assert (await carried(scene, message)).status is Status.SOFT_FAIL
    scene.egress.always("93.184.216.34", REFUSED)
    scene.clock.advance(3_600)
    last = await carried(scene, message)
    assert last.details.endswith("(93.184.216.34). No bounce was sent.")
    assert "email.replay" in " ".join(await entered(scene))


async def test_a_replay_names_what_it_cannot_do() -> None:
    scene = await make_scene()
    by_hand = scene.posthorn[IncomingByHand]
    message = await arrives(scene, await add_route(scene, mode=RouteMode.ACCEPT))
    with pytest.raises(InvalidRequest):
        await by_hand.replay(scene.server, message.id, "missing")
    (outgoing,) = await scene.accept()
    with pytest.raises(Conflict, match="was not received here"):
        await by_hand.replay(scene.server, outgoing.id)


async def test_a_disabled_endpoint_holds_and_one_that_is_gone_fails() -> None:
    scene = await make_scene()
    disabled = await add_endpoint(scene, enabled=False)
    route = await add_route(scene, endpoint=disabled.id)
    last = await carried(scene, await arrives(scene, route))
    assert (last.status, last.details) == (Status.HELD, "Endpoint is disabled.")
    gone = await add_route(scene, "gone", endpoint="missing")
    last = await carried(scene, await arrives(scene, gone))
    assert (last.status, last.details) == (Status.HARD_FAIL, "Invalid endpoint for route.")
