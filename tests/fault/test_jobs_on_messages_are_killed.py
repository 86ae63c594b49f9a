"""Whoever works on a job dies at a random call of a port, and others go on: at its end each message was done once.

Played in one process: a death is an exception that nothing catches, after which this process does nothing any more, and
what comes after it are services of another process on the same stores.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.sqlite.jobs import SqliteJobs
from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.config import Settings
from chalicelib.domain.jobs import Job, JobStatus
from chalicelib.domain.model import Message, MessageRecord, Scope, State, Status
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.jobs import on_messages
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.queue.message_actions import MessageActions
from tests.aws_backend import aws_backend, aws_settings
from tests.incoming_play import CONTENT, arrives, smtp_route
from tests.worlds import Scene, beside, make_scene

__all__ = ["aws_backend", "aws_settings"]

MESSAGES = 7
SEEDS = range(6)
AWS = pytest.param("aws", marks=pytest.mark.aws)
PORTS = (MessageStore, WorkQueue, Jobs, IdempotencyKeys, Numbers, BlobStore)
WRITES = {
    *("create", "replace", "clear_due", "wake", "put", "take", "change", "write_down"),
    *("begin", "complete", "abandon"),
}
MOST_CALLS = 40
OUTGOING = ("hold", "release", "cancel", "retry", "resend")


class Died(BaseException):
    """The process is gone."""


class Fuse:
    """Lets so many calls through; the next one, and all that come behind it, are never made or never return."""

    def __init__(self, at: int, *, after: bool = False) -> None:
        self.left = at
        self.after = after
        self.blown = False

    def wrap(self, port: Any) -> Any:
        return _Mortal(port, self)

    def burn(self) -> bool:
        """Whether this is the last call that is made, and never returns."""
        if self.blown:
            raise Died
        self.left -= 1
        self.blown = self.left < 0
        if self.blown and not self.after:
            raise Died
        return self.blown


class _Mortal:
    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        if name not in WRITES:
            return verb

        async def mortal(*args: Any, **named: Any) -> Any:
            is_last = self._fuse.burn()
            result = await verb(*args, **named)
            if is_last:
                raise Died
            return result

        return mortal


@pytest.fixture(params=["memory", AWS])
async def scene(request: pytest.FixtureRequest) -> Scene:
    """A tenant on one of the families."""
    if request.param == "memory":
        return await make_scene()
    settings: Settings = request.getfixturevalue("aws_settings")
    return await make_scene(on_aws=settings)


def another(safe: Posthorn, fuse: Fuse | None) -> Posthorn:
    """Another process on the same stores, which may die."""
    mortal: Parts = {} if fuse is None else {port: fuse.wrap(safe[port]) for port in PORTS}
    if isinstance(safe[Jobs], SqliteJobs):
        return beside(safe, mortal)
    same: Parts = {part: safe[part] for part in (AwsSession, Meter, Clock)}
    return Posthorn(safe.settings, "aws", {**same, **mortal})


async def prepared(scene: Scene, verb: str) -> list[Message]:
    """Messages that the verb is allowed for."""
    if verb not in OUTGOING:
        route = await smtp_route(scene)
        # Their sender can be told: nothing forged, each from another address.
        return [
            await arrives(scene, route, mail_from=f"s{one}@away.example", content=CONTENT)
            for one in range(MESSAGES)
        ]
    submit = scene.posthorn[AcceptMail].submit
    made = [(await submit(scene.submission(f"u{one}@example.com")))[0] for one in range(MESSAGES)]
    actions = scene.posthorn[MessageActions]
    for message in made:
        if verb == "release":
            await actions.hold(message.server_id, message.id)
        if verb == "resend":
            await actions.bounce(message.server_id, message.id)
    return made


async def played(scene: Scene, verb: str, ids: Sequence[int], fuse: Fuse) -> Job:
    """A job at which one process dies and others go on, until it is over."""
    owner = JobOwner(scene.server.organization_id, scene.server.full_name, scene.server)
    safe = scene.posthorn
    job = await safe[KeepJobs].start(owner, verb, {"ids": list(ids)})
    with contextlib.suppress(Died):
        await another(safe, fuse)[RunJobs].run(30)
    for _ in range(5):
        scene.clock.advance(120)
        await another(safe, None)[RunJobs].run(30)
        job = await safe[Jobs].get(scene.server.id, job.id)
        if not job.is_open:
            break
    return job


async def records(scene: Scene, made: Sequence[Message]) -> list[MessageRecord]:
    refs = [(one.server_id, one.id) for one in made]
    return await scene.posthorn[MessageStore].get_many(refs)


def check(verb: str, before: MessageRecord, after: MessageRecord) -> None:
    """What was done with a message, once."""
    if verb == "resend":
        assert after.attempt == before.attempt
        return
    assert after.attempt == before.attempt + 1
    said = [one.details for one in after.deliveries[len(before.deliveries) :]]
    if verb == "hold":
        assert said == ["Held by posthorn."]
    if verb == "cancel":
        assert (after.status, len(said)) == (Status.HOLD_CANCELLED, 1)
    if verb == "bounce":
        assert said == ["Given up by posthorn."]
    if verb in ("release", "retry", "replay"):
        assert (after.state, said) == (State.WAITING, [])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("verb", [*OUTGOING, "replay", "bounce"])
async def test_each_message_is_done_once(
    scene: Scene, verb: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_messages, "SLICE", 3)
    chance = random.Random(f"{verb} {seed}")
    made = await prepared(scene, verb)
    before = await records(scene, made)
    fuse = Fuse(chance.randrange(MOST_CALLS), after=chance.random() < 0.5)
    job = await played(scene, verb, [one.id for one in made], fuse)
    counts = (job.status, job.matched, job.done, job.failed, job.errors)
    assert counts == (JobStatus.DONE, MESSAGES, MESSAGES, 0, ())
    after = await records(scene, made)
    for old, new in zip(before, after, strict=True):
        check(verb, old, new)
    page = await scene.posthorn[MessageStore].page(scene.server.id, Scope.OUTGOING, 100)
    others = [one for one in page.values if one.message.id not in {m.id for m in made}]
    if verb == "resend":
        assert sorted(one.message.rcpt_to for one in others) == sorted(m.rcpt_to for m in made)
        assert {one.message.resend_of for one in others} == {m.id for m in made}
    elif verb == "bounce":
        assert sorted(one.message.rcpt_to for one in others) == sorted(m.mail_from for m in made)
        assert {new.bounced_as for new in after} == {one.message.id for one in others}
    else:
        assert others == []


async def test_the_fuse_reaches_what_is_done() -> None:
    """Most deaths above come while the job is at work."""
    scene = await make_scene()
    made = await prepared(scene, "release")
    fuse = Fuse(10_000)
    await played(scene, "release", [one.id for one in made], fuse)
    assert 20 <= 10_000 - fuse.left <= MOST_CALLS
