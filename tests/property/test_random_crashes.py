"""The crash model, played by the real services on ports in memory.

Every port verb may die before or after it did its work; workers are slow to claim at times; queue messages are
duplicated and reordered; peers answer softly at times. Whatever the dice say: an accepted message is delivered, it
settles as Sent once, and a second copy needs a death between the peer's acceptance and the settling write. Two
broken variants prove that the model can fail.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap import Parts
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord, State, Status
from chalicelib.domain.reply import Reply
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.egress import Egress, TransactionResult
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.send_limits import SendLimits
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.pipeline import SendOutgoing
from chalicelib.services.queue.attempt import AttemptDelivery, ReceivedJob
from chalicelib.services.queue.sweep import Sweep
from tests.queues import UnrulyQueue
from tests.worlds import Scene, make_scene, storing_in_order

CRASH = 0.04
SOFT = 0.15
SLOW = 0.3
DUPLICATE = 0.05
MESSAGES = 10
GREYLISTED = TransactionResult(Reply(451, "4.7.1", "Greylisted"), "RCPT")
ACCEPTED = TransactionResult(Reply(250, "2.0.0", "OK"), ".")


class Died(BaseException):
    """The process is gone: nothing may catch this."""


class Dice:
    """Decides when the process dies, and keeps the books of who had a message in hand then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.armed = True
        self.in_hand: set[str] = set()
        self.windows: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.settled: Counter[str] = Counter()
        self.deaths = 0

    def roll(self) -> None:
        if self.armed and self.random.random() < CRASH:
            self.deaths += 1
            self.windows.update(self.in_hand)
            self.in_hand.clear()
            raise Died


class Mortal:
    """A port whose every verb may die before or after its work."""

    def __init__(self, port: Any, dice: Dice) -> None:
        self._port = port
        self._dice = dice

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(verb):
            return verb

        async def mortal(*args: Any, **kwargs: Any) -> Any:
            self._dice.roll()
            result = await verb(*args, **kwargs)
            if name == "replace":
                self._book(args[1], result)
            self._dice.roll()
            return result

        return mortal

    def _book(self, after: MessageRecord, stored: bool) -> None:
        token = after.message.token
        if after.status is Status.SENT and stored:
            self._dice.settled[token] += 1
            self._dice.in_hand.discard(token)


class MortalEgress:
    """Peers that take or defer, and a process that may die around it."""

    def __init__(self, dice: Dice, tokens: dict[str, str]) -> None:
        self._dice = dice
        self._tokens = tokens

    async def connect(self, target: Any, source: Any, transcript: Any = None) -> MortalEgress:
        self._dice.roll()
        self.target, self.tls, self.source = target, None, "127.0.0.1"
        return self

    async def transact(self, envelope: Any, content: Any) -> TransactionResult:
        self._dice.roll()
        if self._dice.armed and self._dice.random.random() < SOFT:
            return GREYLISTED
        token = b"".join(content).split(b"X-Postal-MsgID: ")[1][:16].decode()
        self._dice.taken[token] += 1
        self._dice.in_hand.add(token)
        self._dice.roll()
        return ACCEPTED

    async def release(self) -> None: ...

    async def close(self) -> None: ...


def mortal_parts(scene: Scene, queue: UnrulyQueue, dice: Dice) -> Parts:
    """The scene's ports, each mortal where dying matters."""
    ports = (MessageStore, BlobStore, SuppressionList, Numbers, SendLimits, LimitLines)
    mortal: Parts = {port: Mortal(scene.posthorn[port], dice) for port in ports}
    return {**mortal, WorkQueue: Mortal(queue, dice), Egress: MortalEgress(dice, {})}


