"""Processes that work on a job are killed with SIGKILL, one after the other, each at a random moment; another ends it.

At its end every item was done, and once: that is looked for where it can be seen, at the server that gets the mail, in
the file, on the list, and by what a web server was posted.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.model import Message, MessageRecord, Status
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.suppression import SuppressionFilter
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.owners import of_domain_owner
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Webhook
from chalicelib.domain.webhooks.delivery import DeliveryStatus, WebhookDelivery, delivery_id
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.queue.message_actions import MessageActions
from chalicelib.services.tenancy.authenticate import Authenticate, Principal
from chalicelib.services.tenancy.organizations import Organizations
from tests import erased
from tests.fault.stage import KILLED, Stage
from tests.fault.test_webhooks_are_killed import listening
from tests.incoming_play import address_route, arrives, smtp_route
from tests.patience import PATIENCE
from tests.webhook_events import a_delivery, a_webhook
from tests.webhook_workers import working
from tests.worlds import Scene

ITEMS = 12
MOST_KILLS = 4
CALLS_OF_A_KILL = 6
STATUSES = {
    "hold": Status.HELD,
    "cancel": Status.HOLD_CANCELLED,
    "resend": Status.HARD_FAIL,
    "bounce": Status.HARD_FAIL,
}


@dataclass
class Play:
    """A stage with a scene on it, and a job that is killed."""

    stage: Stage
    scene: Scene
    chance: random.Random

    def do(self, work: Awaitable[Any]) -> Any:
        async def all_of_it() -> Any:
            return await work

        return bootstrap.run(all_of_it())

    @property
    def owner(self) -> JobOwner:
        server = self.stage.server
        return JobOwner(OrganizationId(server.organization_id), server.full_name, server)

    def job(self, kind: str, parameters: dict[str, Any]) -> Job:
        """A job at which processes are killed, until one ends it."""
        started = self.start(kind, parameters)
        kills = 0
        for number in range(MOST_KILLS):
            most = CALLS_OF_A_KILL * (number + 1)
            kills += self.run(self.chance.randrange(1, most)) == KILLED
            if not self.now(started).is_open:
                break
        assert self.run() == 0
        assert kills >= 1
        return self.now(started)

    def start(self, kind: str, parameters: dict[str, Any]) -> Job:
        program = self.stage.program
        started: Job = self.do(program[KeepJobs].start(self.owner, kind, parameters))
        return started

    def now(self, job: Job) -> Job:
        found: Job = self.do(self.stage.program[Jobs].get(self.stage.server.id, job.id))
        return found

    def run(self, *calls: int) -> int:
        """A process that works on jobs; how it ended."""
        ended = subprocess.run(
            [sys.executable, "-m", "tests.fault.job_process", "jobs", *map(str, calls)],
            env=self.stage.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        code = KILLED if ended.returncode == -9 else ended.returncode
        assert code in ({0, KILLED} if calls else {0}), ended.stderr[-3000:]
        return code

    def records(self, messages: list[Message]) -> list[MessageRecord]:
        refs = [(one.server_id, one.id) for one in messages]
        found: list[MessageRecord] = self.do(self.stage.program[MessageStore].get_many(refs))
        return found

    def deliver(self) -> None:
        """Let what waits leave; what the dead did not wake the sweeper finds."""
        self.stage.run("sweep")
        self.stage.run("work")
        if not self.stage.program.settings.state_folder:
            self.stage.run("take_in")
            self.stage.run("work")

    def heard(self) -> Counter[str]:
        """How often the peer got mail, by recipient."""
        return Counter(one for mail in self.stage.peer.mails for one in mail.rcpt_to)


@pytest.fixture(params=range(1))
def play(stage: Stage, request: pytest.FixtureRequest) -> Play:
    program, seed = stage.program, random.Random().randrange(10_000)
    print(f"chance {seed}, {request.param}")
    kinds = frozenset({CredentialKind.SMTP})
    principal: Principal = bootstrap.run(program[Authenticate].by_key(stage.key, kinds))
    found = bootstrap.run(program[Organizations].get("acme"))
    (domain,) = bootstrap.run(
        program[Repository].all(DOMAINS, of_domain_owner(found.id, stage.server.id))
    )
    scene = Scene(program, found, stage.server, domain, principal, stage.key, "")
    return Play(stage, scene, random.Random(seed))


def made(play: Play, verb: str) -> list[Message]:
    """Messages that the verb is allowed for, one for each recipient or from each sender."""
    scene, program = play.scene, play.stage.program
    people = [f"u{number}@example.com" for number in range(ITEMS)]
    if verb == "replay":
        routes = [
            play.do(address_route(scene, f"fwd{number}", address=one))
            for number, one in enumerate(people)
        ]
        return [play.do(arrives(scene, one, mail_from="s@example.com")) for one in routes]
    if verb == "bounce":
        route = play.do(smtp_route(scene))
        return [play.do(arrives(scene, route, mail_from=one)) for one in people]
    found: list[Message] = [
        play.do(program[AcceptMail].submit(scene.submission(one)))[0] for one in people
    ]
    before = {"release": "hold", "resend": "bounce"}.get(verb)
    for one in found:
        if before is not None:
            play.do(getattr(program[MessageActions], before)(one.server_id, one.id))
    return found


@pytest.mark.parametrize(
    "verb", ["hold", "release", "cancel", "retry", "resend", "replay", "bounce"]
)
def test_each_message_is_done_once(play: Play, verb: str) -> None:
    messages = made(play, verb)
    before = play.records(messages)
    direction = "incoming" if verb in ("replay", "bounce") else "outgoing"
    job = play.job(verb, {"filter": {"direction": direction}})
    counts = (job.status, job.matched, job.done, job.failed, job.errors)
    assert counts == (JobStatus.DONE, ITEMS, ITEMS, 0, ())
    after = play.records(messages)
    steps = {new.attempt - old.attempt for old, new in zip(before, after, strict=True)}
    assert steps == ({0} if verb == "resend" else {1})
    play.deliver()
    expected = {f"u{number}@example.com": 1 for number in range(ITEMS)}
    assert play.heard() == ({} if verb in ("hold", "cancel") else expected)
    statuses = {one.status for one in play.records(messages)}
    assert statuses == {STATUSES.get(verb, Status.SENT)}


def test_each_row_of_an_import_is_listed_and_counted_once(play: Play) -> None:
    rows = "".join(f"u{number}@example.com,bounce\r\n" for number in range(ITEMS))
    text = f"address,reason\r\n{rows}nobody,bounce\r\n"
    job = play.job("import_suppressions", {"csv": text})
    assert (job.status, job.matched, job.done, job.failed) == (
        *(JobStatus.DONE, ITEMS + 1, ITEMS, 1),
    )
    told = json.loads(job.result)
    assert (told["added"], told["updated"], len(told["invalid"])) == (ITEMS, 0, 1)
    program, now = play.stage.program, play.stage.program[Clock].now()
    wanted = SuppressionFilter()
    page = play.do(program[SuppressionList].page([play.stage.server.id], wanted, 100, now))
    assert Counter(one.address for one in page.values) == {
        f"u{number}@example.com": 1 for number in range(ITEMS)
    }


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_each_row_of_an_export_stands_in_the_file_once(play: Play, form: str) -> None:
    messages = made(play, "hold")
    job = play.job("export", {"what": "emails", "filter": {}, "format": form})
    assert (job.status, job.matched, job.done, job.failed) == (JobStatus.DONE, ITEMS, ITEMS, 0)
    program, server = play.stage.program, play.stage.server.id
    name = hashlib.sha256(f"{job.id}/".encode()).hexdigest()[:32]
    ref = play.do(program[BlobStore].kept(server, name, program[Clock].now()))
    content: bytes = play.do(program[BlobStore].get(ref))
    assert json.loads(job.result) == {"rows": ITEMS, "bytes": len(content)}
    lines = content.decode().splitlines()
    if form == "csv":
        ids = [int(row["id"]) for row in csv.DictReader(lines)]
    else:
        ids = [int(json.loads(one)["id"]) for one in lines]
    assert ids == sorted((one.id for one in messages), reverse=True)


def test_each_delivery_to_a_webhook_is_posted_once_more(play: Play) -> None:
    program, server = play.stage.program, play.stage.server
    with listening() as application:
        url = f"http://8.8.8.8:{application.server_port}/hook"
        webhook = play.do(a_webhook(program, server, url))
        here = replace(webhook, url=url.replace("8.8.8.8", "127.0.0.1"))
        play.do(program[Repository].replace(WEBHOOKS, here))
        over = [ended(here, number, program[Clock].now()) for number in range(ITEMS)]
        play.do(program[WebhookDeliveries].add(over))

        async def worked() -> None:
            async with working(program, "sqlite" if program.settings.state_folder else "aws"):
                job = await asyncio.to_thread(play.job, "replay_webhooks", {})
                assert (job.status, job.done, job.failed) == (JobStatus.DONE, ITEMS, 0)
                end = asyncio.get_running_loop().time() + PATIENCE
                while len(application.heard) < ITEMS:
                    assert asyncio.get_running_loop().time() < end, application.heard
                    await asyncio.sleep(0.05)

        asyncio.run(worked())
    assert application.heard == {one.event_id: 1 for one in over}


def ended(webhook: Webhook, number: int, now: float) -> WebhookDelivery:
    """A delivery that failed for good."""
    made = a_delivery(webhook.server_id, number, webhook=webhook.id, url=webhook.url)
    return replace(
        made,
        id=delivery_id(webhook.id, made.event_id, now - 60),
        created_at=now - 60,
        status=DeliveryStatus.FAILED,
        next_attempt_at=None,
    )


def test_an_address_is_erased_and_counted(play: Play) -> None:
    address = "u0@example.com"
    program, settings = play.stage.program, play.stage.program.settings
    for one in [address] * ITEMS + ["other@example.com"] * 3:
        play.do(program[AcceptMail].submit(play.scene.submission(one)))
    play.deliver()
    job = play.job("erase", {"address": address})
    assert job.status is JobStatus.DONE, job
    told = json.loads(job.result)
    assert (told["emails"], told["contents"], told["deliveries"]) == (ITEMS, ITEMS, ITEMS)
    second = play.start("erase", {"address": address})
    assert play.run() == 0
    again = json.loads(play.now(second).result)
    counted = ("emails", "contents", "events", "deliveries", "suppressions")
    assert [again[name] for name in counted] == [0] * 5
    if settings.state_folder:
        assert erased.in_folder(Path(settings.state_folder), address) == []
        return
    session, tables = program[AwsSession], [settings.mail_table, settings.control_table]
    found = erased.in_aws(
        session.client("dynamodb"), session.client("s3"), tables, settings.bucket, address
    )
    assert found == []
