"""Routes of mail through the API, on both engines: fields, what goes together, and whose a name is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.incoming.routing import Described
from chalicelib.domain.incoming.srs import rewritten
from chalicelib.ports.clock import Clock
from chalicelib.services.incoming import routes as service
from chalicelib.services.incoming.match import MatchRoutes
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.tenancy.address_mac import AddressMac
from tests.aws_backend import aws_backend, aws_settings
from tests.http_api import ApiWorld, Reply, api_world
from tests.integration.api.test_v2_domains import api
from tests.integration.api.test_v2_management import a_key, places, refused
from tests.worlds import make_scene

__all__ = ["api", "aws_backend", "aws_settings"]

HERE = "acme/app"
ROUTE = {"name": "support", "domain": "acme.test", "mode": "Hold"}
TAKEN = {"route": None, "reply": "250 2.1.5 OK", "spam": None, "steps": []}
HTTP_ALONE = "Return path routes must point to an HTTP endpoint"


@pytest.fixture
def here() -> Iterator[ApiWorld]:
    """One host alone, for what is decided before anything is stored."""
    with api_world() as world:
        yield world


def make(api: ApiWorld, tenant: str = HERE, key: str | None = None, **fields: Any) -> Reply:
    return api.manage("POST", "/routes", ROUTE | fields, tenant, key)


def made(api: ApiWorld, **fields: Any) -> Any:
    reply = make(api, **fields)
    assert reply.status == 201, reply
    return reply.json


def change(api: ApiWorld, route: Any, **fields: Any) -> Reply:
    return api.manage("PATCH", f"/routes/{route['id']}", fields, HERE)


def an_endpoint(api: ApiWorld, name: str = "web", **fields: Any) -> str:
    value = {"type": "http", "name": name, "url": "https://app.example/"} | fields
    reply = api.manage("POST", "/endpoints", value, HERE)
    assert reply.status == 201, reply
    found: str = reply.json["id"]
    return found


def an_address(api: ApiWorld) -> str:
    value = {"type": "address", "address": "bob@example.com"}
    found: str = api.manage("POST", "/endpoints", value, HERE).json["id"]
    return found


def test_a_route_is_made_shown_changed_and_deleted(api: ApiWorld) -> None:
    end, other = an_endpoint(api), an_address(api)
    conditions = [
        {"field": "subject", "matches": "*invoice*"},
        {"field": "header:X-A", "matches": "*"},
    ]
    reply = make(
        api,
        name="Support-*",
        domain="ACME.test.",
        mode="Endpoint",
        endpoint=end,
        additional_endpoints=[other],
        spam_mode="Quarantine",
        priority=7,
        conditions=conditions,
    )
    fresh = reply.json
    assert (reply.status, reply.headers["location"]) == (201, f"/api/v2/routes/{fresh['id']}")
    token = fresh["token"]
    assert len(token) == 8
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert fresh == {
        "id": fresh["id"],
        "name": "support-*",
        "domain": "acme.test",
        "address": "support-*@acme.test",
        "mode": "Endpoint",
        "endpoint": end,
        "additional_endpoints": [other],
        "spam_mode": "Quarantine",
        "priority": 7,
        "conditions": conditions,
        "token": token,
        "forwarding_address": f"{token}@routes.posthorn.example.com",
        "created_at": fresh["created_at"],
        "last_used_at": None,
    }
    at = f"/routes/{fresh['id']}"
    assert api.manage("GET", at, tenant=HERE).json == fresh
    nulls = dict.fromkeys(("additional_endpoints", "spam_mode", "priority", "conditions"))
    plain = change(api, fresh, name="x", **nulls).json
    assert plain == fresh | {
        "name": "x",
        "address": "x@acme.test",
        "additional_endpoints": [],
        "spam_mode": "Mark",
        "priority": 100,
        "conditions": [],
    }
    held = change(api, fresh, mode="Hold").json
    assert (held["mode"], held["endpoint"]) == ("Hold", None)
    back = change(api, fresh, mode=None, endpoint=end).json
    assert (back["mode"], back["endpoint"]) == ("Endpoint", end)
    assert api.manage("DELETE", at, tenant=HERE).status == 204
    assert refused(api.manage("GET", at, tenant=HERE)) == (404, "not_found")
    actions = [
        one["action"] for one in api.manage("GET", "/audit?limit=5", tenant="acme").json["data"]
    ]
    assert actions == ["route.delete", *["route.update"] * 3, "route.create"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": None}, [("/name", "string_type")]),
        ({"name": "a b"}, [("/name", "invalid")]),
        ({"name": "a+b"}, [("/name", "invalid")]),
        ({"name": "ü"}, [("/name", "invalid")]),
        ({"name": "*a*b*c*"}, [("/name", "invalid")]),
        ({"name": "a" * 65}, [("/name", "string_too_long")]),
        ({"domain": None}, [("/domain", "missing")]),
        ({"domain": "other.test"}, [("/domain", "unknown_reference")]),
        ({"mode": "endpoint"}, [("/mode", "enum")]),
        ({"mode": "Endpoint"}, [("/endpoint", "missing")]),
        ({"mode": None}, [("/endpoint", "missing")]),
        ({"endpoint": "e"}, [("/endpoint", "extra_forbidden")]),
        ({"additional_endpoints": ["e"]}, [("/additional_endpoints", "extra_forbidden")]),
        ({"mode": "Endpoint", "endpoint": "unknown"}, [("/endpoint", "unknown_reference")]),
        ({"additional_endpoints": ["e"] * 21}, [("/additional_endpoints", "too_long")]),
        ({"spam_mode": "mark"}, [("/spam_mode", "enum")]),
        ({"priority": -1}, [("/priority", "greater_than_equal")]),
        ({"priority": 1001}, [("/priority", "less_than_equal")]),
        ({"priority": "7"}, [("/priority", "int_type")]),
        ({"token": "abcdefgh"}, [("/token", "extra_forbidden")]),
        ({"conditions": [{"field": "to", "matches": "x"}]}, [("/conditions/0/field", "invalid")]),
        ({"conditions": [{"field": "header:", "matches": "x"}]}, [("/conditions/0/field", "invalid")]),
        ({"conditions": [{"field": "header:a b", "matches": "x"}]}, [("/conditions/0/field", "invalid")]),
        ({"conditions": [{"field": "subject"}]}, [("/conditions/0/matches", "missing")]),
        (
            {"conditions": [{"field": "subject", "matches": "x" * 201}]},
            [("/conditions/0/matches", "string_too_long")],
        ),
        (
            {"conditions": [{"field": "subject", "matches": ""}]},
            [("/conditions/0/matches", "string_too_short")],
        ),
        ({"conditions": [{"field": "subject", "matches": "x"}] * 11}, [("/conditions", "too_long")]),
        ({"name": "__returnpath__"}, [("/domain", "extra_forbidden"), ("/mode", "invalid")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(here: ApiWorld, fields: Any, where: list[tuple[str, str]]) -> None:
    reply = make(here, **fields)
    assert (reply.status, places(reply)) == (422, where)


def test_each_endpoint_is_there_once_and_is_the_servers_own(api: ApiWorld) -> None:
    end, other = an_endpoint(api), an_address(api)
    given = {"mode": "Endpoint", "endpoint": end}
    twice = make(api, **given, additional_endpoints=[other, other])
    assert places(twice) == [("/additional_endpoints/1", "repeated")]
    assert places(make(api, **given, additional_endpoints=[end])) == [
        ("/additional_endpoints/0", "repeated")
    ]
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    value = {"type": "address", "address": "c@example.com"}
    foreign = api.manage("POST", "/endpoints", value, "acme/second").json["id"]
    reply = make(api, **given, additional_endpoints=[other, foreign])
    assert places(reply) == [("/additional_endpoints/1", "unknown_reference")]
    assert places(make(api, mode="Endpoint", endpoint=foreign)) == [
        ("/endpoint", "unknown_reference")
    ]
    fine = made(api, **given, additional_endpoints=[other])
    assert places(change(api, fine, endpoint=None)) == [("/endpoint", "missing")]
    assert places(change(api, fine, mode="Hold", endpoint=end)) == [
        ("/endpoint", "extra_forbidden")
    ]
    rejecting = made(api, name="r", mode="Reject")
    assert places(change(api, rejecting, endpoint=end)) == [("/endpoint", "extra_forbidden")]


def test_the_domain_is_verified_for_the_server_or_its_organization(api: ApiWorld) -> None:
    shared = {"name": "shared.example", "verification_method": "Email"}
    api.manage("POST", "/domains", shared, "acme")
    assert places(make(api, domain="shared.example")) == [("/domain", "unknown_reference")]
    api.manage("POST", "/domains/shared.example/trust", None, "acme")
    assert make(api, domain="shared.example").status == 201


def test_a_name_of_a_domain_belongs_to_one_server(api: ApiWorld) -> None:
    api.manage("POST", "/domains", {"name": "shared.example"}, "acme")
    api.manage("POST", "/domains/shared.example/trust", None, "acme")
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    made(api, domain="shared.example", priority=5)
    reply = make(api, "acme/second", domain="shared.example")
    text = "support@shared.example is configured on the acme/app mail server"
    assert (refused(reply), reply.json["detail"]) == ((409, "conflict"), text)
    assert places(reply) == [("/name", "taken")]
    only = a_key(api, "routing:write", servers=["second"])
    reply = make(api, "acme/second", only, domain="shared.example")
    text = "support@shared.example is configured on another mail server"
    assert (refused(reply), reply.json["detail"]) == ((409, "conflict"), text)
    mine = make(api, "acme/second", domain="shared.example", name="sales").json
    reply = api.manage("PATCH", f"/routes/{mine['id']}", {"name": "support"}, "acme/second")
    assert refused(reply) == (409, "conflict")


def test_one_name_may_have_several_priorities(api: ApiWorld) -> None:
    first = made(api)
    again = make(api)
    assert (refused(again), places(again)) == ((409, "conflict"), [("/name", "taken")])
    second = made(api, priority=50)
    assert refused(change(api, second, priority=100)) == (409, "conflict")
    assert change(api, first, priority=50 + 1).status == 200
    assert change(api, second, priority=100).status == 200


def test_a_return_path_has_one_route_to_an_http_endpoint(api: ApiWorld) -> None:
    end, other = an_endpoint(api), an_address(api)
    given = {"name": "__returnpath__", "domain": None, "mode": "Endpoint"}
    for wrong, where in (
        ({"endpoint": other}, ("/endpoint", "invalid")),
        ({"mode": "Accept"}, ("/mode", "invalid")),
        ({}, ("/endpoint", "missing")),
    ):
        reply = make(api, **given | wrong)
        assert (reply.status, places(reply), reply.json["detail"]) == (422, [where], HTTP_ALONE)
    asks = [{"field": "subject", "matches": "x"}]
    assert places(make(api, **given, endpoint=end, conditions=asks)) == [("/conditions", "invalid")]
    fresh = made(api, **given, endpoint=end, additional_endpoints=[other])
    assert (fresh["domain"], fresh["address"], fresh["forwarding_address"]) == (None, None, None)
    again = make(api, **given, endpoint=end)
    assert (refused(again), places(again)) == ((409, "conflict"), [("/name", "taken")])
    assert places(change(api, fresh, endpoint=other, additional_endpoints=[])) == [
        ("/endpoint", "invalid")
    ]
    api.manage("DELETE", f"/endpoints/{end}", tenant=HERE)
    rejecting = change(api, fresh, spam_mode="Fail").json
    assert (rejecting["mode"], rejecting["spam_mode"]) == ("Reject", "Fail")


def test_a_domain_stays_while_routes_name_it(api: ApiWorld) -> None:
    api.manage("POST", "/domains", {"name": "own.example"}, HERE)
    api.manage("POST", "/domains/own.example/trust", None, HERE)
    api.manage("POST", "/domains", {"name": "shared.example"}, "acme")
    api.manage("POST", "/domains/shared.example/trust", None, "acme")
    for domain, tenant in (("own.example", HERE), ("shared.example", "acme")):
        route = made(api, domain=domain)
        reply = api.manage("DELETE", f"/domains/{domain}", None, tenant)
        assert (refused(reply), reply.json["detail"]) == (
            (409, "conflict"),
            f"Routes name {domain}: remove them first",
        )
        api.manage("DELETE", f"/routes/{route['id']}", tenant=HERE)
        assert api.manage("DELETE", f"/domains/{domain}", None, tenant).status == 204


def test_another_owners_routes_do_not_keep_a_domain(api: ApiWorld) -> None:
    api.manage("POST", "/organizations", {"name": "Other"})
    api.manage("POST", "/servers", {"organization": "other", "name": "Mail"})
    for tenant in (HERE, "other"):
        api.manage("POST", "/domains", {"name": "both.example"}, tenant)
        api.manage("POST", "/domains/both.example/trust", None, tenant)
    made(api, domain="both.example")
    foreign = make(api, "other/mail", domain="both.example")
    assert (
        foreign.json["detail"] == "support@both.example is configured on the acme/app mail server"
    )
    assert api.manage("DELETE", "/domains/both.example", None, "other").status == 204
    assert api.manage("DELETE", "/domains/both.example", None, HERE).status == 409


def test_lists_are_by_priority_then_age(api: ApiWorld) -> None:
    given = (("a", 100), ("b", 5), ("c", 100), ("d", 0))
    ids = {name: made(api, name=name, priority=priority)["id"] for name, priority in given}
    first = api.manage("GET", "/routes?limit=3", tenant=HERE).json
    rest = api.manage("GET", f"/routes?limit=3&cursor={first['next_cursor']}", tenant=HERE).json
    assert [one["id"] for one in (*first["data"], *rest["data"])] == [ids[one] for one in "dbac"]


def test_there_are_only_so_many_and_keys_need_the_scope(
    here: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(here)
    monkeypatch.setattr(service, "MOST_OF_A_SERVER", 1)
    full = make(here, name="x")
    assert (refused(full), full.json["detail"]) == (
        (409, "conflict"),
        "A server has at most 1 routes",
    )
    reader = a_key(here, "routing:read")
    assert here.manage("GET", "/routes", None, HERE, reader).status == 200
    reply = make(here, HERE, reader)
    assert (refused(reply), reply.json["scope"]) == ((403, "scope_missing"), "routing:write")


def match(api: ApiWorld, to: str = "support@acme.test", tenant: str = HERE, **more: Any) -> Any:
    body = {name.removesuffix("_"): one for name, one in more.items()}
    reply = api.manage("POST", "/routes/match", {"to": to} | body, tenant)
    assert reply.status == 200, reply
    return reply.json


def steps(found: Any, names: dict[str, str]) -> list[tuple[str, str]]:
    called = {one: name for name, one in names.items()}
    return [(called[one["route"]], one["result"]) for one in found["steps"]]


def test_what_would_take_a_message_is_told_step_by_step(api: ApiWorld) -> None:
    asks = [
        {"field": "subject", "matches": "*invoice*"},
        {"field": "header:List-Id", "matches": "*"},
    ]
    given: tuple[tuple[str, dict[str, Any]], ...] = (
        ("first", {"name": "sales", "priority": 1}),
        ("asking", {"name": "support", "priority": 2, "conditions": asks}),
        ("pattern", {"name": "supp*"}),
        ("any", {"name": "*", "mode": "Reject"}),
    )
    names = {called: made(api, **fields)["id"] for called, fields in given}
    found = match(api, "Support+42@acme.test", from_="joe@example.com", subject="Your Invoice")
    assert steps(found, names) == [
        ("first", "name"),
        ("asking", "condition"),
        ("pattern", "chosen"),
    ]
    assert (found["route"]["id"], found["reply"]) == (names["pattern"], "250 2.1.5 OK")
    found = match(api, subject="the invoice 7", headers={"list-id": "x"})
    assert steps(found, names)[-1] == ("asking", "chosen")
    refused_at_once = match(api, "other@acme.test")
    assert refused_at_once["reply"] == "550 5.7.1 Route does not accept incoming messages"
    assert refused_at_once["route"]["id"] == names["any"]
    api.manage("DELETE", f"/routes/{names['any']}", tenant=HERE)
    assert match(api, "other@acme.test")["reply"] == "550 5.1.1 No such recipient"
    api.manage("DELETE", f"/routes/{names['pattern']}", tenant=HERE)
    found = match(api)
    assert (found["reply"], found["route"]) == ("550 5.7.1 No route takes this message", None)
    assert match(api, "a@elsewhere.test")["reply"] == "530 5.7.0 Authentication required"


def test_a_conditional_rejection_has_its_own_text(api: ApiWorld) -> None:
    asks = [{"field": "from", "matches": "*@bad.example"}]
    rejecting = made(api, mode="Reject", priority=1, conditions=asks)
    holding = made(api)
    found = match(api, from_="x@bad.example")
    assert (found["reply"], found["route"]["id"]) == (
        "550 5.7.1 Route does not accept incoming messages",
        rejecting["id"],
    )
    assert match(api, from_="Good <x@good.example>")["route"]["id"] == holding["id"]


def test_addresses_of_the_installation_are_matched_too(api: ApiWorld) -> None:
    asking = made(api, conditions=[{"field": "subject", "matches": "no"}])
    found = match(api, asking["forwarding_address"].replace("@", "+x@"))
    assert (found["route"]["id"], found["reply"]) == (asking["id"], "250 2.1.5 OK")
    assert found["steps"] == [{"route": asking["id"], "result": "chosen"}]
    unknown = match(api, "abcdefgh@routes.posthorn.example.com")
    assert unknown["reply"] == "550 5.1.1 Invalid route token"
    back = f"{api.scene.server.token}@rp.posthorn.example.com"
    assert match(api, back) == TAKEN
    taking = made(
        api, name="__returnpath__", domain=None, mode="Endpoint", endpoint=an_endpoint(api)
    )
    other = api.manage("POST", "/servers", {"organization": "acme", "name": "Second"}).json
    assert match(api, back)["route"]["id"] == taking["id"]
    assert match(api, back, other["server"]) == {
        "route": None,
        "reply": "250 2.1.5 OK",
        "spam": None,
        "steps": [],
    }


def test_a_match_says_what_data_would_of_a_loop(api: ApiWorld) -> None:
    made(api)
    to = "Support+42@acme.test"
    for headers, reply in (
        ({"Delivered-To": "<support+42@ACME.test>"}, "554 5.4.6 Loop detected"),
        ({"delivered-to": "support@acme.test"}, "250 2.1.5 OK"),
        ({"X-Delivered-To": to}, "250 2.1.5 OK"),
        ({"X-A": f"b\r\nDelivered-To: {to}"}, "250 2.1.5 OK"),
    ):
        assert match(api, to, headers=headers)["reply"] == reply, headers
    hostname = api.scene.posthorn[Settings].smtp_hostname
    spelled = ("Received", "received", "RECEIVED", "ReceiveD")
    traces = dict.fromkeys(spelled, f"from a by {hostname} with SMTP; x")
    assert match(api, headers=traces)["reply"] == "554 5.4.6 Loop detected"
    traces.popitem()
    assert match(api, headers=traces)["reply"] == "250 2.1.5 OK"


async def test_a_match_says_what_data_would_at_an_address_for_reports() -> None:
    scene = await make_scene()
    program = scene.posthorn
    key, now = await program[AddressMac].key(), program[Clock].now()
    domain = program[Settings].return_path_domain
    to = rewritten("joe@example.com", scene.server.id, domain, key, now)
    assert to is not None
    asked = program[MatchRoutes].match
    found = await asked(scene.server, to, Described("", ""))
    assert str(found.reply) == "550 5.7.1 This address takes delivery reports alone"
    report = Described("", "", (("Content-Type", "multipart/report; boundary=x"),))
    assert str((await asked(scene.server, to, report)).reply) == "250 2.1.5 OK"


def test_the_postmaster_needs_no_domain() -> None:
    with api_world() as world:
        assert match(world, "Postmaster")["reply"] == "550 5.1.1 There is no postmaster"
    settings = Settings(postmaster="ops@example.com", system_server=HERE)
    with api_world(settings) as world:
        assert match(world, "postmaster") == TAKEN


def test_a_match_says_nothing_of_other_servers_routes(api: ApiWorld) -> None:
    made(api)
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    found = match(api, tenant="acme/second")
    assert (found["route"], found["steps"]) == (None, [])


def test_a_match_names_what_is_wrong(here: ApiWorld) -> None:
    for body, where in (
        ({}, [("/to", "missing")]),
        ({"to": "nobody"}, [("/to", "address")]),
        ({"to": "a@b.test", "headers": {"a b": "x"}}, [("/headers/a b", "header_name")]),
        ({"to": "a@b.test", "text": "x"}, [("/text", "extra_forbidden")]),
    ):
        reply = here.manage("POST", "/routes/match", body, HERE)
        assert (reply.status, places(reply)) == (422, where)
    reader = a_key(here, "routing:read")
    assert here.manage("POST", "/routes/match", {"to": "a@b.test"}, HERE, reader).status == 200


def simulate(api: ApiWorld, route: Any, key: str | None = None, **fields: Any) -> Reply:
    body = {"from": "Joe <joe@example.com>", "subject": "Hello", "text": "It comes in."} | fields
    return api.manage("POST", f"/routes/{route['id']}/simulate", body, HERE, key)


def test_a_message_comes_in_that_nobody_has_sent(api: ApiWorld) -> None:
    end, other = an_endpoint(api), an_address(api)
    asks = [{"field": "subject", "matches": "no"}]
    given = {
        "mode": "Endpoint",
        "endpoint": end,
        "additional_endpoints": [other],
        "conditions": asks,
    }
    route = made(api, name="in-*", **given)
    reply = simulate(api, route)
    assert reply.status == 202
    assert [one["to"] for one in reply.json["emails"]] == ["in-test@acme.test"] * 2
    assert reply.json["id"] == reply.json["emails"][0]["id"]
    shown = api.v2("GET", f"/emails/{reply.json['id']}").json
    assert (shown["direction"], shown["from"], shown["subject"]) == (
        "incoming",
        "joe@example.com",
        "Hello",
    )
    assert shown["message_id"] == reply.json["message_id"]
    content = api.content(reply.json["id"])
    assert content.startswith(b"Received: from api (")
    for part in (b"To: in-test@acme.test\r\n", b"It comes in.", b'filename="test.txt"'):
        assert part in content
    records = [
        bootstrap.run(api.scene.posthorn[MessageHistory].record(api.scene.server.id, one["id"]))
        for one in reply.json["emails"]
    ]
    arrivals = [one.message.arrival for one in records]
    assert [(one.route_id, one.endpoint_id, one.additional) for one in arrivals if one] == [
        (route["id"], end, False),
        (route["id"], other, True),
    ]


def test_a_return_path_is_simulated_as_a_bounce(api: ApiWorld) -> None:
    given = {"mode": "Endpoint", "endpoint": an_endpoint(api)}
    reply = simulate(api, made(api, name="__returnpath__", domain=None, **given))
    assert reply.json["emails"][0]["to"] == f"{api.scene.server.token}@rp.posthorn.example.com"
    assert api.v2("GET", f"/emails/{reply.json['id']}").json["bounce"] is True


def test_a_simulation_is_refused_where_nothing_could_come(here: ApiWorld) -> None:
    reply = simulate(here, made(here, name="r", mode="Reject"))
    assert refused(reply) == (409, "conflict")
    route = made(here)
    assert places(simulate(here, route, **{"from": "nobody"})) == [("/from", "address")]
    writer = a_key(here, "routing:write")
    reply = simulate(here, route, writer)
    assert (refused(reply), reply.json["scope"]) == ((403, "scope_missing"), "emails:send")
    for _ in range(30 - 2):
        reply = simulate(here, route)
    assert reply.status == 202
    assert reply.headers["ratelimit-policy"] == '"test";q=30;w=60'
    assert refused(simulate(here, made(here, name="other"))) == (429, "throttled")


def test_a_score_says_what_is_done_with_spam(api: ApiWorld) -> None:
    made(api, spam_mode="Quarantine")
    for score, spam in ((5.0, None), (5.1, "Quarantine"), (20, "Fail")):
        assert match(api, spam_score=score)["spam"] == spam, score
    assert match(api)["spam"] is None
    assert match(api, "nobody@acme.test", spam_score=99)["spam"] is None
    wrong = api.manage("POST", "/routes/match", {"to": "a@acme.test", "spam_score": 1_001}, HERE)
    assert places(wrong) == [("/spam_score", "less_than_equal")]


def test_a_whole_message_is_simulated(api: ApiWorld) -> None:
    route = made(api, mode="Accept")
    for raw, subject in (
        ("\nSubject: One\nX-A: b\n\nHello\n", "One"),
        ("Subject: Two\r\n", "Two"),
        ("no header at all", None),
        ("Subject: \ud83d\ude00 Dr\u00fcben\n\n\u202e", "\U0001f600 Dr\u00fcben"),
    ):
        body = {"from": "ann@example.com", "raw": raw}
        reply = api.manage("POST", f"/routes/{route['id']}/simulate", body, HERE)
        assert reply.status == 202, reply
        email = api.manage("GET", f"/emails/{reply.json['id']}", tenant=HERE).json
        assert (email["from"], email["subject"] or None) == ("ann@example.com", subject)
    for fields in ({"raw": "x", "text": "y"}, {"raw": "x", "subject": "y"}, {"raw": ""}):
        body = {"from": "ann@example.com", **fields}
        reply = api.manage("POST", f"/routes/{route['id']}/simulate", body, HERE)
        assert reply.status == 422, fields
