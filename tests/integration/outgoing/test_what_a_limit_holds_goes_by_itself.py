"""Mail above a send limit is held, and sent by itself: in the order of acceptance, evenly, and at once when the limit
is lifted or raised."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.domain import lifecycle
from chalicelib.domain.changes import Operated
from chalicelib.domain.events.occurrences import occurrences
from chalicelib.domain.limits.limit import (
    Limit,
    LimitOwner,
    OwnerKind,
    Standing,
    limits_over,
)
from chalicelib.domain.model import Delivery, Message, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.suppression import Suppression
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.domain.tenancy.servers import ServerMode
from chalicelib.domain.waits import WaitCode, wait_of
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.events.record_operations import RecordOperations
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.listed import list_new
from tests.worlds import Scene, make_scene

HOUR, DAY = 3_600, 86_400
LATER = 2_000_000_000


async def accepted_and_tried(scene: Scene, count: int) -> list[Message]:
    made = []
    for number in range(count):
        made += await scene.accept(f"user{number}@example.com")
        scene.clock.advance(1)
    await scene.deliver_ready()
    return made


async def statuses(scene: Scene, messages: list[Message]) -> list[Status]:
    return [(await scene.record(one)).status for one in messages]


async def sent_at(scene: Scene, message: Message) -> float:
    record = await scene.record(message)
    assert record.status is Status.SENT
    return record.deliveries[-1].at


async def test_what_was_held_goes_in_order_when_the_window_has_places() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=4))
    messages = await accepted_and_tried(scene, 10)
    assert await statuses(scene, messages) == [Status.SENT] * 4 + [Status.HELD] * 6
    begun = scene.clock.now()
    await scene.play(59 * 60)
    assert await statuses(scene, messages[4:]) == [Status.HELD] * 6
    await scene.play(2 * HOUR)
    moments = [await sent_at(scene, one) for one in messages[4:]]
    assert moments == sorted(moments)
    assert moments[0] >= begun + HOUR - 10
    # One each quarter of an hour, for there may be four in an hour.
    gaps = [later - before for before, later in pairwise(moments)]
    assert all(gap >= 900 for gap in gaps)
    assert max(gaps) <= 1_020
    every = sorted([await sent_at(scene, one) for one in messages])
    for number, moment in enumerate(every):
        assert len([one for one in every[number:] if one < moment + HOUR]) <= 4


async def test_held_mail_says_why_and_until_when() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    messages = await accepted_and_tried(scene, 3)
    record = await scene.record(messages[1])
    wait = wait_of(record)
    assert wait is not None
    assert wait.code is WaitCode.SEND_LIMIT
    assert wait.detail == "Message held because send limit (1) has been reached."
    assert record.hold_expires_at is None
    later = wait_of(await scene.record(messages[2]))
    assert later is not None
    now = scene.clock.now()
    assert wait.until is not None
    assert later.until is not None
    assert now + HOUR - 10 <= wait.until <= now + HOUR + 60
    assert later.until == wait.until + HOUR


async def test_later_mail_is_held_behind_what_is_held() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=2))
    messages = await accepted_and_tried(scene, 3)
    scene.clock.advance(2 * HOUR)  # nobody has looked at the line yet, and the window is empty
    late = await accepted_and_tried(scene, 1)
    assert await statuses(scene, late) == [Status.HELD]
    await scene.play(HOUR)
    assert await sent_at(scene, messages[2]) < await sent_at(scene, late[0])
    # The line is gone: mail goes on freely.
    await scene.play(2 * HOUR)
    assert await statuses(scene, await accepted_and_tried(scene, 2)) == [Status.SENT] * 2


async def test_a_limit_that_is_lifted_or_raised_lets_go_at_once() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=2))
    messages = await accepted_and_tried(scene, 40)
    await scene.change_server(send_limit=5)
    await scene.sweep()
    await scene.deliver_ready()
    assert await statuses(scene, messages) == [Status.SENT] * 5 + [Status.HELD] * 35
    await scene.change_server(send_limit=None)
    await scene.sweep()
    await scene.deliver_ready()
    assert await statuses(scene, messages) == [Status.SENT] * 40


async def test_a_release_by_a_person_does_not_go_past_the_limit_and_keeps_the_place() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    messages = await accepted_and_tried(scene, 3)
    await scene.posthorn[MessageActions].release(scene.server.id, messages[2].id)
    await scene.deliver_ready()
    record = await scene.record(messages[2])
    assert [one.status for one in record.deliveries] == [Status.HELD] * 2
    await scene.posthorn[MessageActions].release(scene.server.id, messages[1].id)
    await scene.deliver_ready()
    await scene.play(5 * HOUR)
    assert await sent_at(scene, messages[1]) < await sent_at(scene, messages[2])


async def test_what_a_person_overruled_stays_so_when_the_limit_lets_go() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    now = scene.clock.now()
    entry = Suppression("user1@example.com", "too many hard fails", now, int(now) + 9 * DAY)
    await list_new(scene.posthorn[SuppressionList], scene.server.id, [entry])
    messages = await accepted_and_tried(scene, 2)
    assert (await scene.record(messages[1])).deliveries[-1].details.startswith("Recipient (")
    await scene.posthorn[MessageActions].release(scene.server.id, messages[1].id)
    await scene.deliver_ready()
    assert (await scene.record(messages[1])).limit_hold is not None
    await scene.play(2 * HOUR)
    assert await statuses(scene, messages) == [Status.SENT] * 2


async def test_what_is_cancelled_keeps_nobody_waiting() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    messages = await accepted_and_tried(scene, 4)
    await scene.posthorn[MessageActions].cancel(scene.server.id, messages[1].id)
    await scene.posthorn[MessageActions].bounce(scene.server.id, messages[2].id)
    await scene.play(62 * 60)
    assert await statuses(scene, messages) == [
        Status.SENT,
        Status.HOLD_CANCELLED,
        Status.HARD_FAIL,
        Status.SENT,
    ]


async def test_the_hold_of_a_limit_does_not_expire() -> None:
    scene = await make_scene(server=ServerOptions(send_limit_month=1))
    messages = await accepted_and_tried(scene, 2)
    await scene.play(8 * DAY, step=DAY / 4)
    assert await statuses(scene, messages) == [Status.SENT, Status.HELD]
    await scene.play(30 * DAY, step=DAY / 4)
    assert await statuses(scene, messages) == [Status.SENT] * 2


async def test_each_message_counts_once() -> None:
    """Not again when a limit let it go, nor when a person has it tried again."""
    scene = await make_scene(server=ServerOptions(send_limit=1, send_limit_day=3))
    messages = await accepted_and_tried(scene, 3)
    await scene.play(4 * HOUR)
    assert await statuses(scene, messages) == [Status.SENT] * 3
    assert all([(await scene.record(one)).counted for one in messages])
    assert await statuses(scene, await accepted_and_tried(scene, 1)) == [Status.HELD]


async def test_the_limits_of_organization_and_credential_hold_too() -> None:
    scene = await make_scene(credential=CredentialOptions(send_limit=3))
    organization = await scene.posthorn[Organizations].update(scene.organization, send_limit_day=5)
    assert organization.send_limit_day == 5
    messages = await accepted_and_tried(scene, 4)
    assert await statuses(scene, messages) == [Status.SENT] * 3 + [Status.HELD]
    other = await scene.posthorn[Servers].create(organization, "Other")
    assert other.organization_limits.day == 5
    _, key = await scene.posthorn[Credentials].create(other, scene.principal.credential.kind, "x")
    assert key
    held = [(await scene.record(one)).limit_hold for one in messages]
    assert held[3] is not None
    assert (held[3].owner, held[3].credential) == ("credential", scene.principal.credential.id)


async def test_what_a_revoked_credential_had_counted_is_forgotten() -> None:
    scene = await make_scene(credential=CredentialOptions(send_limit=3))
    messages = await accepted_and_tried(scene, 4)
    credential = scene.principal.credential
    limit = next(one for one in limits_over(scene.server, credential) if one.owner.credential)
    places, now = scene.posthorn[SendLimits], scene.clock.now()
    assert [one.used for one in await places.usages([limit], now)] == [3]
    await scene.posthorn[Credentials].revoke(scene.server, credential.id)
    assert [one.used for one in await places.usages([limit], now)] == [0]
    await scene.play(120)
    assert await statuses(scene, messages) == [Status.SENT] * 4
    assert await scene.posthorn[LimitLines].state(limit.line) is None


async def test_mail_that_another_limit_has_no_place_for_goes_over_to_its_line() -> None:
    """So that it keeps nobody waiting who is not under that limit."""
    scene = await make_scene(server=ServerOptions(send_limit=1, send_limit_day=2))
    messages = await accepted_and_tried(scene, 3)
    await scene.play(3 * HOUR)
    assert await statuses(scene, messages) == [Status.SENT, Status.SENT, Status.HELD]
    record = await scene.record(messages[2])
    assert record.limit_hold is not None
    assert record.limit_hold.period == "day"
    assert record.deliveries[-1].details == "Message held because send limit (2) has been reached."
    await scene.play(26 * HOUR, step=600)
    assert await statuses(scene, messages) == [Status.SENT] * 3


async def test_what_one_limit_lets_go_stands_behind_those_whom_a_wider_one_holds() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=4))
    messages = await accepted_and_tried(scene, 7)
    await scene.posthorn[Organizations].update(scene.organization, send_limit_day=500)
    shared = Limit(LimitOwner(OwnerKind.ORGANIZATION, scene.organization.id), Period.DAY, 500)
    first = replace(Standing.of(messages[0], 1), at=1.0, message=MessageId(999))
    await scene.posthorn[LimitLines].enter(shared, first, scene.clock.now() + 9 * HOUR)
    await scene.play(65 * 60)
    holds = [(await scene.record(one)).limit_hold for one in messages[4:]]
    # Only what its own limit has a place for goes over.
    assert [one and one.owner for one in holds] == ["organization", "server", "server"]
    await scene.play(12 * HOUR)
    assert await statuses(scene, messages) == [Status.SENT] * 7
    assert [len((await scene.record(one)).deliveries) for one in messages[4:]] == [3] * 3


async def test_development_mode_and_a_suspension_hold_what_a_limit_lets_go() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    messages = await accepted_and_tried(scene, 3)
    await scene.change_server(mode=ServerMode.DEVELOPMENT)
    await scene.play(62 * 60)
    record = await scene.record(messages[1])
    assert record.deliveries[-1].details == "Server is in development mode."
    assert record.hold_expires_at is not None
    await scene.posthorn[Servers].suspend(scene.server, "abuse")
    await scene.play(2 * HOUR)
    wait = wait_of(await scene.record(messages[2]))
    assert wait is not None
    assert wait.code is WaitCode.SUSPENDED


async def test_mail_in_development_mode_is_released_one_by_one() -> None:
    scene = await make_scene(server=ServerOptions(mode=ServerMode.DEVELOPMENT))
    messages = await accepted_and_tried(scene, 3)
    for one in messages:
        wait = wait_of(await scene.record(one))
        assert wait is not None
        assert (wait.code, wait.until) == (
            WaitCode.DEVELOPMENT,
            (await scene.record(one)).hold_expires_at,
        )
    await scene.posthorn[MessageActions].release(scene.server.id, messages[1].id)
    await scene.deliver_ready()
    assert await statuses(scene, messages) == [Status.HELD, Status.SENT, Status.HELD]


async def test_who_let_it_go_is_told_and_nobody_is_audited() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    messages = await accepted_and_tried(scene, 2)
    await scene.play(62 * 60)
    assert await statuses(scene, messages) == [Status.SENT] * 2
    changes, _ = scene.posthorn[EventFeed].read()
    (operated,) = [one for one in changes if isinstance(one, Operated)]
    operation = operated.operation
    assert (operated.message, operation.verb) == (messages[1].id, "release")
    assert (operation.actor_kind, operation.actor_id) == ("system", "server/hour")
    released = [
        one
        for change in changes
        for one in occurrences(change)
        if one.type is EventType.EMAIL_RELEASED
    ]
    (told,) = released
    assert json.loads(told.detail or "")["by"] == {
        "kind": "system",
        "id": "server/hour",
        "name": "send limit",
    }
    before = await scene.posthorn[Repository].all(
        AUDIT_ENTRIES, of_chain(scene.server.organization_id)
    )
    await scene.posthorn[RecordOperations].take("mail", changes)
    after = await scene.posthorn[Repository].all(
        AUDIT_ENTRIES, of_chain(scene.server.organization_id)
    )
    assert after == before


@pytest.mark.parametrize("fate", [Status.SENT, Status.HELD])
async def test_what_a_dead_worker_left_in_a_line_is_not_let_go_and_keeps_nobody_behind_it(
    fate: Status,
) -> None:
    """It died before the record said that the message is held, and another worker sent it, or held it for a person."""
    scene = await make_scene(server=ServerOptions(send_limit=9))
    (message,) = await scene.accept()
    (limit,) = limits_over(scene.server)
    await scene.posthorn[LimitLines].enter(limit, Standing.of(message, 1), scene.clock.now())
    await scene.sweep()
    assert await scene.posthorn[LimitLines].first(limit.line, 9) == [Standing.of(message, 1)]
    record = await scene.record(message)
    delivery = Delivery(9, fate, "", scene.clock.now())
    ended = fate is Status.SENT
    after = lifecycle.done(record, delivery) if ended else lifecycle.held(record, delivery, LATER)
    assert after.attempt == 1
    assert await scene.posthorn[MessageStore].replace(record, after)
    scene.clock.advance(61)
    await scene.sweep()
    assert await scene.posthorn[LimitLines].state(limit.line) is None
    assert (await scene.record(message)).status is fate
