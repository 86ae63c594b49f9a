"""How mail came in, what it passed, with which others it came, and why it waits: what `GET /emails/{id}` adds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.reply import Reply as SmtpReply
from chalicelib.domain.suppression import Suppression
from chalicelib.ports.egress import TransactionResult
from chalicelib.ports.suppressions import SuppressionList
from tests.http_api import ApiWorld
from tests.listed import list_new

GOOD = {"from": "app@acme.test", "subject": "x", "text": "Hello"}
LATER = TransactionResult(SmtpReply(451, "4.3.0", "Not now"), "RCPT")


def sent(api: ApiWorld, *to: str, **more: Any) -> list[int]:
    reply = api.v2("POST", "/emails", GOOD | {"to": list(to)} | more)
    assert reply.status == 202, reply.body
    return [one["id"] for one in reply.json["emails"]]


def shown(api: ApiWorld, number: int) -> Any:
    return api.v2("GET", f"/emails/{number}").json


def ids(api: ApiWorld, query: str) -> tuple[list[int], str | None]:
    reply = api.v2("GET", f"/emails?{query}")
    assert reply.status == 200, reply.body
    return [one["id"] for one in reply.json["data"]], reply.json["next_cursor"]


def test_mail_over_http_tells_its_request(api: ApiWorld) -> None:
    (number,) = sent(api, "bob@example.com")
    came = shown(api, number)["accepted"]
    assert came["by"] == "api"
    assert came["credential"] == shown(api, number)["credential"]
    assert came["client"]
    assert came["request_id"]
    assert came["tls"] is None
    assert [(one["check"], one["result"]) for one in came["checks"]] == [("sender", "pass")]
    assert (came["signed"], came["tracked_links"]) == ([], 0)


def test_after_an_attempt_it_tells_what_was_passed(api: ApiWorld) -> None:
    (number,) = sent(api, "bob@example.com")
    bootstrap.run(api.scene.deliver_ready())
    came = shown(api, number)["accepted"]
    found = {one["check"]: one["result"] for one in came["checks"]}
    assert list(found) == ["sender", "suppression", "limit", "spam", "alignment", "unsubscribe"]
    assert (found["suppression"], found["limit"], found["spam"]) == ("pass", "skip", "skip")
    assert found["alignment"] == "pass"
    assert came["signed"]


def test_in_privacy_mode_nobody_is_told_the_client(api: ApiWorld) -> None:
    path = f"/servers/{api.scene.server.full_name}"
    assert api.manage("PATCH", path, {"privacy_mode": True}).status == 200
    api.scene.clock.advance(60)
    (number,) = sent(api, "bob@example.com")
    assert shown(api, number)["accepted"]["client"] is None


def test_the_check_that_holds_it_failed(api: ApiWorld) -> None:
    now = api.scene.clock.now()
    entry = Suppression("bob@example.com", "bounced", now, int(now) + 1_000_000)
    bootstrap.run(list_new(api.scene.posthorn[SuppressionList], api.scene.server.id, [entry]))
    (number,) = sent(api, "bob@example.com")
    bootstrap.run(api.scene.deliver_ready())
    checks = {one["check"]: one for one in shown(api, number)["accepted"]["checks"]}
    assert checks["suppression"]["result"] == "fail"
    assert "suppression list" in checks["suppression"]["detail"]


def test_those_of_one_request_know_each_other(api: ApiWorld) -> None:
    (before,) = sent(api, "x@example.com")
    to = [f"r{number}@example.com" for number in range(25)]
    numbers = sent(api, *to)
    (after,) = sent(api, "y@example.com")
    first = numbers[0]
    assert {shown(api, one)["request"] for one in numbers} == {first}
    assert (shown(api, before)["request"], shown(api, after)["request"]) == (before, after)
    assert ids(api, f"request={first}") == (numbers, None)
    assert ids(api, f"request={before}") == ([before], None)
    assert ids(api, f"request={numbers[1]}") == ([numbers[1]], None)  # which is the first of none
    found, cursor = ids(api, f"request={first}&limit=10")
    while cursor is not None:
        page, cursor = ids(api, f"request={first}&limit=10&cursor={cursor}")
        found += page
    assert found == numbers
    assert ids(api, f"request={first}&direction=incoming") == ([], None)
    assert ids(api, "request=424242") == ([], None)


@pytest.mark.parametrize("query", ["q=x", "to=a@b.test", "status=held"])
def test_a_request_is_asked_for_alone(api: ApiWorld, query: str) -> None:
    for wanted in (f"request=1&{query}", "request=0", "request=x"):
        assert api.v2("GET", f"/emails?{wanted}").status == 422


def test_a_wait_tells_how_many_others_and_when_it_ends(api: ApiWorld) -> None:
    for to in ("a@example.com", "b@example.com", "c@other.test"):
        api.scene.egress.will(to, LATER)
    first, second, _, _ = sent(
        api, "a@example.com", "b@example.com", "c@other.test", "d@example.com"
    )
    assert shown(api, first)["wait"]["code"] == "queued"
    bootstrap.run(api.scene.deliver_ready())
    email = shown(api, first)
    wait = email["wait"]
    assert (wait["code"], wait["others"]) == ("retry", 1)
    assert email["most_tries"] == 18
    assert email["gives_up_at"] > wait["until"] > wait["since"]
    tenant = api.scene.server.full_name
    assert api.manage("POST", f"/emails/{second}/hold", None, tenant).status == 200
    assert shown(api, first)["wait"]["others"] == 0
    held = shown(api, second)
    assert (held["wait"]["code"], held["wait"]["others"]) == ("manual", 0)
    assert held["gives_up_at"] is None
    listed = api.v2("GET", "/emails?status=queued").json["data"]
    assert {one["wait"]["others"] for one in listed} == {None}


def test_scheduled_mail_counts_with_what_is_scheduled(api: ApiWorld) -> None:
    at = datetime.fromtimestamp(api.scene.clock.now() + 86_400, UTC).isoformat()
    first, *_ = sent(api, "a@example.com", "b@example.com", "c@example.com", scheduled_at=at)
    email = shown(api, first)
    assert (email["wait"]["code"], email["wait"]["others"]) == ("scheduled", 2)
    assert email["gives_up_at"] is None


def test_what_waits_is_counted_by_who_receives(api: ApiWorld) -> None:
    for to in ("a@example.com", "b@example.com"):
        api.scene.egress.will(to, LATER)
    sent(api, "a@example.com", "b@example.com")
    bootstrap.run(api.scene.deliver_ready())
    (found,) = api.v2("GET", "/queue?by=provider").json["data"]
    assert found["waiting"] == 2
    assert found["provider"]


def test_lists_tell_what_happened_last(api: ApiWorld) -> None:
    api.scene.egress.will("a@example.com", LATER)
    late, done = sent(api, "a@example.com", "b@example.com")
    bootstrap.run(api.scene.deliver_ready())
    (new,) = sent(api, "c@example.com")
    found = {one["id"]: one["last_delivery"] for one in api.v2("GET", "/emails").json["data"]}
    for number in (late, done):
        last = api.v2("GET", f"/emails/{number}/deliveries").json["data"][-1]
        assert found[number] == {name: last[name] for name in found[number]}
        assert shown(api, number)["last_delivery"] == found[number]
    assert found[late]["output"] == "451 4.3.0 Not now"
    assert (found[done]["status"], found[done]["cause"]) == ("Sent", None)
    assert found[new] is None
    for query in ("status=queued", "to=a@example.com", "q=status:softfail"):
        (one,) = api.v2("GET", f"/emails?{query}").json["data"]
        assert one["last_delivery"] == found[late]
