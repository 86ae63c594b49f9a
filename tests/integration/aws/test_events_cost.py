"""What lists of events cost in calls and units: an event is a fraction of a write where several come together."""

from __future__ import annotations

import pytest

from bench.cost import prices
from chalicelib.adapters.aws.meter import Meter
from chalicelib.bootstrap import on_aws
from chalicelib.config import Settings
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.ports.event_log import EventLog, Numbered
from tests.aws_backend import aws_backend, aws_settings
from tests.fakes import NOW, a_server_id

__all__ = ["aws_backend", "aws_settings"]
pytestmark = pytest.mark.aws


def delivered(server: ServerId, number: int) -> Numbered:
    kind = EventType.EMAIL_DELIVERED if number % 9 else EventType.EMAIL_OPENED
    told = Occurrence(kind, server, NOW + number / 7, str(700 + number), MessageId(number))
    return Numbered(str(10**20 + number), told)


@pytest.mark.parametrize(("together", "units"), prices.EVENT_LIST_UNITS.items())
async def test_a_batch_of_one_server_is_one_transaction(
    aws_settings: Settings, together: int, units: int
) -> None:
    program, server = on_aws(aws_settings), a_server_id()
    log, meter = program[EventLog], program[Meter]
    events = [delivered(server, number) for number in range(together)]
    meter.reset()
    await log.append("shardId-00000001693471234567-1a2b3c4d", server, events)
    spent = meter.snapshot()
    assert spent.calls == {"dynamodb.TransactWriteItems": 1}
    assert 0.7 * units <= spent.write_units <= units
    meter.reset()
    await log.append("shardId-00000001693471234567-1a2b3c4d", server, events)
    again = meter.snapshot()
    assert again.calls == {"dynamodb.TransactWriteItems": 1, "dynamodb.GetItem": 1}


async def test_a_page_is_one_query(aws_settings: Settings) -> None:
    program, server = on_aws(aws_settings), a_server_id()
    meter = program[Meter]
    page = await program[EventLog].page(server, limit=30)
    meter.reset()
    await program[EventLog].page(server, limit=30, position=page.position)
    spent = meter.snapshot()
    assert spent.calls == {"dynamodb.Query": 1}
    assert spent.read_units == 1
