"""The functions of webhooks, fed by their queues of lanes: one for those whose receivers answer, one for slow ones."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.errors import MailError, Rejected, TemporaryFailure
from chalicelib.domain.webhooks.lane import LaneJob, merged
from chalicelib.domain.webhooks.lane_job import parse_lane_job
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_lanes import WebhookLanes
from chalicelib.services.webhooks.work_lane import WorkLane
from functions.runtime import Notes, UnitOfWork, named, request_id_of

TURN_SECONDS = 45.0
AWAY_SECONDS = 60.0
LOG = logging.getLogger("posthorn.webhooks")
blueprint = Blueprint(__name__)
_QUEUE = f"{read_settings(os.environ).queue_prefix}webhooks"


async def work(posthorn: Posthorn, records: list[tuple[str, str]], notes: Notes) -> set[str]:
    """One turn at each lane that is woken, all at the same time; the ids of the wake-ups to be handed out again. A text
    that cannot be read is left to the dead letters."""
    read, again = _read(records)
    turns = merged([job for _, job in read])
    ended = await asyncio.gather(
        *(_turn(posthorn, job) for job, _ in turns), return_exceptions=True
    )
    for (_, numbers), one in zip(turns, ended, strict=True):
        if isinstance(one, BaseException):
            again |= {read[number][0] for number in numbers}
    requests = sum(one for one in ended if isinstance(one, int))
    notes |= {"lanes": len(turns), "requests": requests, "left": len(again)}
    notes |= _unexpected(ended)
    return again


def _unexpected(ended: Sequence[int | BaseException]) -> Notes:
    """What is noted of turns that ended as none should."""
    for one in ended:
        if isinstance(one, BaseException) and not isinstance(one, MailError):
            return {"outcome": "error", "error": type(one).__name__}
    return {}


def _read(records: list[tuple[str, str]]) -> tuple[list[tuple[str, LaneJob]], set[str]]:
    """The wake-ups by their ids, and the ids of texts that are none."""
    read: list[tuple[str, LaneJob]] = []
    unread: set[str] = set()
    for id, text in records:
        try:
            read.append((id, parse_lane_job(text)))
        except Rejected:
            unread.add(id)
    return read, unread


async def _turn(posthorn: Posthorn, job: LaneJob) -> int:
    """While store or vault are away it comes again as another one, since one that came too often is a dead letter."""
    try:
        return await posthorn[WorkLane].run(job, TURN_SECONDS)
    except TemporaryFailure as away:
        LOG.warning("a lane is left for later: %s", away.public)
        later = posthorn[Clock].now() + AWAY_SECONDS
        await posthorn[WebhookLanes].wake([job], later)
        return 0


def on_lanes(unit: str) -> Callable[[Any], dict[str, Any]]:
    """The handler of a queue of lanes; `unit` is the name under which this module keeps it."""

    def handle(event: Any) -> dict[str, Any]:
        given = event.to_dict()["Records"]
        records = [(one["messageId"], one["body"]) for one in given]
        again = {id for id, _ in records}
        notes: Notes = {}
        with UnitOfWork(unit, request_id_of(event.context), notes, swallow=True):
            again = bootstrap.run(work(bootstrap.posthorn(), records, notes))
        return {"batchItemFailures": [{"itemIdentifier": id} for id in sorted(again)]}

    return named(handle, unit, work)


webhooks = blueprint.on_sqs_message(queue=_QUEUE, batch_size=10, name="webhooks")(
    on_lanes("webhooks")
)
webhooks_slow = blueprint.on_sqs_message(
    queue=f"{_QUEUE}-slow", batch_size=10, name="webhooks_slow"
)(on_lanes("webhooks_slow"))
