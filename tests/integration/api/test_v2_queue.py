"""What waits in a server, by destination."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.domain.reply import Reply as SmtpReply
from chalicelib.domain.tenancy.endpoints import EndpointType
from chalicelib.domain.tenancy.routes import RouteMode
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.messages import MessageStore
from tests.fakes import a_job
from tests.http_api import ApiWorld
from tests.incoming_mail import add_endpoint, add_route
from tests.incoming_play import address_route, arrives, carry, smtp_route
from tests.integration.api.test_v2_management import a_key, refused
from tests.integration.api.test_v2_operations import done, held

LATER = TransactionResult(SmtpReply(451, "4.3.0", "Not now"), "RCPT")


def sent_to(api: ApiWorld, *recipients: str) -> list[int]:
    mail = {"from": "app@acme.test", "text": "x", "subject": "x"}
    return [api.v2("POST", "/emails", mail | {"to": to}).json["id"] for to in recipients]


def test_what_waits_is_counted_by_domain(api: ApiWorld) -> None:
    few, many = ["a@few.test"], ["b@example.com", "c@example.com", "d@Example.com"]
    for to in (*few, *many):
        api.scene.egress.will(to, LATER, LATER)
    began = api.scene.clock.now()
    first, *_ = sent_to(api, *few, *many)
    bootstrap.run(api.scene.deliver_ready())
    answer = api.v2("GET", "/queue").json
    assert (answer["has_more"], answer["next_cursor"]) == (False, None)
    fullest, other = answer["data"]
    assert (fullest["domain"], fullest["waiting"], fullest["in_progress"]) == ("example.com", 3, 0)
    assert (other["domain"], other["waiting"]) == ("few.test", 1)
    assert other["last_reply"] == "450 4.1.2 The recipient's domain does not exist"
    assert fullest["last_reply"] == "451 4.3.0 Not now"
    email = api.v2("GET", f"/emails/{first}").json
    assert other["next_attempt_at"] == email["next_attempt_at"]
    assert other["oldest_at"] == email["received_at"]

    store, now = api.scene.posthorn[MessageStore], int(began)
    record = bootstrap.run(store.get(api.scene.server.id, first))
    job = a_job(record.message, record.attempt)
    bootstrap.run(store.claim(job, "worker", now, now + 300))
    (other,) = [one for one in api.v2("GET", "/queue").json["data"] if one["domain"] == "few.test"]
    assert (other["waiting"], other["in_progress"], other["next_attempt_at"]) == (0, 1, None)


def test_what_is_held_is_counted_apart(api: ApiWorld) -> None:
    number = held(api)
    assert api.v2("GET", "/queue").json["data"] == []
    (one,) = api.v2("GET", "/queue?status=held").json["data"]
    assert (one["domain"], one["waiting"], one["next_attempt_at"]) == ("example.com", 1, None)
    done(api, number, "cancel")
    assert api.v2("GET", "/queue?status=held").json["data"] == []


def test_who_may_ask_for_what(api: ApiWorld) -> None:
    assert refused(api.v2("GET", "/queue?by=weather")) == (422, "invalid_request")
    assert refused(api.v2("GET", "/queue?status=sent")) == (422, "invalid_request")
    assert refused(api.manage("GET", "/queue", tenant="acme")) == (422, "tenant_required")
    own = a_key(api, "statistics:read")
    reply = api.manage("GET", "/queue", tenant="acme/app", key=own)
    assert refused(reply) == (403, "scope_missing")


def test_what_waits_is_counted_by_reason(api: ApiWorld) -> None:
    for to in ("a@few.test", "b@example.com"):
        api.scene.egress.will(to, LATER, LATER)
    sent_to(api, "a@few.test", "b@example.com")
    bootstrap.run(api.scene.deliver_ready())
    (retried,) = api.v2("GET", "/queue?by=reason").json["data"]
    assert (retried["reason"], retried["waiting"]) == ("retry", 2)
    assert retried["next_attempt_at"] is not None
    assert "domain" not in retried

    held(api)
    sent_to(api, "c@example.com", "d@example.com")
    assert api.manage("PATCH", "/servers/acme/app", {"mode": "Development"}).status == 200
    api.scene.clock.advance(31)
    bootstrap.run(api.scene.deliver_ready())
    reasons = api.v2("GET", "/queue?status=held&by=reason").json["data"]
    assert [(one["reason"], one["waiting"]) for one in reasons] == [
        ("development", 2),
        ("manual", 1),
    ]


def test_incoming_mail_counts_where_it_is_to_go(api: ApiWorld) -> None:
    api.scene.egress.always("other@example.com", LATER)
    api.scene.egress.will("b@example.com", LATER, LATER)
    sent_to(api, "b@example.com")
    bootstrap.run(api.scene.deliver_ready())

    async def play() -> None:
        scene = api.scene
        disabled = {"url": "https://App.Customer.example:8443/x", "enabled": False}
        web = await add_endpoint(scene, type=EndpointType.HTTP, **disabled)
        routes = (
            await smtp_route(scene, hostname="In.customer.example"),  # has no address
            await address_route(scene),
            await add_route(scene, "web", endpoint=web.id),
            await add_route(scene, "hold", mode=RouteMode.HOLD),
        )
        for route in routes:
            await arrives(scene, route)
        await carry(scene)

    bootstrap.run(play())
    waiting = api.v2("GET", "/queue").json["data"]
    assert [(one["domain"], one["waiting"]) for one in waiting] == [
        ("example.com", 2),
        ("in.customer.example", 1),
    ]
    assert {one["last_reply"] for one in waiting} == {"451 4.3.0 Not now", None}
    assert all(one["next_attempt_at"] for one in waiting)
    held = api.v2("GET", "/queue?status=held").json["data"]
    assert [(one["domain"], one["waiting"]) for one in held] == [
        ("acme.test", 1),
        ("app.customer.example", 1),
    ]
    (retried,) = api.v2("GET", "/queue?by=reason").json["data"]
    assert (retried["reason"], retried["waiting"]) == ("retry", 3)
    reasons = api.v2("GET", "/queue?status=held&by=reason").json["data"]
    assert [one["reason"] for one in reasons] == ["endpoint", "route"]


def test_a_message_says_why_it_waits(api: ApiWorld) -> None:
    api.scene.egress.will("a@few.test", LATER, LATER)
    api.scene.clock.advance(1)
    (before,) = sent_to(api, "b@example.com")
    api.scene.clock.advance(1)
    (number,) = sent_to(api, "a@few.test")
    assert api.v2("GET", f"/emails/{before}").json["wait"]["ahead"] == 0
    email = api.v2("GET", f"/emails/{number}").json
    nothing = {"detail": "", "until": None, "others": None, "ahead": 1}
    assert email["wait"] == {"code": "queued", "since": email["received_at"], **nothing}
    bootstrap.run(api.scene.deliver_ready())
    email = api.v2("GET", f"/emails/{number}").json
    (last,) = api.v2("GET", f"/emails/{number}/deliveries").json["data"]
    assert email["wait"] == {
        "code": "retry",
        "detail": last["details"],
        "since": last["at"],
        "until": email["next_attempt_at"],
        "others": 0,
        "ahead": None,
    }
    (listed,) = api.v2("GET", "/emails?status=queued").json["data"]
    assert listed["wait"] == email["wait"] | {"others": None}
    done(api, number, "hold")
    email = api.v2("GET", f"/emails/{number}").json
    assert email["wait"]["code"] == "manual"
    assert email["wait"]["until"] == email["hold_expires_at"]
    assert done(api, number, "cancel").json["wait"] is None