class Model:
    """One run: clients submit, workers come and go, time passes."""

    def __init__(self, scene: Scene, seed: int, attempts: type[AttemptDelivery]) -> None:
        self.scene = scene
        self.dice = Dice(seed)
        self.queue = scene.posthorn[UnrulyQueue]
        self.queue.duplicate, self.queue.dice = DUPLICATE, random.Random(seed)
        mortal = mortal_parts(scene, self.queue, self.dice)
        self.program = storing_in_order(scene.posthorn, mortal)
        self.program[AttemptDelivery].__class__ = attempts
        self.promised: list[tuple[int, str]] = []

    async def submit(self, number: int) -> None:
        submission = self.scene.submission(f"user{number}@example.com")
        try:
            accepted = await self.program[AcceptMail].submit(submission)
        except (Died, TemporaryFailure):
            return
        self.promised += [(each.id, each.token) for each in accepted]

    async def work(self) -> None:
        received = await self.queue.receive("default", self.dice.random.randint(1, 3))
        wakeups = [ReceivedJob(each.job, each.receipt) for each in received]
        if self.dice.random.random() < SLOW:
            self.scene.clock.advance(self.dice.random.choice((60, 200)))
        try:
            left = await self.program[AttemptDelivery].run(self.program[SendOutgoing], wakeups)
        except Died:
            await self._bury()
            return
        for each in received:
            if each.receipt not in left:
                await self.queue.delete([each.receipt])

    async def sweep(self) -> None:
        try:
            await self.program[Sweep].run()
        except Died:
            await self._bury()

    async def _bury(self) -> None:
        """A dead process takes all its tasks along."""
        orphans = asyncio.all_tasks() - {asyncio.current_task()}
        for orphan in orphans:
            orphan.cancel()
        await asyncio.gather(*orphans, return_exceptions=True)
        self.dice.windows.update(self.dice.in_hand)
        self.dice.in_hand.clear()

    async def play(self) -> None:
        for number in range(MESSAGES):
            await self.submit(number)
            await self.work()
            await self.sweep()
            self.scene.clock.advance(self.dice.random.choice((1, 20, 60, 200)))
        for _ in range(80):
            await self.work()
            await self.sweep()
            self.scene.clock.advance(self.dice.random.choice((5, 20, 60, 120)))
        self.dice.armed = False
        for _ in range(400):
            await self.work()
            await self.sweep()
            self.scene.clock.advance(120)

    def lost(self) -> list[str]:
        return [token for _, token in self.promised if not self.dice.taken[token]]


async def play(seed: int, attempts: type[AttemptDelivery] = AttemptDelivery) -> Model:
    model = Model(await make_scene(seed=seed), seed, attempts)
    await model.play()
    return model


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_and_copies_need_a_death_in_the_window(seed: int) -> None:
    async def check() -> None:
        model = await play(seed)
        assert model.lost() == []
        for message, token in model.promised:
            record = await model.scene.posthorn[MessageStore].get(model.scene.server.id, message)  # type: ignore[arg-type]
            assert (record.state, record.status) == (State.DONE, Status.SENT)
            assert model.dice.settled[token] == 1
            assert model.dice.taken[token] - 1 <= model.dice.windows[token]

    asyncio.run(check())


class DropsHeldLeases(AttemptDelivery):
    """Breaks rule 3."""

    async def _refused(self, received: ReceivedJob, refused: ClaimRefused, now: int) -> bool:
        if refused.reason is ClaimFailure.LEASED:
            return True
        return await super()._refused(received, refused, now)


class DoesNotHeal(AttemptDelivery):
    """Breaks rule 4."""

    async def _refused(self, received: ReceivedJob, refused: ClaimRefused, now: int) -> bool:
        if refused.reason is ClaimFailure.STALE:
            return True
        return await super()._refused(received, refused, now)


@pytest.mark.parametrize("broken", [DropsHeldLeases, DoesNotHeal])
def test_the_model_notices_a_broken_rule(broken: type[AttemptDelivery]) -> None:
    async def lost() -> int:
        return sum([len((await play(seed, broken)).lost()) for seed in range(40)])

    assert asyncio.run(lost()) > 0
