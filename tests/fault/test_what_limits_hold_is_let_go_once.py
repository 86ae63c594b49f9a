"""A process dies at each call of a port while a limit holds mail and lets it go: nothing is lost, sent twice or out of
order, and no hour has more than the limit.

Played in one process on ports in memory: a death is an exception that nothing catches, and what comes after it are
services of another process on the same stores.
"""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.bootstrap import Parts, Posthorn
from chalicelib.domain.model import State, Status
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.send_limits import SendLimits
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.tenancy.servers import ServerOptions
from tests.used_limits import usages
from tests.worlds import Scene, beside, make_scene

LIMIT, MESSAGES, HOUR = 2, 5, 3_600
LATE = 600  # when the wake-up of a dead worker has come back
PORTS = (MessageStore, WorkQueue, SendLimits, LimitLines)
WRITES = {
    *("claim", "replace", "clear_due", "wake", "take", "give_back"),
    *("enter", "leave", "put_off", "close"),
}
CALLS = 45  # of a play


class Died(BaseException):
    """The process is gone."""


class Fuse:
    """Dies after the call of this number, and so before the next one."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.blown = False

    def wrap(self, port: Any) -> Any:
        return _Mortal(port, self)

    def burn(self) -> None:
        if self.blown:
            return
        self.left -= 1
        if self.left < 0:
            self.blown = True
            raise Died


class _Mortal:
    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port, self._fuse = port, fuse

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        if name not in WRITES:
            return verb

        async def mortal(*args: Any, **named: Any) -> Any:
            result = await verb(*args, **named)
            self._fuse.burn()
            return result

        return mortal


async def played(scene: Scene, fuse: Fuse) -> None:
    """A process with a fuse, and when it is gone others, until nothing waits any longer."""
    safe = scene.posthorn
    mortal: Parts = {port: fuse.wrap(safe[port]) for port in PORTS}
    scene.posthorn = beside(safe, mortal)
    for number in range(MESSAGES):  # one at a time, so that one is in hand when the process dies
        scene.sent += await safe[AcceptMail].submit(scene.submission(f"user{number}@example.com"))
        scene.clock.advance(1)
        try:
            await scene.deliver_ready()
        except Died:
            scene.posthorn = beside(safe, {})
    for _ in range(6 * 60):
        try:
            await scene.play(60)
        except Died:
            scene.posthorn = beside(safe, {})
        if await is_over(safe, scene):
            return


async def is_over(safe: Posthorn, scene: Scene) -> bool:
    refs = [(one.server_id, one.id) for one in scene.sent]
    records = await safe[MessageStore].get_many(refs)
    return all(one.state is State.DONE for one in records)


@pytest.mark.parametrize("at", range(CALLS))
async def test_death_at_a_call(at: int) -> None:
    scene = await make_scene(server=ServerOptions(send_limit=LIMIT))
    fuse = Fuse(at)
    await played(scene, fuse)
    records = [await scene.record(one) for one in scene.sent]
    assert [one.status for one in records] == [Status.SENT] * MESSAGES
    sent = [next(d.at for d in one.deliveries if d.status is Status.SENT) for one in records]
    # Who dies between the final dot and the settling write may send once more; no limit is to blame for that.
    assert len(scene.egress.received) <= MESSAGES + fuse.blown
    held = [place for place, one in enumerate(records) if one.deliveries[0].status is Status.HELD]
    released = [sent[place] for place in held]
    assert released == sorted(released)
    # A message is counted when its first attempt begins, or when it is let go; a death may put off its sending.
    span = HOUR - LATE if fuse.blown else HOUR
    for begin in sent:
        assert sum(begin <= one < begin + span for one in sent) <= LIMIT
    (usage,) = await usages(scene)
    assert usage.used <= LIMIT
    scene.clock.advance(600)
    await scene.sweep()
    assert await scene.posthorn[LimitLines].due(scene.clock.now() + 10 * HOUR, 10) == []


async def test_the_fuse_reaches_every_step() -> None:
    """A play without a death has as many calls as there are deaths above."""
    scene = await make_scene(server=ServerOptions(send_limit=LIMIT))
    fuse = Fuse(10_000)
    await played(scene, fuse)
    assert 10_000 - fuse.left == CALLS
