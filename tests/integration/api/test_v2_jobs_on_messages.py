"""Jobs on messages with API v2: each verb by filter and by ids, looked at first, and what changes state meanwhile."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.api.v2.mail_filters import MOST_AT_ONCE, SearchesAtOnce
from chalicelib.domain.model import Status
from chalicelib.domain.rates import SEARCH
from chalicelib.ports.jobs import Jobs
from chalicelib.services.jobs import pace
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.run import RunJobs
from onehost.upkeep import Upkeep
from tests.http_api import ApiWorld, Reply
from tests.incoming_play import arrives, smtp_route
from tests.integration.api.test_v2_audit import entries

SENT = {"from": "app@acme.test", "to": "john@example.com", "text": "x", "subject": "x", "tag": "t"}
SERVER = "acme/app"


def start(api: ApiWorld, **fields: Any) -> Reply:
    return api.manage("POST", "/jobs", fields, SERVER)


def run(api: ApiWorld, seconds: float = 60) -> None:
    bootstrap.run(api.scene.posthorn[RunJobs].run(seconds))


def ran(api: ApiWorld, **fields: Any) -> Any:
    """A job that has run."""
    made = start(api, **fields)
    assert made.status == 202, made
    run(api)
    return api.manage("GET", f"/jobs/{made.json['id']}", tenant=SERVER).json


def sent(api: ApiWorld, to: str = "john@example.com") -> int:
    number: int = api.v2("POST", "/emails", {**SENT, "to": to}).json["id"]
    return number


def held(api: ApiWorld, count: int = 3) -> list[int]:
    numbers = [sent(api, f"user{one}@example.com") for one in range(count)]
    ran(api, type="hold", ids=numbers)
    return numbers


def shown(api: ApiWorld, number: int) -> Any:
    return api.v2("GET", f"/emails/{number}").json


def deliver(api: ApiWorld) -> None:
    bootstrap.run(api.scene.deliver_ready())


def told(api: ApiWorld) -> None:
    """What the outbox does about it."""
    bootstrap.run(Upkeep(api.scene.posthorn).feed())


def test_dry_runs_are_counted_with_searches(api: ApiWorld) -> None:
    numbers = held(api, 1)
    started = start(api, type="hold", ids=numbers)
    looked = start(api, type="release", filter={"status": "held"}, dry_run=True)
    searched = api.v2("GET", "/emails?q=order")
    assert "ratelimit-policy" not in started.headers
    assert looked.headers["ratelimit-policy"] == f'"search";q={SEARCH.quota};w=60'
    assert looked.headers["ratelimit"].startswith(f'"search";r={SEARCH.quota - 1};')
    assert searched.headers["ratelimit"].startswith(f'"search";r={SEARCH.quota - 2};')
    at_once, server = api.scene.posthorn[SearchesAtOnce], api.scene.server.id
    with ExitStack() as others:
        for _ in range(MOST_AT_ONCE):
            others.enter_context(at_once.one(server))
        refused = start(api, type="release", filter={}, dry_run=True)
        assert (refused.status, refused.json["code"]) == (429, "throttled")


def test_all_that_are_held_are_released(api: ApiWorld) -> None:
    numbers = held(api, 5)
    fresh = sent(api)
    job = ran(api, type="release", filter={"status": "held"}, note="looked at")
    counts = [job[name] for name in ("status", "matched", "done", "failed", "errors", "result")]
    assert counts == ["done", 5, 5, 0, [], None]
    assert job["parameters"] == {"filter": {"status": "held"}, "note": "looked at"}
    deliver(api)
    assert {shown(api, one)["status"] for one in [*numbers, fresh]} == {"Sent"}
    assert len(api.scene.egress.received) == 6
    told(api)
    made = [one for one in entries(api) if one["action"] == "email.release"]
    assert {int(one["object"]["id"]) for one in made} == set(numbers)
    assert made[0]["after"] == {"status": "Pending", "note": "looked at", "job": job["id"]}
    assert made[0]["actor"]["name"] == "root"
    assert made[0]["request_id"]


def test_a_look_says_what_would_be_done_and_does_nothing(api: ApiWorld) -> None:
    numbers = held(api, 2)
    fresh = sent(api)
    looked = start(api, type="release", filter={}, dry_run=True)
    assert looked.status == 200
    assert looked.json == {
        "type": "release",
        "matched": 3,
        "exact": True,
        "by_status": {"Held": 2, "Pending": 1},
        "skipped": [{"detail": "It is not held", "count": 1}],
        "sample": sorted(numbers, reverse=True),
        "result": None,
    }
    some = start(api, type="cancel", ids=[fresh, 9_999], dry_run=True).json
    assert (some["matched"], some["sample"]) == (1, [fresh])
    assert Counter(shown(api, one)["status"] for one in numbers) == {"Held": 2}


def test_what_cannot_be_done_is_told_of_each(api: ApiWorld) -> None:
    (number,) = held(api, 1)
    fresh = sent(api)
    job = ran(api, type="release", ids=[fresh, number, number, 777])
    assert (job["matched"], job["done"], job["failed"]) == (3, 1, 2)
    assert job["errors"] == [
        {"id": fresh, "detail": f"Message {fresh} is not held"},
        {"id": 777, "detail": "There is no message 777"},
    ]


def test_what_changes_state_meanwhile_counts_as_failed(api: ApiWorld) -> None:
    numbers = held(api, 3)
    number = start(api, type="release", filter={"status": "held"}).json["id"]
    posthorn, server = api.scene.posthorn, api.scene.server
    runner, job = posthorn[RunJobs], bootstrap.run(posthorn[Jobs].get(server.id, number))
    bootstrap.run(runner._piece(server.id, job))  # which writes down what it is about
    assert api.manage("POST", f"/emails/{numbers[1]}/cancel", tenant=SERVER).status == 200
    api.scene.clock.advance(61)
    run(api)
    done = api.manage("GET", f"/jobs/{number}", tenant=SERVER).json
    assert (done["matched"], done["done"], done["failed"]) == (3, 2, 1)
    assert done["errors"] == [
        {"id": numbers[1], "detail": f"Message {numbers[1]} is not held"},
    ]


@pytest.mark.parametrize(
    ("verb", "status"),
    [("hold", "Held"), ("cancel", "HoldCancelled"), ("bounce", "HardFail"), ("retry", "Pending")],
)
def test_each_verb_by_filter(api: ApiWorld, verb: str, status: str) -> None:
    numbers = [sent(api) for _ in range(3)]
    other = sent(api, "other@example.com")
    job = ran(api, type=verb, filter={"to": "john@example.com"})
    assert (job["matched"], job["done"]) == (3, 3)
    assert {shown(api, one)["status"] for one in numbers} == {status}
    assert shown(api, other)["status"] == "Pending"


def test_a_search_chooses(api: ApiWorld) -> None:
    numbers = [sent(api) for _ in range(2)]
    other = api.v2("POST", "/emails", {**SENT, "tag": "another"}).json["id"]
    wanted = {"q": "tag:t -subject:y", "status": None}
    looked = start(api, type="hold", filter=wanted, dry_run=True).json
    assert (looked["matched"], sorted(looked["sample"])) == (2, numbers)
    job = ran(api, type="hold", filter=wanted)
    assert (job["done"], job["failed"]) == (2, 0)
    assert {shown(api, one)["status"] for one in numbers} == {"Held"}
    assert shown(api, other)["status"] == "Pending"
    assert job["parameters"]["filter"] == {"q": "tag:t -subject:y"}


def test_one_resends_each_of_them_once(api: ApiWorld) -> None:
    numbers = [sent(api, f"user{one}@example.com") for one in range(3)]
    deliver(api)
    job = ran(api, type="resend", filter={"direction": "outgoing"})
    assert (job["status"], job["done"], job["failed"]) == ("done", 3, 0)
    deliver(api)
    told(api)
    assert Counter(one.envelope.rcpt_to for one in api.scene.egress.received) == {
        f"user{one}@example.com": 2 for one in range(3)
    }
    for number in numbers:
        (made,) = shown(api, number)["resent_as"]
        assert shown(api, made)["resend_of"] == number
    resent = [one for one in entries(api) if one["action"] == "email.resend"]
    assert {one["after"]["job"] for one in resent} == {job["id"]}


async def _arrived(api: ApiWorld) -> list[int]:
    route = await smtp_route(api.scene)
    return [(await arrives(api.scene, route)).id for _ in range(2)]


def test_received_mail_is_replayed_and_given_up_with_a_bounce(api: ApiWorld) -> None:
    numbers = bootstrap.run(_arrived(api))
    outgoing = sent(api)
    job = ran(api, type="replay", filter={})
    assert (job["matched"], job["done"], job["failed"]) == (3, 2, 1)
    assert job["errors"][0]["detail"] == f"Message {outgoing} was not received here"
    job = ran(api, type="bounce", filter={"direction": "incoming"})
    assert job["done"] == 2
    assert {shown(api, one)["status"] for one in numbers} == {"HardFail"}
    wrong = start(api, type="replay", filter={}, endpoint="nowhere")
    assert wrong.status == 422
    assert wrong.json["errors"][0] | {"detail": ""} == {
        "pointer": "/endpoint",
        "code": "unknown_reference",
        "detail": "",
    }


def test_a_release_allows_recipients_where_the_key_may(api: ApiWorld) -> None:
    (number,) = held(api, 1)
    entry = {"address": "user0@example.com"}
    assert api.manage("POST", "/suppressions", entry, SERVER).status == 201
    wanted = {"name": "k", "scopes": ["emails:write"]}
    key = api.manage("POST", "/keys", wanted, "acme").json["key"]
    job = {"type": "release", "ids": [number], "allow": True}
    refused = api.manage("POST", "/jobs", job, SERVER, key)
    assert (refused.status, refused.json["scope"]) == (403, "suppressions:write")
    assert ran(api, **job)["done"] == 1
    assert api.manage("GET", "/suppressions", tenant=SERVER).json["data"] == []
    assert api.manage("GET", "/jobs", tenant=SERVER, key=key).json["data"][0]["type"] == "hold"


def test_a_key_that_is_limited_takes_nobody_off_the_list_of_the_organization(
    api: ApiWorld,
) -> None:
    (number,) = held(api, 1)
    entry = {"address": "user0@example.com"}
    assert api.manage("POST", "/suppressions", entry, "acme").status == 201
    wanted = {"name": "k", "scopes": ["emails:write", "suppressions:write"], "servers": ["app"]}
    made = api.manage("POST", "/keys", wanted, "acme")
    assert made.status == 201, made
    job = {"type": "release", "ids": [number], "allow": True}
    number = api.manage("POST", "/jobs", job, SERVER, made.json["key"]).json["id"]
    run(api)
    done = api.manage("GET", f"/jobs/{number}", tenant=SERVER).json
    assert (done["done"], done["failed"]) == (0, 1)
    assert "organization" in done["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"type": "hold"}, "/filter"),
        ({"type": "hold", "filter": {}, "ids": [1]}, "/filter"),
        ({"type": "hold", "ids": []}, "/ids"),
        ({"type": "hold", "ids": list(range(1, 1_002))}, "/ids"),
        ({"type": "hold", "ids": ["1"]}, "/ids/0"),
        ({"type": "hold", "filter": {"reason": "bounce"}}, "/filter/reason"),
        ({"type": "hold", "filter": {"status": "sleeping"}}, "/filter/status"),
        ({"type": "hold", "filter": {"q": "colour:red"}}, "/filter/q"),
        ({"type": "export", "what": "emails", "filter": {"q": '"open'}}, "/filter/q"),
        ({"type": "hold", "filter": {}, "note": "x"}, "/note"),
        ({"type": "release", "filter": {}, "endpoint": "x"}, "/endpoint"),
        ({"type": "export", "what": "suppressions", "filter": {"q": "x"}}, "/filter/q"),
        ({"type": "replay_webhooks", "filter": {}}, "/filter"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: ApiWorld, fields: dict[str, Any], pointer: str
) -> None:
    reply = start(api, **fields)
    assert (reply.status, reply.json["errors"][0]["pointer"]) == (422, pointer), reply.json


def test_a_server_that_is_suspended_sends_nothing(api: ApiWorld) -> None:
    numbers = held(api, 2)
    begun = start(api, type="release", filter={}).json["id"]
    assert api.manage("POST", "/servers/acme/app/suspend", {"reason": "x"}).status == 200
    reply = start(api, type="release", filter={})
    assert (reply.status, reply.json["code"]) == (403, "server_suspended")
    assert start(api, type="cancel", ids=numbers[:1]).status == 202
    run(api)
    done = api.manage("GET", f"/jobs/{begun}", tenant=SERVER).json
    assert (done["done"], done["failed"]) == (0, 2)
    assert {one["detail"] for one in done["errors"]} == {"This server is suspended"}


def test_they_are_sent_on_in_waves_that_grow_while_nothing_piles_up(api: ApiWorld) -> None:
    numbers = held(api, 65)
    number = start(api, type="release", filter={"status": "held"}).json["id"]

    def done() -> int:
        run(api, 0.6)
        count: int = api.manage("GET", f"/jobs/{number}", tenant=SERVER).json["done"]
        return count

    assert done() == pace.FIRST
    assert done() == pace.FIRST  # none of which has left
    deliver(api)
    assert done() == 3 * pace.FIRST
    deliver(api)
    assert done() == len(numbers)
    assert api.manage("GET", f"/jobs/{number}", tenant=SERVER).json["status"] == "done"
    deliver(api)
    assert {shown(api, one)["status"] for one in numbers} == {Status.SENT}


def test_a_wave_that_stands_for_good_is_not_waited_for(api: ApiWorld) -> None:
    numbers = held(api, 30)
    job = ran(api, type="release", ids=numbers)
    assert (job["status"], job["done"]) == ("running", pace.FIRST + pace.LEAST)
    run(api)
    job = api.manage("GET", f"/jobs/{job['id']}", tenant=SERVER).json
    assert (job["status"], job["done"]) == ("done", len(numbers))


def test_a_server_key_sees_and_resends_as_itself(api: ApiWorld) -> None:
    number = sent(api)
    deliver(api)
    made = api.v2("POST", "/jobs", {"type": "resend", "ids": [number]})
    assert made.status == 202, made
    assert api.v2("POST", "/jobs", {"type": "hold", "ids": [number]}).status == 403
    run(api)
    told(api)
    (again,) = shown(api, number)["resent_as"]
    assert shown(api, again)["credential"] == shown(api, number)["credential"]
    assert api.scene.posthorn[KeepJobs] is not None
