"""Hourly checks of a server's own domain are events; the format `postal` is told each hour that it is not good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.adapters.system.faults import raising
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.events.event import Event
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.findings import Purpose
from chalicelib.ports.event_log import EventLog
from chalicelib.ports.happenings import Happenings
from chalicelib.services.dns_monitor import DnsMonitor
from chalicelib.services.events.compose import ComposeEvents
from chalicelib.services.events.hand_on_later import HandOnLater
from chalicelib.services.events.publish_events import PublishEvents
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_domains import (
    HOUR,
    NAME,
    hourly,
    make,
    publish,
    verb,
    withdraw,
)

if TYPE_CHECKING:
    import pytest


class Receiver:
    """All webhooks."""

    def __init__(self) -> None:
        self.got: list[Event] = []

    async def wanted(self, server: ServerId) -> bool:
        return True

    async def take(self, server: ServerId, events: list[Event]) -> int:
        self.got += events
        return len(events)


def published(api: ApiWorld) -> list[Event]:
    """What webhooks are told since the last look."""
    posthorn, receiver = api.scene.posthorn, Receiver()
    webhooks: Any = receiver

    async def turn() -> None:
        changes, position = posthorn[EventFeed].read()
        publish_events = PublishEvents(
            posthorn[EventLog], posthorn[ComposeEvents], webhooks, posthorn[HandOnLater]
        )
        await publish_events.take(SOURCE, changes)
        await posthorn[EventFeed].move(position)

    bootstrap.run(turn())
    return receiver.got


def listed(api: ApiWorld) -> list[Any]:
    found: list[Any] = api.v2("GET", "/events").json["data"]
    return found


def an_hour(api: ApiWorld) -> None:
    api.scene.clock.advance(HOUR)
    hourly(api)


def test_a_domain_that_goes_wrong_and_right_again(
    api: ApiWorld, caplog: pytest.LogCaptureFixture
) -> None:
    make(api)
    publish(api)
    verb(api, "check")
    an_hour(api)
    assert published(api) == []
    withdraw(api, Purpose.SPF)
    verb(api, "check")  # by hand: nobody is told
    for _ in range(3):
        an_hour(api)
    publish(api)
    an_hour(api)
    got = published(api)
    bodies = [json.loads(one.v2) for one in got if one.v2 is not None]
    assert [one["type"] for one in bodies] == ["domain.dns_failed", "domain.dns_recovered"]
    failed, recovered = (one["data"]["domain"] for one in bodies)
    shown = api.manage("GET", f"/domains/{NAME}", tenant="acme/app").json
    for record in shown["records"]:
        del record["found"]
    assert recovered == shown
    assert list(failed) == list(shown)
    assert (failed["dns_ok"], recovered["dns_ok"]) == (False, True)
    errors = [json.loads(one.postal) for one in got if one.postal is not None]
    assert [one["event"] for one in errors] == ["DomainDNSError"] * 3
    assert len({one["uuid"] for one in errors}) == 3
    payload = errors[0]["payload"]
    assert payload["server"]["permalink"] == "app"
    assert (payload["domain"], payload["spf_status"]) == (NAME, "Missing")
    assert payload["spf_error"] == "No SPF record exists for this domain"
    assert (payload["dkim_status"], payload["dkim_error"]) == ("OK", None)
    assert listed(api) == bodies
    notices = [one for one in caplog.records if one.message == "notice"]
    assert [one.fields["subject"] for one in notices] == [  # type: ignore[attr-defined]
        f"[acme/app] DNS records of {NAME} are not right"
    ]


def test_what_a_check_that_died_did_not_tell_the_next_one_tells(api: ApiWorld) -> None:
    make(api)
    verb(api, "check")
    posthorn = api.scene.posthorn
    away = raising(posthorn[Happenings], "note", TemporaryFailure("away"))
    events = posthorn[DnsMonitor]._events
    whole, events._happenings = events._happenings, away
    an_hour(api)
    events._happenings = whole
    assert published(api) == []
    an_hour(api)
    got = published(api)
    assert [one.v2 is not None for one in got] == [True, False]
    an_hour(api)
    (third,) = published(api)
    assert third.v2 is None
    assert len({one.id for one in (*got, third)}) == 3
    assert [one["type"] for one in listed(api)] == ["domain.dns_failed"]


def test_of_an_organization_s_domain_nobody_is_told(api: ApiWorld) -> None:
    make(api, NAME, "acme")
    api.manage("POST", f"/domains/{NAME}/check", tenant="acme")
    an_hour(api)
    assert published(api) == []
