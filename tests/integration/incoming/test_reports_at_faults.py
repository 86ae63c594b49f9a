"""A report acts once, wherever its worker failed between two writes."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.adapters.system.faults import raising
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord, Status
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.act_on_report import ActOnReport
from chalicelib.services.incoming.match_report import MatchReport
from chalicelib.services.suppress import SuppressRecipients
from tests.reported_mail import arrive, delivery_report, send, work
from tests.worlds import Scene, make_scene

PLACES = [
    (MatchReport, "_messages", "get", 1),
    (ActOnReport, "_numbers", "take", 1),
    (ActOnReport, "_reports", "add", 1),
    (ActOnReport, "_messages", "deliveries", 1),
    (ActOnReport, "_numbers", "take", 2),
    (ActOnReport, "_messages", "replace", 1),
    (SuppressRecipients, "_suppressions", "get", 1),
    (SuppressRecipients, "_suppressions", "put", 1),
]


async def worked_off(scene: Scene, record: MessageRecord) -> MessageRecord:
    """Time passes until it is done."""
    for _ in range(5):
        if record.status is Status.PROCESSED:
            break
        scene.clock.advance(600)
        await work(scene)
        record = await scene.posthorn[MessageStore].get(scene.server.id, record.message.id)
    return record


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("kind", "port", "verb", "call"), PLACES)
async def test_a_report_acts_once(
    kind: type[Any], port: str, verb: str, call: int, when: str
) -> None:
    scene = await make_scene()
    sent = await send(scene)
    step = scene.posthorn[kind]
    fault = TemporaryFailure("The store is away.")
    setattr(step, port, raising(getattr(step, port), verb, fault, when, call))
    record = await arrive(scene, sent.return_path, delivery_report())
    assert record.status is Status.ERROR
    record = await worked_off(scene, record)
    assert (record.status, record.bounce_of) == (Status.PROCESSED, sent.message.id)
    assert await sent.statuses() == [Status.SENT, Status.BOUNCED]
    (row,) = await sent.reports()
    assert (await sent.record()).deliveries[-1].report == row.id
    entry = await sent.listed()
    assert entry is not None
    assert entry.report == row.id
