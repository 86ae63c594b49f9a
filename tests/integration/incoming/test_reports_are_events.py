"""A bounce and a complaint are an event each, the first time, with the report that says so."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.ports.event_log import EventLog
from chalicelib.services.events.compose import ComposeEvents
from chalicelib.services.events.outbox import Outbox
from tests.reported_mail import arrive, complaint, delivery_report, send
from tests.worlds import Scene, make_scene


async def events(scene: Scene) -> dict[str, list[Any]]:
    """The data of each type that has happened, of both formats."""
    posthorn = scene.posthorn
    changes, position = posthorn[EventFeed].read()
    await posthorn[Outbox].run(SOURCE, changes)
    await posthorn[EventFeed].move(position)
    page = await posthorn[EventLog].page(scene.server.id, limit=100)
    found: dict[str, list[Any]] = {}
    for one in await posthorn[ComposeEvents].compose(scene.server.id, page.occurrences):
        assert one.v2 is not None
        postal = None if one.postal is None else json.loads(one.postal)
        found.setdefault(one.occurrence.type.value, []).append((json.loads(one.v2), postal))
    return found


async def test_each_is_told_the_first_time() -> None:
    scene = await make_scene()
    sent = await send(scene)
    bounces = [await arrive(scene, sent.return_path, delivery_report()) for _ in range(2)]
    for _ in range(2):
        await arrive(scene, sent.return_path, complaint())
    told = await events(scene)
    first, *_, last = await sent.reports()
    ((bounced, postal),) = told["email.bounced"]
    assert bounced["data"]["report"]["id"] == first.id
    assert bounced["data"]["email"]["status"] == "Bounced"
    payload = postal["payload"]
    assert list(payload) == ["original_message", "bounce"]
    assert payload["original_message"]["id"] == sent.message.id
    assert payload["bounce"]["id"] == bounces[0].message.id
    assert payload["bounce"]["spam_status"] == "NotChecked"
    ((complained, nothing),) = told["email.complained"]
    assert nothing is None
    report = complained["data"]["report"]
    assert (report["kind"], report["id"] < last.id) == ("complaint", True)
    assert len(told["email.received"]) == 4
