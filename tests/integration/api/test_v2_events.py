"""GET /events: what happened, oldest first, by a cursor that never ends."""

from __future__ import annotations

import uuid
from typing import Any

from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.bootstrap import run
from chalicelib.domain import lifecycle
from chalicelib.domain.model import Message, Status
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.outbox import Outbox
from tests.fakes import a_delivery
from tests.http_api import ApiWorld


def tell(api: ApiWorld) -> None:
    """Let the outbox have its turn."""

    async def turn() -> None:
        posthorn = api.scene.posthorn
        changes, position = posthorn[EventFeed].read()
        await posthorn[Outbox].run(SOURCE, changes)
        await posthorn[EventFeed].move(position)

    run(turn())


def deliver(api: ApiWorld, message: Message, status: Status = Status.SENT) -> None:
    scene = api.scene
    before = run(scene.record(message))
    delivery = a_delivery(message.id, status, at=scene.clock.now())
    after = lifecycle.done(before, delivery)
    assert run(scene.posthorn[MessageStore].replace(before, after))


def mail(api: ApiWorld, count: int) -> list[Message]:
    return [run(api.scene.accept(f"john{n}@example.com"))[0] for n in range(count)]


def events(api: ApiWorld, query: str = "", status: int = 200) -> Any:
    reply = api.v2("GET", f"/events{query}")
    assert reply.status == status, reply
    return reply.json


def test_a_list_goes_on_by_its_cursor(api: ApiWorld) -> None:
    empty = events(api)
    assert (empty["data"], empty["has_more"]) == ([], False)
    messages = mail(api, 5)
    for message in messages[:3]:
        deliver(api, message)
    tell(api)
    first = events(api, f"?limit=2&cursor={empty['next_cursor']}")
    assert first["has_more"] is True
    second = events(api, f"?limit=2&cursor={first['next_cursor']}")
    assert second["has_more"] is False
    found = [*first["data"], *second["data"]]
    assert [one["data"]["email"]["to"] for one in found] == [
        f"john{n}@example.com" for n in range(3)
    ]
    assert {one["type"] for one in found} == {"email.delivered"}
    assert {one["server"] for one in found} == {api.scene.server.full_name}
    assert len({uuid.UUID(one["id"]) for one in found}) == 3
    nothing = events(api, f"?cursor={second['next_cursor']}")
    assert (nothing["data"], nothing["has_more"]) == ([], False)
    deliver(api, messages[3], Status.HARD_FAIL)
    tell(api)
    for cursor in (second["next_cursor"], nothing["next_cursor"]):
        later = events(api, f"?cursor={cursor}")
        assert [one["type"] for one in later["data"]] == ["email.failed"]


def test_it_is_narrowed_by_type_and_time(api: ApiWorld) -> None:
    one, two = mail(api, 2)
    deliver(api, one)
    api.scene.clock.advance(100)
    deliver(api, two, Status.HARD_FAIL)
    tell(api)
    failed = events(api, "?type=email.failed")
    assert [each["type"] for each in failed["data"]] == ["email.failed"]
    since = failed["data"][0]["timestamp"]
    late = events(api, f"?since={since}")
    assert [each["id"] for each in late["data"]] == [failed["data"][0]["id"]]
    # A cursor is a place in the list, whenever one began to read.
    assert events(api, f"?cursor={late['next_cursor']}")["data"] == []
    assert events(api, f"?cursor={late['next_cursor']}&type=email.failed", 422)
    assert events(api, "?type=email.nothing", 422)
    assert events(api, "?since=yesterday", 422)
    assert events(api, "?cursor=nonsense", 422)["errors"][0]["pointer"] == "/cursor"


def test_they_are_there_for_a_day(api: ApiWorld) -> None:
    (message,) = mail(api, 1)
    deliver(api, message)
    tell(api)
    api.scene.clock.advance(24 * 3_600)
    assert len(events(api)["data"]) == 1
    api.scene.clock.advance(3_601)
    assert events(api)["data"] == []


def test_a_key_needs_the_scope(api: ApiWorld) -> None:
    assert api.v2("GET", "/events", key="nonsense").status == 401
