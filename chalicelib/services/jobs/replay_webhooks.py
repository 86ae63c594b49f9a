"""Sending many deliveries to webhooks once more: those that were stored when the job began.

What was replayed to the same address since the job began is not replayed by it again, so that a piece that is done
twice sends nothing twice. One of which a replay to another address waits counts as failed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import Conflict, NotFound, unknown_reference, wrong_field
from chalicelib.domain.jobs import Job, JobError, Piece
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.webhooks.delivery import (
    DeliveryFilter,
    DeliveryStatus,
    Replay,
    WebhookDelivery,
)
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.jobs.kinds import (
    LOOKED_AT,
    MOST_SAMPLES,
    JobOwner,
    Looked,
    Parameters,
)
from chalicelib.services.jobs.over_list import piece_over_list
from chalicelib.services.webhooks.replays import Replays

PAGE = 100
PART = 50
GONE = "This delivery is no longer kept"
UNKNOWN_WEBHOOK = "This server has no such webhook"
USER_INFO = "A job keeps no secrets: its URL must have no user name"


class ReplayWebhooks:
    """The type `replay_webhooks`."""

    type = "replay_webhooks"
    fields = frozenset({"webhook", "events", "status", "since", "until", "url"})
    is_of_organizations = False
    sends = False

    def __init__(self, jobs: Jobs, deliveries: WebhookDeliveries, replays: Replays) -> None:
        self._jobs = jobs
        self._deliveries = deliveries
        self._replays = replays

    def has_numbers(self, parameters: Parameters) -> bool:
        """None has."""
        return False

    def filters(self, parameters: Parameters) -> frozenset[str]:
        """None."""
        return frozenset()

    def scope(self, parameters: Parameters) -> str:
        """Of webhooks."""
        return "webhooks:write"

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """As they were given. InvalidRequest for a URL that nothing is replayed to, or a webhook that is not there."""
        await self._check(owner.number, parameters)
        return parameters

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """How many deliveries there are. InvalidRequest as for `begin`."""
        await self._check(owner.number, parameters)
        found: list[str] = []
        position: str | None = None
        while len(found) < LOOKED_AT:
            ids, position = await self._found(owner.number, parameters, position)
            found += ids
            if position is None:
                break
        matched = min(len(found), LOOKED_AT)
        is_exact = position is None and matched == len(found)
        return Looked(matched, is_exact, tuple(found[:MOST_SAMPLES]))

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Some deliveries found, or some replayed."""
        return await piece_over_list(self._jobs, self, owner, job)

    async def find(
        self, owner: ServerId, job: Job, position: str | None
    ) -> tuple[Sequence[str], str | None]:
        """A page of deliveries. Those that are stored from now on are newer than the job."""
        given = json.loads(job.parameters)
        return await self._found(owner, given, position, before=job.created_at)

    async def act(self, owner: ServerId, job: Job, number: int, ids: Sequence[str]) -> Piece:
        """Ask for each to be sent once more."""
        url = json.loads(job.parameters).get("url")
        replay = Replay(None if url is None else self._replays.check(url).bare)
        done, errors = 0, list[JobError]()
        for one in ids:
            try:
                delivery = await self._deliveries.get(owner, one)
                if not _is_asked_for(delivery, replay, job):
                    await self._replays.replay(delivery, url)
                done += 1
            except NotFound:
                errors.append(JobError(one, GONE))
            except Conflict as gone:
                errors.append(JobError(one, gone.public))
        return Piece(done=done, failed=len(errors), errors=tuple(errors))

    async def finish(self, owner: ServerId, job: Job, parts: int) -> str:
        """Nothing comes of it but what was sent."""
        return ""

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """Nothing."""
        return None

    async def _check(self, server: ServerId, parameters: Parameters) -> None:
        url, webhook = parameters.get("url"), parameters.get("webhook")
        if url is not None and self._replays.check(url).user_info:
            raise wrong_field("url", USER_INFO)
        if webhook is not None and not await self._replays.knows(server, webhook):
            raise unknown_reference("webhook", UNKNOWN_WEBHOOK)

    async def _found(
        self,
        owner: ServerId,
        parameters: Parameters,
        position: str | None,
        before: float | None = None,
    ) -> tuple[list[str], str | None]:
        page = await self._deliveries.page(owner, _filter(parameters, before), PAGE, position)
        events = parameters.get("events")
        wanted = [one.id for one in page.values if events is None or one.event in events]
        return wanted, page.next_cursor


def _is_asked_for(delivery: WebhookDelivery, replay: Replay, job: Job) -> bool:
    """Whether this replay waits, or was made since the job began."""
    made = (one for one in delivery.attempts if one.replay and one.at >= job.created_at)
    return delivery.replay == replay or any(one.elsewhere == replay.url for one in made)


def _filter(parameters: Parameters, before: float | None) -> DeliveryFilter:
    since, until, status = (parameters.get(name) for name in ("since", "until", "status"))
    ends = [] if until is None else [datetime.fromisoformat(until).timestamp()]
    if before is not None:
        ends.append(before)
    return DeliveryFilter(
        webhook=parameters.get("webhook"),
        status=None if status is None else DeliveryStatus(status),
        since=None if since is None else datetime.fromisoformat(since).timestamp(),
        until=min(ends, default=None),
    )
