"""Track domains through the API, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.http_exchange import BadCertificate, HttpAnswer, HttpRequest
from chalicelib.ports.http_client import HttpClient
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.tracking import domains as service
from chalicelib.services.tracking.domains import TrackDomains, TrackOptions
from functions.upkeep import check_domains
from tests.aws_backend import aws_backend, aws_settings
from tests.http_api import ApiWorld, Reply
from tests.integration.api.test_v2_domains import api
from tests.integration.api.test_v2_management import a_key, places, refused

__all__ = ["api", "aws_backend", "aws_settings"]

HERE = "acme/app"
NAME = "track.acme.test"
AT = f"/track-domains/{NAME}"
TARGET = "track.posthorn.example.com"


def make(api: ApiWorld, **fields: Any) -> Reply:
    return api.manage("POST", "/track-domains", {"domain": "acme.test"} | fields, HERE)


def shown(api: ApiWorld) -> Any:
    return api.manage("GET", AT, tenant=HERE).json


def check(api: ApiWorld) -> Any:
    reply = api.manage("POST", f"{AT}/check", tenant=HERE)
    assert reply.status == 200, reply
    return reply.json["record"]


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (HttpAnswer(200, body=b"Hello."), "ok", ""),
        (HttpAnswer(200, body=b"<b>Parked"), "failing", "Another service answers at this name."),
        (HttpAnswer(503), "failing", "Another service answers at this name."),
        (
            HttpAnswer(-3, error="expired"),
            "failing",
            "It has no certificate that browsers take: expired",
        ),
        (HttpAnswer(-2, error="refused"), "failing", "Nobody answers there: refused"),
        (HttpAnswer(-1, error="x" * 9_000), "failing", "It did not answer within 5 seconds."),
        (
            HttpAnswer(-4, error="closed"),
            "failing",
            "It leads to an address that is closed to requests of ours.",
        ),
    ],
)
def test_a_check_looks_whether_links_with_https_work(
    api: ApiWorld,
    monkeypatch: pytest.MonkeyPatch,
    answer: HttpAnswer,
    status: str,
    detail: str,
) -> None:
    heard: list[str] = []

    async def send(self: HttpClient, request: HttpRequest) -> HttpAnswer:
        heard.append(f"{request.method} {request.url.bare}")
        assert not request.may_be_private
        return answer

    program = api.scene.posthorn
    monkeypatch.setattr(type(program[HttpClient]), "send", send)
    make(api)
    check(api)
    assert (heard, shown(api)["certificate"]) == ([], None)
    program[ScriptedResolver].zone[NAME] = {"CNAME": [TARGET]}
    check(api)
    found = shown(api)["certificate"]
    assert (found["status"], found["detail"]) == (status, detail)
    assert heard == [f"GET https://{NAME}/"]
    assert api.manage("PATCH", AT, {"ssl_enabled": False}, HERE).json["certificate"] is None
    check(api)
    assert len(heard) == 1


def test_a_track_domain_is_made_checked_changed_and_removed(api: ApiWorld) -> None:
    made = make(api)
    assert (made.status, made.headers["location"]) == (201, f"/api/v2{AT}")
    fresh = made.json
    record = fresh.pop("record")
    assert {name: one for name, one in fresh.items() if name not in {"uuid", "created_at"}} == {
        "name": NAME,
        "domain": "acme.test",
        "label": "track",
        "host": NAME,
        "ssl_enabled": True,
        "track_clicks": True,
        "track_loads": True,
        "excluded_click_domains": [],
        "checked_at": None,
        "certificate": None,
    }
    assert record == {
        "purpose": "track",
        "type": "CNAME",
        "name": NAME,
        "value": TARGET,
        "required": True,
        "status": None,
        "found": [],
        "text": "",
        "suggestion": None,
    }
    zone = api.scene.posthorn[ScriptedResolver].zone
    missing = check(api)
    assert (missing["status"], missing["text"]) == ("Missing", f"There is no record at {NAME}")
    zone[NAME] = {"CNAME": ["elsewhere.example"]}
    wrong = check(api)
    assert (wrong["status"], wrong["found"]) == ("Invalid", ["elsewhere.example"])
    zone[NAME] = {"CNAME": [TARGET]}
    right = check(api)
    assert (right["status"], right["text"], right["found"]) == ("OK", "", [TARGET])
    assert shown(api)["record"] == right
    changed = api.manage(
        "PATCH", AT, {"track_loads": False, "excluded_click_domains": ["A.test", "a.test"]}, HERE
    ).json
    assert (changed["track_loads"], changed["excluded_click_domains"]) == (False, ["a.test"])
    back = api.manage("PATCH", AT, {"excluded_click_domains": None}, HERE).json
    assert (back["track_loads"], back["excluded_click_domains"]) == (False, [])
    assert api.manage("GET", "/track-domains", tenant=HERE).json["data"] == [back]
    assert api.manage("DELETE", AT, tenant=HERE).status == 204
    assert refused(api.manage("GET", AT, tenant=HERE)) == (404, "not_found")


def test_nobody_who_answers_leaves_tracking_as_it_was(api: ApiWorld) -> None:
    make(api)
    resolver = api.scene.posthorn[ScriptedResolver]
    resolver.zone[NAME] = {"CNAME": [TARGET]}
    check(api)
    resolver.fail(NAME)
    assert check(api)["status"] == "Unknown"
    track = bootstrap.run(api.scene.posthorn[TrackDomains].find(api.scene.server, NAME))
    assert track.dns_status == "OK"
    resolver.heal(NAME)
    assert check(api)["status"] == "OK"


def test_every_track_domain_is_checked_each_hour(api: ApiWorld) -> None:
    make(api)
    api.scene.posthorn[ScriptedResolver].zone[NAME] = {"CNAME": [TARGET]}
    assert bootstrap.run(check_domains(api.scene.posthorn)) == 1
    assert shown(api)["record"]["status"] == "OK"
    assert bootstrap.run(check_domains(api.scene.posthorn)) == 0
    api.scene.clock.advance(3_600)
    assert bootstrap.run(check_domains(api.scene.posthorn)) == 1
    log = api.manage("GET", "/audit?limit=100", tenant="acme").json["data"]
    told = [one for one in reversed(log) if one["object"]["type"] == "track_domain"]
    assert [(one["action"], one["actor"]["kind"]) for one in told] == [
        ("track_domain.create", "key"),
        ("track_domain.check", "system"),
    ]
    assert {one["object"]["id"] for one in told} == {NAME}
    assert told[-1]["after"] == {"dns_status": "OK"}


class Web:
    """What stands at the track domain, and how often it was asked."""

    def __init__(self, api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer, self.asked = HttpAnswer(200, body=b"Hello."), 0
        program = api.scene.posthorn

        async def send(_: HttpClient, __: HttpRequest) -> HttpAnswer:
            self.asked += 1
            return self.answer

        monkeypatch.setattr(type(program[HttpClient]), "send", send)
        program[ScriptedResolver].zone[NAME] = {"CNAME": [TARGET]}

    def ends_in(self, api: ApiWorld, days: float) -> None:
        end = int(api.scene.clock.now() + days * 86_400)
        self.answer = HttpAnswer(200, body=b"Hello.", certificate_ends_at=end)


def each_hour(api: ApiWorld, hours: int) -> None:
    for _ in range(hours):
        api.scene.clock.advance(3_600)
        bootstrap.run(check_domains(api.scene.posthorn))


def test_its_certificate_is_looked_at_each_day_and_each_hour_when_something_is_wrong(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = Web(api, monkeypatch)
    web.ends_in(api, 90)
    make(api)
    each_hour(api, 1)
    found = shown(api)["certificate"]
    assert (web.asked, found["status"], found["detail"]) == (1, "ok", "")
    assert found["ends_at"].startswith("20")
    each_hour(api, 23)
    assert web.asked == 1
    each_hour(api, 1)
    assert web.asked == 2
    web.answer = HttpAnswer(-3, error="expired", bad_certificate=BadCertificate.ENDED)
    each_hour(api, 24)
    assert web.asked == 3
    found = shown(api)["certificate"]
    assert found["status"] == "failing"
    assert found["detail"] == "Its certificate has ended. (expired)"
    assert found["ends_at"] is None
    each_hour(api, 2)
    assert web.asked == 5
    api.manage("PATCH", AT, {"ssl_enabled": False}, HERE)
    each_hour(api, 2)
    assert web.asked == 5


def test_one_that_ends_soon_is_told_of(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    web, program = Web(api, monkeypatch), api.scene.posthorn
    web.ends_in(api, 15)
    make(api)

    def checked() -> tuple[str, str]:
        bootstrap.run(program[CheckInstallation].run())
        found = {one.name: one for one in bootstrap.run(program[CheckInstallation].findings())}
        return found["track_certificates"].status.value, found["track_certificates"].detail

    each_hour(api, 1)
    assert checked() == ("ok", "")
    api.scene.clock.advance(86_400)
    detail = shown(api)["certificate"]["detail"]
    assert detail.startswith("Its certificate ends on 2")
    assert detail.endswith(", in 14 days.")
    assert checked() == ("warning", f"{NAME}: {detail}")
    web.answer = HttpAnswer(-3, error="x", bad_certificate=BadCertificate.WRONG_NAME)
    each_hour(api, 1)
    assert checked() == ("warning", f"{NAME}: Its certificate is for other names. (x)")
    program[ScriptedResolver].zone[NAME] = {"CNAME": ["elsewhere.example"]}
    each_hour(api, 1)
    assert checked() == ("ok", "")


def test_one_is_for_a_domain_and_that_must_be_verified(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api)
    again = make(api, label="other")
    assert (*refused(again), *places(again)) == (409, "conflict", ("/domain", "taken"))
    api.manage("POST", "/domains", {"name": "new.example"}, HERE)
    for domain in ("new.example", "none.example", ""):
        assert places(make(api, domain=domain)) == [("/domain", "unknown_reference")]
    monkeypatch.setattr(service, "MOST_OF_A_SERVER", 1)
    api.manage("POST", "/domains/new.example/trust", tenant=HERE)
    assert refused(make(api, domain="new.example")) == (409, "conflict")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"label": "a.b"}, "/label"),
        ({"label": "-"}, "/label"),
        ({"ssl_enabled": "yes"}, "/ssl_enabled"),
        ({"excluded_click_domains": ["not a host"]}, "/excluded_click_domains"),
        ({"excluded_click_domains": ["a.test"] * 101}, "/excluded_click_domains"),
        ({"host": "x"}, "/host"),
    ],
)
def test_wrong_fields_are_named(api: ApiWorld, fields: dict[str, Any], place: str) -> None:
    reply = make(api, **fields)
    assert (reply.status, [where for where, _ in places(reply)]) == (422, [place]), reply
    if place != "/label":
        make(api)
        changed = api.manage("PATCH", AT, fields, HERE)
        assert (changed.status, [where for where, _ in places(changed)]) == (422, [place])


def test_changes_at_the_same_time_are_all_kept(api: ApiWorld) -> None:
    make(api)
    tracks = api.scene.posthorn[TrackDomains]
    track = bootstrap.run(tracks.find(api.scene.server, NAME))
    options = TrackOptions.of(track)

    async def all_at_once() -> None:
        await asyncio.gather(
            tracks.update(track, replace(options, track_loads=False)),
            tracks.update(track, replace(options, track_clicks=False)),
            tracks.check(track),
        )

    bootstrap.run(all_at_once())
    found = bootstrap.run(tracks.find(api.scene.server, NAME))
    assert (found.track_loads, found.track_clicks, found.dns_status) == (False, False, "Missing")


def test_it_is_of_a_server_and_found_by_its_name_alone(api: ApiWorld) -> None:
    make(api)
    assert refused(api.manage("GET", AT, tenant="acme")) == (422, "tenant_required")
    assert refused(api.manage("GET", "/track-domains/acme.test", tenant=HERE)) == (404, "not_found")
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    assert refused(api.manage("GET", AT, tenant="acme/second")) == (404, "not_found")
    reads = a_key(api, "domains:read")
    assert api.manage("POST", f"{AT}/check", tenant=HERE, key=reads).status == 200
    refused_change = api.manage("PATCH", AT, {}, HERE, reads)
    assert (*refused(refused_change), refused_change.json["scope"]) == (
        403,
        "scope_missing",
        "domains:write",
    )


def test_a_track_domain_goes_with_the_last_domain_that_it_is_of(api: ApiWorld) -> None:
    assert make(api).status == 201
    shared = api.manage("POST", "/domains", {"name": "acme.test"}, "acme")
    assert shared.status == 201
    removed = api.manage("DELETE", "/domains/acme.test", tenant=HERE)
    assert removed.status == 204
    assert shown(api)["name"] == NAME, "its organization has the domain too"

    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    own = api.manage("POST", "/domains", {"name": "acme.test"}, "acme/second")
    assert own.status == 201
    api.manage("POST", "/domains/acme.test/trust", tenant="acme/second")
    made = api.manage("POST", "/track-domains", {"domain": "acme.test"}, "acme/second")
    assert made.status == 201
    assert api.manage("DELETE", "/domains/acme.test", tenant="acme").status == 204
    assert refused(api.manage("GET", AT, tenant=HERE)) == (404, "not_found")
    assert api.manage("GET", AT, tenant="acme/second").status == 200, "that server has its own"
    entries = api.manage("GET", "/audit?action=track_domain.delete", tenant="acme").json["data"]
    assert [(one["object"]["id"], one["tenant"]) for one in entries] == [(NAME, HERE)]
    assert api.manage("DELETE", "/domains/acme.test", tenant="acme/second").status == 204
    assert refused(api.manage("GET", AT, tenant="acme/second")) == (404, "not_found")
