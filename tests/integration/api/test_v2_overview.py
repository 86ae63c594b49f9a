"""A server at a glance, and why its mail fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.feed import SOURCE, EventFeed
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.model import MessageRecord, Scope, State, Status
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.periods import Period
from chalicelib.domain.retention import MEGABYTE
from chalicelib.domain.statistics import Addition, slot_of
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.owners import of_pool, of_server
from chalicelib.domain.tenancy.servers import SERVERS, UNLIMITED
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.events.outbox import Outbox
from tests.fakes import a_delivery, a_message
from tests.http_api import ApiWorld
from tests.incoming_mail import add_endpoint
from tests.integration.api.test_v2_management import a_key, refused


def overview(api: ApiWorld) -> dict[str, Any]:
    reply = api.v2("GET", "/overview")
    assert reply.status == 200, reply.body
    return reply.json


def codes(api: ApiWorld) -> list[str]:
    return [one["code"] for one in overview(api)["attention"]]


def tried(
    api: ApiWorld,
    number: int,
    status: Status,
    state: State,
    scope: Scope = Scope.OUTGOING,
    **more: Any,
) -> MessageRecord:
    """A message to gmail.com whose first attempt ended so."""
    store, server, now = (
        api.scene.posthorn[MessageStore],
        api.scene.server.id,
        api.scene.clock.now(),
    )
    message = a_message(
        server, number, scope=scope, rcpt_to=f"p{number}@gmail.com", received_at=now - 60
    )
    delivery = a_delivery(number, status, at=now, **more)
    before = MessageRecord(message)
    after = replace(
        before,
        status=status,
        state=state,
        attempt=1,
        provider="google",
        held=state is State.HELD,
        wake_at=int(now) + 60 if state is State.WAITING else 0,
        deliveries=(delivery,),
        failed_at=now if status is Status.HARD_FAIL else None,
    )
    bootstrap.run(store.create([message]))
    assert bootstrap.run(store.replace(before, after))
    return after


def tell(api: ApiWorld) -> None:
    """Have the outbox count everything."""
    feed = api.scene.posthorn[EventFeed]
    while True:
        changes, position = feed.read()
        if position == feed.position():
            return
        bootstrap.run(api.scene.posthorn[Outbox].run(SOURCE, changes))
        bootstrap.run(feed.move(position))


def change(api: ApiWorld, entity: Any, value: Any, **changes: Any) -> None:
    repository = api.scene.posthorn[Repository]
    bootstrap.run(
        repository.modify(entity, entity.place(value), lambda one: replace(one, **changes))
    )


def test_a_quiet_server(api: ApiWorld) -> None:
    found = overview(api)
    assert (found["server"], found["status"]) == ("acme/app", "Live")
    assert (found["held"], found["queued"], found["scheduled"]) == (0, 0, 0)
    assert found["bounce_rate"] is None
    assert (found["pool"], found["stored_bytes"]) == ("default", 0)
    assert found["stored_bytes_limit"] == 2_048 * MEGABYTE
    change(api, SERVERS, api.scene.server, raw_message_retention_size=UNLIMITED)
    assert overview(api)["stored_bytes_limit"] is None
    assert found["last_hour"] == {"incoming": 0, "outgoing": 0, "per_minute": 0.0}
    assert found["limits"] == []
    assert not {"held", "backlog", "suspended"} & set(codes(api))


def test_what_waits_is_counted_and_told(api: ApiWorld) -> None:
    tried(api, 1, Status.HELD, State.HELD)
    tried(api, 2, Status.SOFT_FAIL, State.WAITING)
    tried(api, 3, Status.SOFT_FAIL, State.WAITING, Scope.INCOMING)
    found = overview(api)
    assert (found["held"], found["queued"]) == (1, 2)
    (held,) = (one for one in found["attention"] if one["code"] == "held")
    assert held["count"] == 1
    assert held["since"] is not None
    assert "backlog" not in codes(api)
    api.scene.clock.advance(900)
    (backlog,) = (one for one in overview(api)["attention"] if one["code"] == "backlog")
    assert backlog["count"] == 2
    # The more urgent comes first.
    assert codes(api).index("backlog") < codes(api).index("held")


def test_rates_of_thirty_days_and_the_last_hour(api: ApiWorld) -> None:
    now, server = api.scene.clock.now(), api.scene.server.id
    statistics = api.scene.posthorn[Statistics]
    days = {
        now - 29 * DAY: {"outgoing": 100, "sent_messages": 1_000, "failed_messages": 5},
        now - 31 * DAY: {"outgoing": 100, "failed_messages": 100},
    }
    for at, counts in days.items():
        slot = slot_of(server, Period.DAY, at)
        bootstrap.run(statistics.add(f"{at}", slot, [Addition("1", counts)]))
    minute = slot_of(server, Period.MINUTE, now - 60)
    bootstrap.run(statistics.add("m", minute, [Addition("1", {"outgoing": 90, "incoming": 2})]))
    found = overview(api)
    assert found["bounce_rate"] == 0.05
    assert found["last_hour"] == {"incoming": 2, "outgoing": 90, "per_minute": 1.5}
    assert "bounce_rate" in codes(api)
    assert "complaint_rate" not in codes(api)
    day = slot_of(server, Period.DAY, now)
    bootstrap.run(statistics.add("c", day, [Addition("1", {"complaints": 1, "outgoing": 1})]))
    assert "complaint_rate" in codes(api)
    assert "bounce_rate" not in codes(api)


def test_what_is_wrong_with_the_configuration(api: ApiWorld) -> None:
    now, server = int(api.scene.clock.now()), api.scene.server
    endpoint = bootstrap.run(add_endpoint(api.scene))
    disabled = {"disabled_reason": "It answered 410.", "disabled_at": now - 60}
    change(api, ENDPOINTS, endpoint, enabled=False, **disabled)
    repository = api.scene.posthorn[Repository]
    (credential, *_) = bootstrap.run(repository.all(CREDENTIALS, of_server(server.id)))
    change(api, CREDENTIALS, credential, expires_at=now + 13 * DAY)
    source = EgressSource("east", pool=server.pool, suspended_until=now + 60)
    bootstrap.run(repository.add(SOURCES, source))
    assert bootstrap.run(repository.all(SOURCES, of_pool(server.pool)))
    found = {one["code"]: one for one in overview(api)["attention"]}
    assert found["endpoint_disabled"]["count"] == 1
    began = datetime.fromisoformat(found["endpoint_disabled"]["since"]).timestamp()
    assert began == now - 60
    assert found["key_expiring"]["detail"] == credential.name
    assert found["source_suspended"]["detail"] is None
    change(api, SERVERS, server, suspended_at=now - 5, suspension_reason="Spam.", send_limit=1)
    # The server's own key is refused now.
    shown = api.manage("GET", "/overview", tenant="acme/app").json
    assert shown["status"] == "Suspended"
    assert shown["attention"][0]["code"] == "suspended"
    assert shown["attention"][0]["detail"] == "Spam."
    (limit,) = shown["limits"]
    assert (limit["owner"], limit["period"], limit["limit"]) == ("server", "hour", 1)


def test_causes_tell_how_often_when_and_in_which_words(api: ApiWorld) -> None:
    said = "550 5.1.1 <{}> does not exist"
    for number in (1, 2):
        tried(
            api,
            number,
            Status.HARD_FAIL,
            State.DONE,
            cause="mailbox",
            output=said.format(f"p{number}@gmail.com"),
        )
    tried(api, 3, Status.SOFT_FAIL, State.WAITING, cause="rate", output="421 slow down")
    tried(api, 4, Status.HARD_FAIL, State.DONE, Scope.INCOMING, cause="mailbox", output="no")
    tell(api)
    found = api.v2("GET", "/statistics/causes?direction=outgoing").json
    first, second = found["data"]
    assert (first["cause"], first["status"], first["provider"], first["count"]) == (
        "mailbox",
        "HardFail",
        "google",
        2,
    )
    assert first["answers"] == [{"text": "550 5.1.1 <*@gmail.com> does not exist", "count": 2}]
    assert sum(first["slots"]) == 2
    assert len(first["slots"]) == 12
    assert first["slots"][-1] == 2
    assert (second["cause"], second["count"]) == ("rate", 1)
    assert len(api.v2("GET", "/statistics/causes").json["data"]) == 3
    page = api.v2("GET", "/statistics/causes?limit=2").json
    assert page["has_more"]
    rest = api.v2("GET", f"/statistics/causes?limit=2&cursor={page['next_cursor']}").json
    assert len(rest["data"]) == 1
    # Mail that is gone is counted all the same, without its words.
    api.scene.clock.advance(6 * HOUR)
    (other,) = api.v2("GET", "/statistics/causes?direction=incoming").json["data"]
    assert other["slots"].index(1) < 11


def test_ranges_of_causes(api: ApiWorld) -> None:
    tried(api, 1, Status.HARD_FAIL, State.DONE, cause="mailbox", output="no")
    tell(api)
    for query in ("from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "from=1990-01-01T00:00:00Z"):
        assert refused(api.v2("GET", f"/statistics/causes?{query}")) == (422, "invalid_request")
    api.scene.clock.advance(70 * DAY)
    began = int(api.scene.clock.now()) - 80 * DAY
    moment = datetime.fromtimestamp(began, UTC).isoformat()[:-6] + "Z"
    (one,) = api.v2("GET", f"/statistics/causes?from={moment}").json["data"]
    assert one["count"] == 1


def test_who_may_look(api: ApiWorld) -> None:
    own = a_key(api, "emails:read")
    for path in ("/overview", "/statistics/causes"):
        reply = api.manage("GET", path, tenant="acme/app", key=own)
        assert refused(reply) == (403, "scope_missing")
        assert refused(api.manage("GET", path, tenant="acme")) == (422, "tenant_required")


def test_the_number_of_messages_that_are_counted_is_bounded(api: ApiWorld) -> None:
    store, server = api.scene.posthorn[MessageStore], api.scene.server.id
    for number in range(1, 6):
        tried(api, number, Status.HELD, State.HELD)
    found = bootstrap.run(store.count_flagged(server, Scope.OUTGOING, "held", 3))
    assert found.count == 3
    oldest = bootstrap.run(store.get(server, MessageId(1)))
    assert found.oldest_at == oldest.message.received_at
