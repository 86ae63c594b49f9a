"""What opens and clicks cost in calls and units, and that their items are what the models declare."""

from __future__ import annotations

import pytest

from chalicelib.adapters.aws.dynamo import engagement
from chalicelib.adapters.aws.dynamo.engagement import DynamoEngagement
from chalicelib.adapters.aws.meter import Meter, Usage
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from tests import item_models as models
from tests.fakes import NOW, a_message, a_server_id
from tests.integration.aws.test_items_agree_with_models import assert_declared, stored

pytestmark = pytest.mark.aws

ONE = MessageId(1)
LATER = NOW + 86_400
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def a_hit(kind: EngagementKind, at: float = NOW + 1.5, url: str = "") -> EngagementEvent:
    return EngagementEvent(kind, at, "203.0.113.9", AGENT, url, automatic=True)


async def test_an_open_costs_one_unit_and_the_first_of_a_message_one_more(
    aws: Posthorn, meter: Meter
) -> None:
    server = a_server_id()
    await aws[MessageStore].create([a_message(server, ONE)])
    meter.reset()
    await aws[Engagement].record(server, ONE, a_hit(EngagementKind.OPEN), LATER)
    first = meter.snapshot()
    assert first.calls == {"dynamodb.PutItem": 1, "dynamodb.UpdateItem": 1}
    assert (first.write_units, first.read_units) == (2, 0)
    meter.reset()
    await aws[Engagement].record(server, ONE, a_hit(EngagementKind.OPEN, NOW + 2), LATER)
    second: Usage = meter.snapshot()
    assert second.calls == {"dynamodb.PutItem": 1}
    assert (second.write_units, second.read_units) == (1, 0)


async def test_a_click_costs_two_units_and_half_a_read(aws: Posthorn, meter: Meter) -> None:
    server, url = a_server_id(), "https://acme.test/first?a=1"
    await aws[MessageStore].create([a_message(server, ONE)])
    meter.reset()
    await aws[Engagement].keep_links(server, ONE, [url] * 10, LATER)
    kept = meter.snapshot()
    assert (kept.calls, kept.write_units) == ({"dynamodb.PutItem": 1}, 1)
    for at in (NOW + 1.5, NOW + 2.5):
        meter.reset()
        assert await aws[Engagement].link(server, ONE, 10) == url
        await aws[Engagement].record(server, ONE, a_hit(EngagementKind.CLICK, at, url), LATER)
        spent = meter.snapshot()
        assert spent.calls == {
            "dynamodb.GetItem": 1,
            "dynamodb.PutItem": 1,
            "dynamodb.UpdateItem": 1,
        }
        assert (spent.write_units, spent.read_units) == (2, 0.5)


async def test_looking_at_activity_is_one_query(aws: Posthorn, meter: Meter) -> None:
    server = a_server_id()
    for at in range(5):
        await aws[Engagement].record(server, ONE, a_hit(EngagementKind.OPEN, NOW + at), LATER)
    meter.reset()
    assert len(await aws[Engagement].hits(server, ONE)) == 5
    assert meter.snapshot().calls == {"dynamodb.Query": 1}


async def test_items_are_as_declared_and_end(aws: Posthorn, aws_names: Settings) -> None:
    server = a_server_id()
    await aws[MessageStore].create([a_message(server, ONE)])
    await aws[Engagement].keep_links(server, ONE, ["https://acme.test/"], LATER)
    await aws[Engagement].record(server, ONE, a_hit(EngagementKind.OPEN), LATER)
    await aws[Engagement].record(
        server, ONE, a_hit(EngagementKind.CLICK, url="https://acme.test/"), LATER
    )
    items = await stored(aws, aws_names.mail_table, f"T#{server}#1")
    *hits, links = sorted(items, key=lambda item: str(item["SK"]["S"]))
    assert_declared(models.LinksItem, links)
    assert len(hits) == 2
    for hit in hits:
        assert_declared(models.HitItem, hit)
    assert {item["x"]["N"] for item in items} == {str(LATER)}
    (message,) = await stored(aws, aws_names.mail_table, f"S#{server}#o#0")
    assert_declared(models.MessageItem, message)
    assert {"oa", "ca"} <= message.keys()


async def test_links_that_no_item_can_hold_are_refused(
    aws: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engagement, "LARGEST_LINKS", 50)
    links = [f"https://acme.test/{number}" for number in range(100)]
    with pytest.raises(PermanentFailure, match="too long"):
        await aws[Engagement].keep_links(a_server_id(), ONE, links, LATER)


async def test_a_process_forgets_the_oldest_opens(
    aws: Posthorn, monkeypatch: pytest.MonkeyPatch, clock: ControlledClock
) -> None:
    monkeypatch.setattr(engagement, "_MOST_OPENED", 2)
    server = a_server_id()
    for number in (1, 2, 3):
        hit = a_hit(EngagementKind.OPEN, clock.now())
        await aws[Engagement].record(server, MessageId(number), hit, LATER)
    assert [key[1] for key in aws[DynamoEngagement]._opened] == [2, 3]
