"""That a limit is near or was met is an event of the server and a notice to the members, each once an hour."""

from __future__ import annotations

import json

from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.ports.happenings import Happenings
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.system_mail import SystemMail
from chalicelib.services.tenancy.servers import ServerOptions
from tests.used_limits import usages
from tests.worlds import Scene, beside, make_scene


class Heard:
    """What was noted, and what members were told."""

    def __init__(self, scene: Scene) -> None:
        self.events: list[Occurrence] = []
        self.notices: list[str] = []
        port, mail = scene.posthorn[Happenings], scene.posthorn[SystemMail]

        async def note(occurrences: list[Occurrence]) -> None:
            self.events += occurrences

        async def notify(_: object, subject: str, text: str) -> None:
            self.notices.append(f"{subject}: {text}")

        port.note, mail.notify = note, notify  # type: ignore[method-assign, assignment]

    @property
    def types(self) -> list[EventType]:
        return [one.type for one in self.events]


async def send(scene: Scene, count: int) -> None:
    for _ in range(count):
        await scene.accept()
        await scene.deliver_ready()


async def test_each_is_told_once_an_hour() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=10))
    heard = Heard(scene)
    await send(scene, 9)
    assert heard.types == []
    await send(scene, 1)
    assert heard.types == [EventType.SERVER_LIMIT_APPROACHING]
    await send(scene, 5)
    assert heard.types == [EventType.SERVER_LIMIT_APPROACHING, EventType.SERVER_LIMIT_EXCEEDED]
    near, met = heard.events
    moment = int(scene.clock.now()) // 3_600
    assert near.what == f"s{scene.server.id}/hour/{moment}"
    assert json.loads(near.detail or "") == {
        "owner": "server",
        "period": "hour",
        "limit": 10,
        "used": 10,
        "action": "hold",
        "resets_at": json.loads(met.detail or "")["resets_at"],
    }
    assert heard.notices == [
        "[acme/app] Mail server is approaching its send limit: The limit of the server is 10 messages in 60 minutes, "
        "and 10 of them are used.",
        "[acme/app] Mail server has exceeded its send limit: The limit of the server is 10 messages in 60 minutes. "
        "Mail above it is held, and is sent by itself, in the order of acceptance, as places come free.",
    ]
    scene.clock.advance(3_601)
    await send(scene, 2)
    assert heard.types.count(EventType.SERVER_LIMIT_EXCEEDED) == 2


async def test_another_process_does_not_tell_of_it_again() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=1))
    heard = Heard(scene)
    await send(scene, 2)
    other = beside(scene.posthorn, {})
    assert other[SendOutgoing] is not scene.posthorn[SendOutgoing]
    scene.posthorn = other
    await send(scene, 2)
    assert heard.types.count(EventType.SERVER_LIMIT_EXCEEDED) == 1


async def test_usage_shows_the_limits_of_server_and_organization() -> None:
    scene = await make_scene(server=ServerOptions(send_limit=5, send_limit_month=9))
    await send(scene, 2)
    found = await usages(scene)
    assert [(one.limit.period.value, one.used, one.limit.most) for one in found] == [
        ("hour", 2, 5),
        ("month", 2, 9),
    ]
    now = scene.clock.now()
    assert now + 3_600 <= found[0].resets_at <= now + 3_660
    assert found[1].resets_at > now
