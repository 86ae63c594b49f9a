"""Held mail: what holds it, what a person can do with it, and what happens when nobody does anything."""

from __future__ import annotations

import asyncio

import pytest

from chalicelib.domain import lifecycle
from chalicelib.domain.errors import Conflict, Rejected
from chalicelib.domain.model import State, Status
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.credentials import CredentialOptions
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.queues import depth
from tests.worlds import Scene, make_scene

DAY = 86_400


async def held_scene() -> Scene:
    return await make_scene(server=ServerOptions(mode=ServerMode.DEVELOPMENT))


async def test_development_mode_holds_and_release_sends() -> None:
    scene = await held_scene()
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert (record.status, record.held, record.state) == (Status.HELD, True, State.HELD)
    assert record.hold_expires_at is not None
    await scene.posthorn[MessageActions].release(scene.server.id, record.message.id)
    await scene.deliver_ready()
    after = await scene.record(accepted)
    assert (after.status, after.held) == (Status.SENT, False)
    assert [each.status for each in after.deliveries] == [Status.HELD, Status.SENT]


async def test_a_released_message_is_tried_again_without_another_release() -> None:
    scene = await held_scene()
    scene.egress.will("john@example.com", TransactionResult(Reply(451, "4.3.0", "Later"), "RCPT"))
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    await scene.posthorn[MessageActions].release(scene.server.id, accepted.id)
    await scene.play(600)
    after = await scene.record(accepted)
    statuses = [each.status for each in after.deliveries]
    assert statuses == [Status.HELD, Status.SOFT_FAIL, Status.SENT]


async def test_a_credential_can_hold_everything() -> None:
    scene = await make_scene(credential=CredentialOptions(hold=True))
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)
    assert record.deliveries[0].details == (
        "Credential is configured to hold all messages authenticated by it."
    )


async def test_the_send_limit_holds_what_is_above_it() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=3))
    recipients = [f"user{number}@example.com" for number in range(5)]
    accepted = await scene.accept(*recipients)
    await scene.deliver_ready()
    records = [await scene.record(each) for each in accepted]
    assert sum(record.status is Status.SENT for record in records) == 3
    held = [record for record in records if record.status is Status.HELD]
    assert {record.deliveries[0].details for record in held} == {
        "Message held because send limit (3) has been reached."
    }


async def test_a_suspended_server_holds_mail_that_was_accepted_before() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    await scene.posthorn[Servers].suspend(scene.server, "abuse")
    await scene.deliver_ready()
    assert (await scene.record(accepted)).status is Status.HELD
    assert scene.egress.received == []


async def test_cancelling_ends_a_hold_without_sending() -> None:
    scene = await held_scene()
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    await scene.posthorn[MessageActions].cancel(scene.server.id, accepted.id)
    await scene.play(600)
    record = await scene.record(accepted)
    assert (record.status, record.state) == (Status.HOLD_CANCELLED, State.DONE)
    assert scene.egress.received == []


async def test_a_hold_expires_after_seven_days() -> None:
    scene = await held_scene()
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    await scene.play(7 * DAY - 600, step=HALF_DAY)
    assert (await scene.record(accepted)).status is Status.HELD
    await scene.play(1200)
    record = await scene.record(accepted)
    assert record.status is Status.HOLD_CANCELLED
    assert record.deliveries[-1].details == (
        "The hold on this message has been removed without action."
    )


async def test_only_held_mail_can_be_released_and_sent_mail_cannot_be_retried() -> None:
    scene = await make_scene()
    (accepted,) = await scene.accept()
    with pytest.raises(Conflict):
        await scene.posthorn[MessageActions].release(scene.server.id, accepted.id)
    await scene.deliver_ready()
    with pytest.raises(Conflict):
        await scene.posthorn[MessageActions].retry(scene.server.id, accepted.id)


async def test_a_failed_message_can_be_tried_again_and_its_recipient_is_unlisted_when_it_works() -> (
    None
):
    scene = await make_scene()
    refusal = TransactionResult(Reply(550, "5.1.1", "User unknown"), "RCPT")
    scene.egress.will("john@example.com", refusal, refusal)
    await scene.accept()
    await scene.deliver_ready()
    (second,) = await scene.accept()
    await scene.deliver_ready()
    await scene.posthorn[MessageActions].retry(scene.server.id, second.id)
    await scene.deliver_ready()
    record = await scene.record(second)
    assert record.status is Status.SENT
    assert record.deliveries[-1].details.endswith(
        "(mx.example.com). Recipient removed from suppression list"
    )


async def test_a_release_whose_wake_up_was_lost_is_found_by_the_sweeper() -> None:
    scene = await make_scene(server=ServerOptions(mode=ServerMode.DEVELOPMENT))
    (accepted,) = await scene.accept()
    await scene.deliver_ready()
    record = await scene.record(accepted)

    assert await scene.posthorn[MessageStore].replace(
        record, lifecycle.released(record, int(scene.clock.now()))
    )
    await scene.change_server(mode=ServerMode.LIVE)
    await scene.play(120)
    assert (await scene.record(accepted)).status is Status.SENT


HALF_DAY = DAY / 2


async def test_the_send_limit_holds_exactly_in_parallel_batches() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=3))
    accepted = [*await scene.accept(*(f"user{number}@example.com" for number in range(20)))]
    batches = []
    while received := await scene.queue.receive("default", 2):
        batches.append([ReceivedJob(each.job, each.receipt) for each in received])
    await asyncio.gather(
        *(
            scene.posthorn[AttemptDelivery].run(scene.posthorn[SendOutgoing], batch)
            for batch in batches
        )
    )
    records = [await scene.record(each) for each in accepted]
    assert sum(record.status is Status.SENT for record in records) == 3


async def test_content_that_would_continue_our_own_field_is_refused() -> None:
    scene = await make_scene()
    with pytest.raises(Rejected):
        await scene.accept(content=b" From: x@evil.test\r\nFrom: app@acme.test\r\n\r\nHi\r\n")
    assert depth(scene.posthorn) == 0
