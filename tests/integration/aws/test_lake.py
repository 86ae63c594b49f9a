"""The index of mail on AWS: what it costs, that a death anywhere in a merge loses and doubles nothing, and that nothing
of what was forgotten is left in any object."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.cost import prices
from chalicelib.adapters.aws.lake.footers import Footers
from chalicelib.adapters.aws.lake.index import LakeMailIndex
from chalicelib.adapters.aws.lake.lock import LakeIsBusy, LakeLock
from chalicelib.adapters.aws.lake.objects import FORGOTTEN, ROWS, TERMS, LakeObjects
from chalicelib.adapters.aws.lake.tidy import FEWEST, next_to_merge, pairs
from chalicelib.adapters.aws.meter import Meter, Usage
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.parse import parse_query
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MailIndex
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import NOW
from tests.findables import findable

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws
SERVER = ServerId(7)
WORDS = [f"word{number}" for number in range(2_000)]
FLAT = (
    *("to:user17@example3.test", "from:app@acme.example", "msgid:m17@acme.example"),
    *("tag:receipt", "status:sent", "status:held", "invoice", "word17", "word17 tag:receipt"),
)


@pytest.fixture
def program(aws_settings: Settings) -> Iterator[Posthorn]:
    made = Posthorn(aws_settings, "aws", {Clock: ControlledClock(NOW)})
    yield made
    made[AwsSession].close()


def mail(number: int, dice: random.Random, **given: Any) -> Findable:
    """A message as they are sent by thousands."""
    made = {
        "server": SERVER,
        "message": MessageId(number),
        "received_at": NOW + number * 2.0,
        "rcpt_to": f"user{dice.randrange(5_000)}@example{dice.randrange(300)}.test",
        "subject": f"Your invoice {number} {' '.join(dice.choices(WORDS, k=3))}",
        "message_id": f"m{number}@acme.example",
        "token": f"{dice.getrandbits(90):016x}",
        "size": dice.randrange(100_000),
        "tag": dice.choice(["receipt", "welcome", "reset"]),
        "metadata": {"order": str(number)},
        "statuses": (dice.choices(["sent", "held", "bounced"], [97, 2, 1])[0],),
        "provider": "google",
    }
    return findable(**(made | given))


async def fill(program: Posthorn, messages: int, batch: int) -> None:
    """So many messages, told in batches."""
    dice = random.Random(messages)
    for start in range(1, messages + 1, batch):
        await program[MailIndex].put([mail(n, dice) for n in range(start, start + batch)])


async def costs_of(program: Posthorn, text: str) -> Usage:
    """What the first page of a search takes in a process that knows nothing."""
    meter = program[Meter]
    index = LakeMailIndex(program[AwsSession], program.settings, program[Clock])
    before = meter.snapshot()
    await index.find(SERVER, None, parse_query(text, NOW), 30)
    return meter.snapshot().since(before)


async def test_a_message_costs_a_small_part_of_a_call(program: Posthorn) -> None:
    """Batches of a hundred, as a busy installation has them, and all merging that comes of them."""
    meter, messages = program[Meter], 3_200
    await fill(program, messages, 100)
    put = meter.snapshot()
    await program[MailIndex].tidy(60)
    used = meter.snapshot()
    assert put.calls == {"s3.PutObject": 2 * messages / 100}
    assert used.bytes_sent / messages <= prices.INDEX_BYTES_SENT
    assert used.total_calls / messages <= prices.INDEX_CALLS
    assert used.write_units == used.read_units == 0


async def test_the_first_page_of_a_search_costs_no_more_with_more_mail(program: Posthorn) -> None:
    used: dict[int, dict[str, Usage]] = {}
    for messages in (2_500, 25_000):
        await fill(program, messages, 250)
        await program[MailIndex].tidy(60)
        used[messages] = {text: await costs_of(program, text) for text in FLAT}
    few = len(pairs(await LakeObjects(program[AwsSession], program.settings).list()))
    assert few < 3 * FEWEST
    for text in FLAT:
        small, large = (found[text] for found in used.values())
        assert large.calls["s3.ListObjectsV2"] == 1
        assert large.calls.get("s3.GetObject", 0) <= prices.SEARCH_GETS, text
        # An end and a group of each object, whatever is in it.
        assert large.calls["s3.GetObject"] <= small.calls["s3.GetObject"] + 2 * few, text
        assert large.bytes_received <= prices.SEARCH_BYTES, text


async def test_each_size_has_few_pairs_however_they_come(program: Posthorn) -> None:
    objects = LakeObjects(program[AwsSession], program.settings)
    dice = random.Random(9)
    for number in range(1, 61):
        await program[MailIndex].put([mail(number, dice)])
        if number % 9 == 0:
            await program[MailIndex].tidy(60)
            found = pairs(await objects.list())
            assert len(found) < FEWEST
            assert not next_to_merge(found)
    assert {one.kind for both in found.values() for one in both} == {ROWS, TERMS}


class Dying(LakeObjects):
    """A process that dies before or after its n-th change."""

    left = 0
    after = False

    async def write(self, kind: str, name: str, content: bytes) -> None:
        await self._act(super().write(kind, name, content))

    async def remove(self, found: Any) -> None:
        await self._act(super().remove(found))

    async def _act(self, work: Any) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            work.close()
            raise TemporaryFailure("gone")
        await work
        if self.left == 0:
            raise TemporaryFailure("gone")


@pytest.mark.parametrize("after", [False, True])
async def test_a_merge_that_dies_loses_and_doubles_nothing(program: Posthorn, after: bool) -> None:
    dice, index = random.Random(4), program[MailIndex]
    known = [mail(number, dice) for number in range(1, 101)]
    for start in range(0, 100, 10):
        await index.put(known[start : start + 10])
    for change in (1, 2, 3):
        dying = LakeMailIndex(program[AwsSession], program.settings, program[Clock])
        dying._objects = objects = Dying(program[AwsSession], program.settings)
        objects.left, objects.after = change, after
        with pytest.raises(TemporaryFailure):
            await dying.tidy(60)
        found = await index.find(SERVER, None, parse_query("invoice", NOW), 200)
        assert found.messages == tuple(range(100, 0, -1))
        found = await index.find(SERVER, None, parse_query("-tag:none", NOW), 200)
        assert found.messages == tuple(range(100, 0, -1))
    assert await index.tidy(60) == 1
    found = await index.find(SERVER, None, parse_query("invoice", NOW), 200)
    assert found.messages == tuple(range(100, 0, -1))


async def everything(program: Posthorn) -> str:
    """All that lies in the lake, decoded."""
    objects, texts = LakeObjects(program[AwsSession], program.settings), []
    for kind in (ROWS, TERMS, FORGOTTEN):
        for one in await objects.list(kind):
            content = await objects.read(kind, one.name)
            table = pq.read_table(pa.BufferReader(content)) if kind != FORGOTTEN else content
            texts.append(f"{one.name} {table.to_pylist() if kind != FORGOTTEN else table!r}")
            texts.append(
                repr(pq.read_metadata(pa.BufferReader(content)).to_dict())
                if kind != FORGOTTEN
                else ""
            )
    return "\n".join(texts)


@pytest.mark.parametrize("words_later", [False, True])
async def test_nothing_of_what_was_forgotten_is_left(program: Posthorn, words_later: bool) -> None:
    dice, index = random.Random(5), program[MailIndex]
    secret = {"rcpt_to": "ann.secret@private.example", "subject": "Zanzibar", "version": 2}
    for number in range(1, 200):
        await index.put([mail(number, dice)])
        if number == 90:
            await index.put([mail(77, dice, **secret), mail(78, dice)])
            await index.tidy(60)
    await index.put([mail(77, dice, **(secret | {"version": 3}))])
    before = await everything(program)
    assert "secret" in before
    assert "zanzibar" in before
    await index.forget(SERVER, [MessageId(77)], words_later=words_later)
    if words_later:
        program[Clock].advance(DAY)  # type: ignore[attr-defined]
        await index.tidy(60)
    after = await everything(program)
    assert "secret" not in after
    assert "anzibar" not in after
    found = await index.find(SERVER, None, parse_query("invoice", NOW), 300)
    assert set(found.messages) == set(range(1, 200)) - {77}


async def test_one_rewrites_the_lake_at_a_time(program: Posthorn, aws_settings: Settings) -> None:
    clock: Any = program[Clock]
    locks = [LakeLock(program[AwsSession], aws_settings, clock) for _ in range(2)]
    await program[MailIndex].put([mail(1, random.Random(6))])
    async with locks[0].held():
        with pytest.raises(LakeIsBusy):
            await program[MailIndex].forget(SERVER, [MessageId(1)])
        assert await program[MailIndex].tidy(60) == 1
        clock.advance(3_600)  # whoever held it is dead
        async with locks[1].held():
            pass
    async with locks[0].held():
        pass
    await program[MailIndex].forget(SERVER, [MessageId(1)])
    assert await program[MailIndex].tidy(60) == 0


async def test_a_search_goes_on_when_objects_are_merged_meanwhile(program: Posthorn) -> None:
    index = program[MailIndex]
    assert isinstance(index, LakeMailIndex)
    await fill(program, 90, 10)

    class Late(Footers):
        merged = False

        async def of(self, found: Any) -> Any:
            if not Late.merged:
                Late.merged = True
                await LakeMailIndex(program[AwsSession], program.settings, program[Clock]).tidy(60)
            return await super().of(found)

    index._known = Late(index._objects)
    found = await index.find(SERVER, None, parse_query("invoice", NOW), 100)
    assert len(found.messages) == 90
    assert Late.merged
