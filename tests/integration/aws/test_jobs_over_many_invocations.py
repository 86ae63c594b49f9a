"""Every type of jobs goes on over many invocations of a function whose time is short, each a process of its own: at its
end each item was done once.

JOBS_ITEMS and JOBS_SECONDS give another number of items and another time-out; what each took is printed, with the calls
of AWS that an item took.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.adapters.aws.dynamo.records import message_item
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.dynamo.table import Table
from chalicelib.adapters.aws.dynamo.traces import DynamoTraces
from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.jobs import SqliteJobs
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.model import Message, Scope, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.webhooks.delivery import DeliveryStatus, delivery_id
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.jobs import pace
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.outgoing.accept import AcceptMail
from functions.jobs import SPARED_SECONDS, work_when_woken
from tests.aws_backend import aws_backend, aws_settings
from tests.incoming_play import arrives, smtp_route
from tests.webhook_events import a_delivery, a_webhook
from tests.worlds import Scene, beside, make_scene, scripted_parts

__all__ = ["aws_backend", "aws_settings"]
ITEMS = int(os.environ.get("JOBS_ITEMS", "80"))
SECONDS = float(os.environ.get("JOBS_SECONDS", SPARED_SECONDS + 0.5))
TOGETHER = 500
A_SECOND = 10
ZOE = "zoe@example.com"
SENT, HELD = {"filter": {"direction": "outgoing"}}, {"filter": {"status": "held"}}
AWS = pytest.param("aws", marks=pytest.mark.aws)


@dataclass
class Play:
    """A scene with many messages, and functions that work on its jobs."""

    scene: Scene
    parts: Parts

    @property
    def program(self) -> Posthorn:
        return self.scene.posthorn

    @property
    def owner(self) -> JobOwner:
        server = self.scene.server
        return JobOwner(server.organization_id, server.full_name, server)

    async def many(self, one: Message) -> None:
        """As many messages like this one, which is there, A_SECOND of them in each second after it."""
        server = self.scene.server.id
        numbers = await self.program[Numbers].take(server, "message", ITEMS - 1)
        for start in range(0, len(numbers), TOGETHER):
            at = one.received_at + start / A_SECOND
            some = [
                replace(one, id=MessageId(number), token=f"{number:016d}", received_at=at)
                for number in numbers[start : start + TOGETHER]
            ]
            await self._store(some)

    async def _store(self, some: list[Message]) -> None:
        """All of these, which are new: in batches on AWS, where each would be a call."""
        if not self.is_on_aws:
            await self.program[MessageStore].create(some)
            return
        shards = await self.program[Shards](self.scene.server.id)
        table = Table(self.program[AwsSession], self.program.settings.mail_table)
        await table.put_many(
            [message_item(lifecycle.accepted(one), one.id % shards) for one in some]
        )

    async def done(
        self, kind: str, parameters: dict[str, Any], items: int = ITEMS, failed: int = 0
    ) -> Any:
        """A job that functions work on, one after the other, until it is over; what came of it."""
        job = await self.over(kind, parameters, items)
        counts = (job.status, job.matched, job.done, job.failed)
        assert counts == (JobStatus.DONE, items, items - failed, failed)
        return await self.program[KeepJobs].shown(self.owner, job)

    async def over(self, kind: str, parameters: dict[str, Any], items: int) -> Job:
        """A job that functions have worked on, one after the other, until it was over; what that took is told."""
        job = await self.program[KeepJobs].start(self.owner, kind, parameters)
        begun, invocations, calls = time.monotonic(), 0, 0
        while job.is_open:
            another = self.another()
            await work_when_woken(another, {}, SECONDS)
            invocations += 1
            calls += another[Meter].snapshot().total_calls if self.is_on_aws else 0
            job = await self.program[Jobs].get(self.scene.server.id, job.id)
        took = f"{invocations} invocations, {time.monotonic() - begun:.0f} s"
        print(f"{kind}: {items} items, {took}, {calls / items:.2f} calls an item", flush=True)
        return job

    @property
    def is_on_aws(self) -> bool:
        return not isinstance(self.program[Jobs], SqliteJobs)

    def another(self) -> Posthorn:
        if self.is_on_aws:
            return Posthorn(self.program.settings, "aws", self.parts)
        return beside(self.program, {})

    async def statuses(self) -> Counter[tuple[str, int]]:
        """How many outgoing messages have which status after how many attempts."""
        found: Counter[tuple[str, int]] = Counter()
        cursor: str | None = None
        while True:
            page = await self.program[MessageStore].page(
                self.scene.server.id, Scope.OUTGOING, 100, cursor
            )
            found.update((one.status.value, one.attempt) for one in page.values)
            if (cursor := page.next_cursor) is None:
                return found


@pytest.fixture(params=["memory", AWS])
async def play(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Play:
    # Nobody delivers: each wave would be waited for.
    monkeypatch.setattr(pace, "LONGEST_STAND", 0.0)
    if request.param == "memory":
        parts: Parts = {Clock: SystemClock(Settings())}
        return Play(await make_scene(parts=parts), parts)
    settings: Settings = request.getfixturevalue("aws_settings")
    parts = {Clock: SystemClock(settings)}
    scene = await make_scene(on_aws=settings, parts=parts)
    monkeypatch.setattr(DynamoTraces, "wake_up_seconds", 0)
    return Play(scene, {**scripted_parts(live=False), **parts})


@pytest.mark.timeout(7_200)
async def test_verbs_on_messages(play: Play) -> None:
    (first,) = await play.program[AcceptMail].submit(play.scene.submission(ZOE))
    await play.many(first)
    await play.done("hold", SENT)
    await play.done("release", HELD)
    await play.done("retry", SENT)
    await play.done("cancel", SENT)
    assert await play.statuses() == {(Status.HOLD_CANCELLED.value, 4): ITEMS}
    await play.done("resend", SENT)
    # Half of them are over.
    await play.done("bounce", SENT, 2 * ITEMS, failed=ITEMS)
    assert await play.statuses() == {
        (Status.HOLD_CANCELLED.value, 4): ITEMS,
        (Status.HARD_FAIL.value, 1): ITEMS,
    }
    exported = await play.done("export", {"what": "emails", "filter": {}}, 2 * ITEMS)
    assert exported["rows"] == 2 * ITEMS
    parameters = {"address": ZOE}
    # Of what is erased only what went is counted: two for each, an entry of the log and a content beside.
    job = await play.over("erase", parameters, 2 * ITEMS)
    told = await play.program[KeepJobs].shown(play.owner, job)
    assert told is not None
    assert told["emails"] == 2 * ITEMS
    assert await play.statuses() == {}


@pytest.mark.timeout(7_200)
async def test_incoming_mail_is_replayed(play: Play) -> None:
    route = await smtp_route(play.scene)
    await play.many(await arrives(play.scene, route))
    await play.done("replay", {"filter": {"direction": "incoming"}})


@pytest.mark.timeout(7_200)
async def test_lists_and_webhooks(play: Play) -> None:
    program, server = play.program, play.scene.server
    rows = "".join(f"u{number}@example.com,bounce\r\n" for number in range(ITEMS))
    upload = "0" * 32
    content = f"address,reason\r\n{rows}".encode()
    await program[BlobStore].bring(server.id, upload, content, program[Clock].now())
    told = await play.done("import_suppressions", {"upload": upload})
    assert (told["added"], told["updated"], told["invalid"]) == (ITEMS, 0, [])
    exported = await play.done("export", {"what": "suppressions"})
    assert exported["rows"] == ITEMS
    webhook, now = await a_webhook(program, server, "https://app.example/hook"), time.time() - 60
    for start in range(0, ITEMS, TOGETHER):
        made = [
            a_delivery(server.id, number, webhook=webhook.id)
            for number in range(start, min(start + TOGETHER, ITEMS))
        ]
        await program[WebhookDeliveries].add(
            [
                replace(
                    one,
                    id=delivery_id(webhook.id, one.event_id, now + number / 1_000_000),
                    created_at=now + number / 1_000_000,
                    status=DeliveryStatus.FAILED,
                    next_attempt_at=None,
                )
                for number, one in enumerate(made, start)
            ]
        )
    await play.done("replay_webhooks", {})
