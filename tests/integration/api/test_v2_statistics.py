"""GET /api/v2/statistics: counters of the key's own server, by minute, hour and day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import bootstrap
from chalicelib.domain.durations import HOUR
from chalicelib.domain.groups import Dimension, GroupAddition
from chalicelib.domain.latency import bucket_of
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import STORED, Period
from chalicelib.domain.statistics import NAMED, Addition, slots_of
from chalicelib.domain.webhook_counts import WebhookAttempt
from chalicelib.ports.group_counts import GroupCounts
from chalicelib.ports.statistics import Statistics
from chalicelib.services.webhooks.count_attempts import CountWebhooks
from tests.http_api import ApiWorld, Reply

NAMES = {count.value for count in NAMED}


def asked(api: ApiWorld, **query: Any) -> Reply:
    return api.v2("GET", f"/statistics?{urlencode(query)}")


def count(api: ApiWorld, server: ServerId, at: float, **counts: int) -> None:
    """Count something at a time."""
    added = [Addition("1", counts)]
    for slot in slots_of(server, at):
        statistics = api.scene.posthorn[Statistics]
        bootstrap.run(statistics.add(f"at {at}", slot, added))


def iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def test_nothing_yet_is_all_zeros(api: ApiWorld) -> None:
    reply = asked(api)
    assert reply.status == 200, reply.body
    assert reply.json["period"] == "hour"
    assert reply.json["data"] == []
    assert reply.json["totals"] == dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize("period", STORED)
def test_slots_and_sums(api: ApiWorld, period: Period) -> None:
    now, server = api.scene.clock.now(), api.scene.server.id
    length = {"minute": 60, "hour": 3_600, "day": 86_400}[period]
    count(api, server, now, outgoing=3, sent=2)
    count(api, server, now - 2 * length, outgoing=1, hard_fails=1)
    count(api, ServerId(server + 1), now, outgoing=99)
    found = asked(api, period=period.value).json
    starts = [(now - 2 * length) // length * length, now // length * length]
    assert [slot["at"] for slot in found["data"]] == [iso(start) for start in starts]
    assert found["to"] == iso(starts[1])
    assert [slot["counts"]["outgoing"] for slot in found["data"]] == [1, 3]
    assert set(found["data"][0]["counts"]) == NAMES
    assert {name: n for name, n in found["totals"].items() if n} == {
        "outgoing": 4,
        "sent": 2,
        "hard_fails": 1,
    }


def test_months_are_the_sums_of_their_days(api: ApiWorld) -> None:
    server = api.scene.server.id
    for moment, number in (("2026-02-28T23:59:59Z", 1), ("2026-03-01T00:00:00Z", 2)):
        count(api, server, datetime.fromisoformat(moment).timestamp(), outgoing=number)
    count(api, server, datetime.fromisoformat("2026-03-31T23:00:00Z").timestamp(), outgoing=4)
    asked_for = {"from": "2026-02-14T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    found = asked(api, period="month", **asked_for).json
    assert [(slot["at"], slot["counts"]["outgoing"]) for slot in found["data"]] == [
        ("2026-02-01T00:00:00.000Z", 1),
        ("2026-03-01T00:00:00.000Z", 6),
    ]
    usual = asked(api, period="month").json
    first, last = (datetime.fromisoformat(usual[name]) for name in ("from", "to"))
    assert (last.year - first.year) * 12 + last.month - first.month == 11


def test_rates_and_times_stand_beside_the_totals(api: ApiWorld) -> None:
    now, server = api.scene.clock.now(), api.scene.server.id
    assert asked(api).json["rates"]["delivered"] is asked(api).json["latency"] is None
    counts = {"outgoing": 4, "sent_messages": 2, "failed_messages": 1, bucket_of(10.0): 2}
    count(api, server, now, **counts)
    found = asked(api).json
    assert found["rates"] == {
        "delivered": 0.5,
        "bounced": 0.25,
        "complained": 0.0,
        "opened": 0.0,
        "clicked": 0.0,
    }
    assert found["latency"]["p99"] == pytest.approx(10.0, rel=0.1)
    assert set(found["totals"]) == NAMES


def test_a_range_takes_the_slots_in_which_its_ends_lie(api: ApiWorld) -> None:
    now, server = api.scene.clock.now() // 3_600 * 3_600 + 1_800, api.scene.server.id
    for hours in range(5):
        count(api, server, now - hours * 3_600, outgoing=1)
    reply = asked(api, **{"from": iso(now - 3 * 3_600 + 60), "to": iso(now - 3_600)})
    assert len(reply.json["data"]) == 3
    assert reply.json["from"] == iso(now - 3 * 3_600 - 1_800)
    assert reply.json["totals"]["outgoing"] == 3


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"period": "week"}, "/period", "enum"),
        ({"from": "yesterday"}, "/from", None),
        ({"from": "2026-03-22T12:00:00"}, "/from", "timezone_aware"),
        ({"from": "2999-01-01T00:00:00Z"}, "/from", "range"),
        ({"from": "1900-01-01T00:00:00Z", "to": "1901-01-01T00:00:00Z"}, "/from", "range"),
        ({"to": "9999-12-31T00:00:00Z"}, "/from", "range"),
        # In UTC these lie in the years 10000 and 0.
        ({"from": "9999-12-31T23:59:59-14:00"}, "/from", "time"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "/from", "time"),
        ({"from": "1700000000"}, "/from", "time"),
        ({"to": "0.5"}, "/to", "time"),
        ({"period": "minute", "from": "2020-01-01T00:00:00Z"}, "/from", "too_long"),
        ({"server": "2"}, "/server", "extra_forbidden"),
    ],
)
def test_a_wrong_question_names_its_field(
    api: ApiWorld, query: dict[str, str], pointer: str, code: str | None
) -> None:
    reply = asked(api, **query)
    assert reply.status == 422, reply.body
    (fault,) = reply.json["errors"]
    assert fault["pointer"] == pointer
    assert code is None or fault["code"] == code


def test_without_a_key_nothing_is_told(api: ApiWorld) -> None:
    assert api.v2("GET", "/statistics", key="wrong").status == 401


def test_an_organization_is_the_sum_of_its_servers_that_the_key_reaches(api: ApiWorld) -> None:
    now, first = api.scene.clock.now(), api.scene.server.id
    made = api.manage("POST", "/servers", {"organization": "acme", "name": "Other"}).json
    api.manage("POST", "/organizations", {"name": "Strange"})
    stranger = api.manage("POST", "/servers", {"organization": "strange", "name": "Mail"}).json
    for server, number in ((first, 3), (made["id"], 4), (stranger["id"], 90)):
        count(api, ServerId(server), now, outgoing=number)
        count(api, ServerId(server), now - 3_600, sent=number)

    def outgoing(tenant: str, key: str | None = None) -> tuple[int, list[int]]:
        found = api.manage("GET", "/statistics", tenant=tenant, key=key).json
        return found["totals"]["outgoing"], [one["counts"]["sent"] for one in found["data"]]

    assert outgoing("acme") == (7, [7, 0])
    assert outgoing("acme/other") == (4, [4, 0])
    wanted = {"name": "k", "scopes": ["statistics:read"], "servers": ["other"]}
    limited = api.manage("POST", "/keys", wanted, "acme").json["key"]
    assert outgoing("acme", limited) == (4, [4, 0])
    assert outgoing("acme/other", limited) == (4, [4, 0])
    for tenant, status in (("acme/app", 404), ("strange", 404), ("", 422)):
        reply = api.manage("GET", "/statistics", tenant=tenant, key=limited)
        assert reply.status == status, tenant


def grouped(
    api: ApiWorld, at: float, number: int, *groups: tuple[Dimension, str], **n: int
) -> None:
    """Count something of groups at a time."""
    hour = int(at // HOUR) * HOUR
    added = [GroupAddition(str(number), hour, groups, n)]
    store = api.scene.posthorn[GroupCounts]
    bootstrap.run(store.add("test", api.scene.server.id, added))


def test_groups_come_with_rates_and_times_the_largest_first(api: ApiWorld) -> None:
    now = api.scene.clock.now()
    bucket = bucket_of(2.0)
    sent = {"outgoing": 4, "sent": 2, "sent_messages": 2, bucket: 2, "failed_messages": 1}
    grouped(api, now, 1, (Dimension.DOMAIN, "web.de"), (Dimension.TAG, ""), **sent)
    grouped(api, now - HOUR, 2, (Dimension.DOMAIN, "gmail.com"), (Dimension.TAG, "a"), outgoing=9)
    found = asked(api, group_by="domain").json["data"]
    assert [one["group"] for one in found] == ["gmail.com", "web.de"]
    assert found[1]["counts"]["sent"] == 2
    assert found[1]["rates"]["delivered"] == 0.5
    assert found[1]["rates"]["bounced"] == 0.25
    assert 1.8 < found[1]["latency"]["p95"] < 2.2
    assert found[0]["latency"] is None
    tags = asked(api, group_by="tag", period="day").json["data"]
    assert [one["group"] for one in tags] == ["a", None]
    assert len(asked(api, group_by="tag", limit=1).json["data"]) == 1
    # A range of minutes is that of its hours.
    minutes = asked(api, group_by="tag", period="minute").json
    assert minutes["data"][0]["group"] == "a"
    assert minutes["from"].endswith(":00:00.000Z")
    assert asked(api, group_by="credential").json["data"] == []


def test_one_group_is_shown_by_slots(api: ApiWorld) -> None:
    now = api.scene.clock.now()
    grouped(api, now, 1, (Dimension.DOMAIN, "web.de"), (Dimension.TAG, ""), outgoing=3, sent=1)
    grouped(api, now - HOUR, 2, (Dimension.DOMAIN, "web.de"), (Dimension.TAG, "a"), outgoing=1)
    found = asked(api, only="domain:Web.de").json
    assert [one["counts"]["outgoing"] for one in found["data"]] == [1, 3]
    assert found["totals"]["outgoing"] == 4
    for period in ("day", "month"):
        assert asked(api, only="tag:[blank]", period=period).json["totals"]["outgoing"] == 3
    assert asked(api, only="tag:b").json["data"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"only": "tag:a", "group_by": "tag"}, "/only"),
        ({"only": "tag:a", "period": "minute"}, "/period"),
        ({"only": "tag"}, "/only"),
        ({"only": "webhook:1"}, "/only"),
        ({"only": "failure:1"}, "/only"),
        ({"only": "tag:" + "x" * 500}, "/only"),
        ({"group_by": "failure"}, "/group_by"),
        ({"group_by": "tag", "limit": 101}, "/limit"),
        ({"group_by": "tag", "limit": 0}, "/limit"),
        ({"group_by": "tag", "period": "day", "from": "2020-01-01T00:00:00Z"}, "/from"),
    ],
)
def test_groups_that_cannot_be_asked_for(
    api: ApiWorld, query: dict[str, Any], pointer: str
) -> None:
    reply = asked(api, **query)
    assert reply.status == 422, reply.body
    assert [one["pointer"] for one in reply.json["errors"]] == [pointer]


def test_webhooks_are_counted_by_attempts(api: ApiWorld) -> None:
    count_webhooks = api.scene.posthorn[CountWebhooks]
    now, server = api.scene.clock.now(), api.scene.server.id
    tried = [WebhookAttempt(str(n), now, 0.5, succeeded=n != 2) for n in (1, 2, 3)]
    bootstrap.run(count_webhooks.take(server, "wh1", tried))
    bootstrap.run(count_webhooks.take(server, "wh1", tried[1:]))
    (found,) = asked(api, group_by="webhook").json["data"]
    assert (found["group"], found["delivered"], found["failed"]) == ("wh1", 2, 1)
    assert 0.45 < found["p95"] < 0.55
