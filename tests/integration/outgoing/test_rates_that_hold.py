"""New mail of a server or stream with too high a complaint or bounce rate is held, and goes by itself when that has
fallen, or when an operator raises or lifts the limit."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue
from chalicelib.adapters.system.faults import raising
from chalicelib.bootstrap import Parts, in_memory
from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, TemporaryFailure
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.model import SYSTEM_CREDENTIAL, Message, Status
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.periods import Period
from chalicelib.domain.send_options import SendOptions
from chalicelib.domain.statistics import Addition, Count, slot_of
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.waits import WaitCode, wait_of
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.happenings import Happenings
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.limits.hold_for_rates import HoldForRates
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.reputation.watch_rates import WatchRates
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.rate_fields import RatesOfStreams
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.fakes import NOW
from tests.worlds import Scene, beside, make_scene

__all__ = ["aws_backend", "aws_names", "aws_settings"]
HOUR, DAY = 3_600, 86_400
NUMBERS = itertools.count(1)
NAMES = {
    "sent": Count.SENT_MESSAGES,
    "complaints": Count.PROVEN_COMPLAINTS,
    "refused": Count.REFUSED_MESSAGES,
}
ON = ServerOptions(complaint_rate_limit=0.3, bounce_rate_limit=5, rate_limit_count=100)


@pytest.fixture(params=["sqlite", pytest.param("aws", marks=pytest.mark.aws)])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """On either engine, with limits; what waits is in a queue in memory."""
    if request.param == "sqlite":
        yield await make_scene(server=ON)
        return
    clock = ControlledClock(NOW)
    parts: Parts = {Clock: clock, ControlledClock: clock}
    queue = in_memory(parts=parts)[SqliteWorkQueue]
    parts = {**parts, WorkQueue: queue, SqliteWorkQueue: queue}
    found = await make_scene(on_aws=request.getfixturevalue("aws_settings"), parts=parts, server=ON)
    yield found
    found.posthorn[AwsSession].close()


async def counted(
    scene: Scene, stream: str = "transactional", server: Server | None = None, **counts: int
) -> None:
    """So many more were counted in this hour."""
    number, at = str(next(NUMBERS)), scene.clock.now()
    whose = (server or scene.server).id
    slot = slot_of(whose, Period.HOUR, at)
    named = {str(NAMES[name]): many for name, many in counts.items()}
    await scene.posthorn[Statistics].add("test", slot, [Addition(number, named)])
    groups = ((Dimension.STREAM, stream),)
    addition = GroupAddition(number, slot.start, groups, named)
    await scene.posthorn[GroupCounts].add("test", whose, [addition])


async def accept(scene: Scene, stream: str | None = None, to: str = "john@example.com") -> Message:
    """Take a message for a stream."""
    wanted = replace(scene.submission(to), options=SendOptions(stream=stream))
    (made,) = await scene.posthorn[AcceptMail].submit(wanted)
    return made


async def tried(scene: Scene, count: int = 1, stream: str | None = None) -> list[Message]:
    """So many messages, tried once, a second apart."""
    made = []
    for _ in range(count):
        made.append(await accept(scene, stream))
        scene.clock.advance(1)
    await scene.deliver_ready()
    return made


async def statuses(scene: Scene, messages: Sequence[Message]) -> list[Status]:
    return [(await scene.record(one)).status for one in messages]


async def status(scene: Scene, stream: str | None = None) -> Status:
    """What becomes of one more message."""
    (found,) = await statuses(scene, await tried(scene, 1, stream))
    return found


async def stored(scene: Scene) -> Server:
    return await scene.posthorn[Repository].get(SERVERS, Place(of_server(scene.server.id)))


async def looked_anew(scene: Scene) -> None:
    """More than a minute later."""
    scene.clock.advance(61)


async def test_new_mail_is_held_and_goes_when_the_window_is_over(scene: Scene) -> None:
    await counted(scene, sent=1_000, complaints=3)
    assert await status(scene) is Status.SENT  # exactly met
    await counted(scene, complaints=1)
    await looked_anew(scene)
    messages = await tried(scene, 3)
    assert await statuses(scene, messages) == [Status.HELD] * 3
    record = await scene.record(messages[0])
    wait = wait_of(record)
    assert wait is not None
    assert wait.code is WaitCode.COMPLAINT_RATE
    assert wait.detail == "Message held because the complaint rate of the server is above 0.3 %."
    begun = int(scene.clock.now()) // HOUR * HOUR
    assert wait.until == begun + 25 * HOUR
    assert record.hold_expires_at is None
    (hold,) = (await stored(scene)).rate_holds
    assert (hold.rate, hold.counted, hold.base) == (Rate.COMPLAINT, 4, 1_000)
    await scene.play(wait.until - scene.clock.now() - 61, step=HOUR)
    assert await statuses(scene, messages) == [Status.HELD] * 3
    await scene.play(3 * 61)
    found = [await scene.record(one) for one in messages]
    assert [one.status for one in found] == [Status.SENT] * 3
    moments = [one.deliveries[-1].at for one in found]
    assert moments == sorted(moments)
    assert (await stored(scene)).rate_holds == ()


async def test_what_was_let_go_is_told_as_released_by_the_system(scene: Scene) -> None:
    await counted(scene, refused=200)
    (message,) = await tried(scene)
    await scene.change_server(bounce_rate_limit=None)
    await scene.sweep()
    await scene.deliver_ready()
    assert (await scene.record(message)).status is Status.SENT
    assert (await scene.record(message)).released is False


async def test_fewer_than_the_smallest_count_hold_nothing(scene: Scene) -> None:
    await counted(scene, sent=49, refused=50)
    assert await status(scene) is Status.SENT
    await counted(scene, refused=1)
    await looked_anew(scene)
    assert await status(scene) is Status.HELD


async def test_the_rate_of_a_stream_holds_that_stream_alone(scene: Scene) -> None:
    await scene.change_server(complaint_rate_limit=None, bounce_rate_limit=None)
    streams = scene.posthorn[RatesOfStreams]
    scene.server = await streams.change(scene.server, "broadcast", {"bounce_rate_limit": 10.0})
    await counted(scene, "broadcast", refused=100)
    await counted(scene, "transactional", refused=100)
    held = await tried(scene, 2, "broadcast")
    assert await statuses(scene, held) == [Status.HELD] * 2
    assert await status(scene, "transactional") is Status.SENT
    wait = wait_of(await scene.record(held[0]))
    assert wait is not None
    assert wait.code is WaitCode.BOUNCE_RATE
    assert wait.detail.endswith("of the stream broadcast is above 10 %.")
    scene.server = await streams.change(scene.server, "broadcast", {"bounce_rate_limit": None})
    assert scene.server.stream_rates == ()
    await scene.sweep()
    await scene.deliver_ready()
    assert await statuses(scene, held) == [Status.SENT] * 2


async def test_the_rate_of_the_server_holds_all_its_streams(scene: Scene) -> None:
    await counted(scene, "broadcast", refused=100)
    assert await status(scene, "broadcast") is Status.HELD
    assert await status(scene, "transactional") is Status.HELD


async def test_a_limit_that_is_raised_or_lifted_lets_go_with_the_next_sweep(scene: Scene) -> None:
    await counted(scene, sent=900, refused=100)
    held = await tried(scene, 2)
    await scene.change_server(bounce_rate_limit=9)  # still below
    await scene.sweep()
    await scene.deliver_ready()
    assert await statuses(scene, held) == [Status.HELD] * 2
    await scene.change_server(bounce_rate_limit=10.5)
    await scene.sweep()
    await scene.deliver_ready()
    assert await statuses(scene, held) == [Status.SENT] * 2
    assert await status(scene) is Status.SENT


async def test_it_does_not_flap(scene: Scene) -> None:
    await counted(scene, sent=1_000, complaints=4)
    held = await tried(scene)
    await counted(scene, sent=400)  # 0.29 %: below the limit, above four fifths of it
    await scene.play(120)
    assert await statuses(scene, held) == [Status.HELD]
    await counted(scene, sent=400)  # 0.22 %
    await scene.play(120)
    assert await statuses(scene, held) == [Status.SENT]


async def test_a_members_release_does_not_go_past_it_and_an_operators_does(scene: Scene) -> None:
    await counted(scene, refused=200)
    first, second, third = await tried(scene, 3)
    actions, server = scene.posthorn[MessageActions], scene.server.id
    for verb in (actions.release, actions.retry):
        with pytest.raises(Conflict, match="because of the bounce rate: an operator can release"):
            await verb(server, first.id)
    await actions.release(server, first.id, by_operator=True)
    await actions.retry(server, second.id, by_operator=True)
    await scene.deliver_ready()
    assert await statuses(scene, [first, second, third]) == [Status.SENT, Status.SENT, Status.HELD]
    await actions.cancel(server, third.id)
    assert (await scene.record(third)).status is Status.HOLD_CANCELLED
    await scene.play(180)
    assert await statuses(scene, [first, second]) == [Status.SENT] * 2


async def test_another_server_is_not_held(scene: Scene) -> None:
    other = await scene.posthorn[Servers].create(scene.organization, "Other", options=ON)
    await counted(scene, server=other, refused=500)
    assert await status(scene) is Status.SENT
    assert await scene.posthorn[WatchRates].look(other) != ()
    assert (await stored(scene)).rate_holds == ()


async def test_limits_come_from_the_organization_and_the_installation() -> None:
    scene = await make_scene(Settings(bounce_rate_limit="5", rate_limit_count=50))
    await counted(scene, sent=40, refused=20)
    assert await status(scene) is Status.HELD
    organizations = scene.posthorn[Organizations]
    await organizations.update(scene.organization, bounce_rate_limit=40.0)
    await scene.play(120)
    assert await status(scene) is Status.SENT
    await organizations.update(scene.organization, bounce_rate_limit=None)
    await looked_anew(scene)
    assert await status(scene) is Status.HELD
    await scene.change_server(bounce_rate_limit=100)  # never
    assert await status(scene) is Status.SENT


async def test_mail_of_the_installation_itself_is_not_held(scene: Scene) -> None:
    await counted(scene, refused=200)
    gate = scene.posthorn[HoldForRates]
    record = await scene.record(await accept(scene))
    assert await gate.run(record, scene.server) is not None
    ours = replace(
        record,
        message=replace(
            record.message, origin=replace(record.message.origin, credential_id=SYSTEM_CREDENTIAL)
        ),
    )
    assert await gate.run(ours, scene.server) is None


async def test_nothing_is_read_without_limits_and_one_look_a_minute_with_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    port = scene.posthorn[Statistics]
    read = port.read

    async def counting(*given: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*given)

    monkeypatch.setattr(port, "read", counting)
    await tried(scene, 20)
    assert reads == 1
    await looked_anew(scene)
    await tried(scene, 20)
    assert reads == 2
    await scene.change_server(complaint_rate_limit=None, bounce_rate_limit=None)
    await looked_anew(scene)
    await tried(scene, 5)
    assert reads == 2


async def test_counters_that_are_away_hold_nothing_anew_and_let_nothing_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counted(scene, refused=200)
    held = await tried(scene)

    async def away(*_: Any) -> Any:
        raise TemporaryFailure("The counters are away")

    with monkeypatch.context() as patched:
        patched.setattr(scene.posthorn[Statistics], "read", away)
        await looked_anew(scene)
        assert await status(scene) is Status.HELD
        with pytest.raises(TemporaryFailure):
            await scene.sweep()
    assert await statuses(scene, held) == [Status.HELD]
    await scene.change_server(bounce_rate_limit=None)
    await scene.sweep()
    await counted(scene, sent=1_000, complaints=50)
    with monkeypatch.context() as patched:
        patched.setattr(scene.posthorn[Statistics], "read", away)
        await looked_anew(scene)
        assert await status(scene) is Status.SENT


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_worker_that_dies_at_the_line_holds_the_message_once(
    scene: Scene, when: str
) -> None:
    await counted(scene, refused=200)
    gate = scene.posthorn[HoldForRates]
    lines = gate._lines
    gate._lines = raising(lines, "enter", TemporaryFailure("gone"), when, 1)
    message = await accept(scene)
    await scene.deliver_ready()
    gate._lines = lines
    assert (await scene.record(message)).deliveries == ()
    scene.clock.advance(DAY / 48)  # the lease has run out
    await scene.deliver_ready()
    assert (await scene.record(message)).status is Status.HELD
    await scene.change_server(bounce_rate_limit=None)
    await scene.play(120)
    record = await scene.record(message)
    assert [one.status for one in record.deliveries] == [Status.HELD, Status.SENT]
    assert await scene.posthorn[LimitLines].due(scene.clock.now() + DAY, 10) == []


async def test_another_process_keeps_what_was_found() -> None:
    scene = await make_scene(server=ON)
    await counted(scene, refused=200)
    held = await tried(scene)
    scene.posthorn = beside(scene.posthorn, {})
    assert await status(scene) is Status.HELD
    await scene.change_server(bounce_rate_limit=None)
    await scene.play(120)
    assert await statuses(scene, held) == [Status.SENT]


class Heard:
    """What was noted, and whom was told what."""

    def __init__(self, scene: Scene) -> None:
        self.events: list[Occurrence] = []
        self.notices: list[tuple[bool, str, str]] = []

        async def note(occurrences: Sequence[Occurrence]) -> None:
            self.events += occurrences

        async def notify(whom: object, subject: str, text: str) -> None:
            self.notices.append((whom is None, subject, text))

        scene.posthorn[Happenings].note = note  # type: ignore[method-assign]
        scene.posthorn[SystemMail].notify = notify  # type: ignore[method-assign, assignment]


async def test_members_and_operators_are_told_once_an_hour() -> None:
    scene = await make_scene(server=ON)
    heard = Heard(scene)
    await counted(scene, sent=1_000, complaints=4)
    await tried(scene, 3)
    assert [one.type for one in heard.events] == [EventType.SERVER_RATE_EXCEEDED]
    told = json.loads(heard.events[0].detail or "")
    assert {name: told[name] for name in ("rate", "stream", "limit", "percent")} == {
        "rate": "complaint_rate",
        "stream": None,
        "limit": 0.3,
        "percent": 0.4,
    }
    subject = "[acme/app] The complaint rate of the server is too high: its new mail is held"
    assert [(is_operators, title) for is_operators, title, _ in heard.notices] == [
        (True, subject),
        (False, subject),
    ]
    assert (
        "4 of 1000 messages that were delivered were complained about: 0.4 %" in heard.notices[0][2]
    )
    for _ in range(5):  # up and down within an hour
        await scene.change_server(complaint_rate_limit=50)
        await scene.play(61)
        await tried(scene)
        await scene.change_server(complaint_rate_limit=0.3)
        await scene.play(61)
        await tried(scene)
    assert [one.type for one in heard.events].count(EventType.SERVER_RATE_EXCEEDED) == 1
    assert len(heard.notices) <= 4
    scene.clock.advance(HOUR)
    await scene.change_server(complaint_rate_limit=50)
    await scene.play(61)
    await scene.change_server(complaint_rate_limit=0.3)
    await scene.play(61)
    await tried(scene)
    assert [one.type for one in heard.events].count(EventType.SERVER_RATE_EXCEEDED) == 2


async def test_a_message_whose_server_is_gone_leaves_the_line(scene: Scene) -> None:
    await counted(scene, refused=200)
    await tried(scene, 2)
    await scene.posthorn[Repository].remove(SERVERS, await stored(scene))

    scene.clock.advance(120)
    await scene.sweep()
