"""Signing in and out by the API: cookies, proofs that a page of ours asks, confirmations, oneself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from chalicelib.domain.rates import SIGN_IN
from tests.http_api import ApiWorld
from tests.integration.api.conftest import Opened
from tests.people import PASSWORD, Visitor, visitor

ON_BOTH_ENGINES = True


@pytest.fixture
def plain(opened: Opened) -> Iterator[ApiWorld]:
    """A front without TLS, on loopback."""
    with opened(web_url="http://127.0.0.1:8000") as world:
        yield world


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(api: ApiWorld) -> None:
    person = visitor(api)
    reply = Visitor(api).sign_in(person.user.email, remember=True)
    name, *attributes = reply.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-posthorn=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(attributes)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json["user"]["email"] == person.user.email
    assert reply.json["memberships"] == []
    assert name.partition("=")[2] not in reply.body.decode()


def test_without_tls_the_cookie_has_no_prefix_that_browsers_would_refuse(plain: ApiWorld) -> None:
    person = visitor(plain, Role.VIEWER)
    assert person.cookie.startswith("posthorn=")
    assert person.ask("GET", "/session").status == 200


def test_what_the_session_shows_is_the_person_and_what_they_are_a_member_of(
    api: ApiWorld,
) -> None:
    person = visitor(api, Role.MEMBER, servers=(api.scene.server.id,), first_name="Ada")
    shown = person.ask("GET", "/session").json
    assert shown["memberships"] == [
        {
            "organization": api.scene.organization.permalink,
            "name": api.scene.organization.name,
            "role": "member",
            "servers": [api.scene.server.permalink],
            "read_content": True,
        }
    ]
    assert shown["csrf_token"] == person.csrf
    assert shown["user"]["first_name"] == "Ada"
    assert "password" not in str(shown)


def test_a_wrong_password_says_what_is_left_and_at_last_when_to_come_again(api: ApiWorld) -> None:
    person = visitor(api)
    replies = [Visitor(api).sign_in(person.user.email, "wrong") for _ in range(SIGN_IN.quota)]
    assert {(reply.status, reply.json["code"]) for reply in replies} == {(401, "unauthenticated")}
    assert replies[0].headers["ratelimit-policy"] == '"sign-in";q=10;w=60'
    assert [reply.headers["ratelimit"].split(";")[1] for reply in replies[-2:]] == ["r=1", "r=0"]
    refused = Visitor(api).sign_in(person.user.email)
    assert (refused.status, refused.json["code"]) == (429, "throttled")
    assert 0 < int(refused.headers["retry-after"]) <= SIGN_IN.seconds
    assert person.ask("GET", "/session").status == 200


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({}, "/email"),
        ({"email": "a@b.test"}, "/password"),
        ({"email": "a@b.test", "password": "x", "totp": "1"}, "/totp"),
        ({"ticket": "x", "email": "a@b.test", "totp": "1"}, "/email"),
        ({"ticket": "x"}, ""),
        ({"email": 7, "password": "x"}, "/email"),
        ({"email": "x" * 2_000, "password": "x"}, "/email"),
        ({"email": "a@b.test", "password": "x", "remember": "yes"}, "/remember"),
        ({"email": "a@b.test", "password": "x", "admin": True}, "/admin"),
    ],
)
def test_a_request_that_is_neither_password_nor_ticket_is_named(
    api: ApiWorld, value: object, pointer: str
) -> None:
    reply = Visitor(api).ask("POST", "/sessions", value)
    assert reply.status == 422
    assert pointer in [error["pointer"] for error in reply.json["errors"]]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_nobody_is_signed_in_by_a_page_of_another_site(
    api: ApiWorld, headers: dict[str, str]
) -> None:
    person = visitor(api)
    given = {"email": person.user.email, "password": PASSWORD}
    reply = Visitor(api).ask("POST", "/sessions", given, **headers)
    assert (reply.status, reply.json["code"]) == (403, "csrf")
    assert "set-cookie" not in reply.headers


def test_signing_in_takes_json_alone(api: ApiWorld) -> None:
    form = b"email=a%40b.test&password=x"
    kind = "application/x-www-form-urlencoded"
    assert Visitor(api).ask("POST", "/sessions", form, content_type=kind).status == 415
    assert Visitor(api).ask("POST", "/sessions", b" " * 300_000).status == 413


def test_what_changes_something_must_be_asked_by_a_page_of_ours(api: ApiWorld) -> None:
    person = visitor(api, Role.OWNER)
    value, tenant = {"name": "support"}, api.scene.server.full_name
    csrf, person.csrf = person.csrf, ""
    for headers in (
        {},
        {"posthorn_csrf": "x" * 40},
        {"posthorn_csrf": csrf, "origin": "https://evil.example"},
    ):
        reply = person.ask("POST", "/searches", value, tenant, **headers)
        assert (reply.status, reply.json["code"]) == (403, "csrf")
    assert person.ask("GET", "/searches", tenant=tenant).json["data"] == []
    ours = f"https://{Settings().web_hostname}"
    made = person.ask("POST", "/searches", value, tenant, posthorn_csrf=csrf, origin=ours)
    assert made.status == 201


def test_with_a_key_the_cookie_is_not_read(api: ApiWorld) -> None:
    person = visitor(api, Role.OWNER)
    key = f"Bearer {api.scene.api_key}"
    assert person.ask("GET", "/session", authorization=key).status == 403
    assert person.ask("GET", "/emails", authorization=key).status == 200
    assert person.ask("GET", "/session", x_server_api_key="wrong").status == 401


@pytest.mark.parametrize(
    "cookie",
    ["", "__Host-posthorn=", "__Host-posthorn=x; __Host-posthorn=y", "a=b; c", "=" * 4_000],
)
def test_a_cookie_that_is_no_session_lets_nobody_in(api: ApiWorld, cookie: str) -> None:
    reply = Visitor(api, cookie=cookie).ask("GET", "/session")
    assert (reply.status, reply.json["code"]) == (401, "unauthenticated")


def test_signing_out_ends_the_session_and_takes_the_cookie_away(api: ApiWorld) -> None:
    person = visitor(api)
    kept = person.cookie
    reply = person.ask("DELETE", "/session")
    assert reply.status == 204
    assert "Max-Age=0" in reply.headers["set-cookie"]
    person.cookie = kept
    assert person.ask("GET", "/session").status == 401


def test_keys_are_told_that_this_is_for_people(api: ApiWorld) -> None:
    for method, path in (("GET", "/session"), ("GET", "/me"), ("DELETE", "/me/sessions")):
        reply = api.manage(method, path)
        assert (reply.status, reply.json["code"]) == (403, "refused")


def test_what_does_most_harm_needs_a_confirmation_of_the_last_minutes(api: ApiWorld) -> None:
    person, tenant = visitor(api, Role.OWNER), api.scene.organization.permalink
    wanted = {"name": "terraform", "scopes": ["domains:read"]}
    assert person.ask("POST", "/keys", wanted, tenant).status == 201
    api.scene.clock.advance(CONFIRMED_SECONDS)
    asked = person.ask("POST", "/keys", wanted, tenant)
    assert (asked.status, asked.json["code"]) == (403, "confirmation_needed")
    assert asked.json["methods"] == ["password"]
    assert asked.json["ticket"]

    wrong = person.ask("POST", "/session/confirm", {"password": "wrong"})
    (error,) = wrong.json["errors"]
    assert (wrong.status, error["pointer"], error["code"]) == (422, "/password", "wrong")
    assert person.ask("POST", "/keys", wanted, tenant).status == 403
    assert person.ask("POST", "/session/confirm", {"password": PASSWORD}).status == 204
    assert person.ask("POST", "/keys", wanted, tenant).status == 201


def test_a_key_needs_no_confirmation(api: ApiWorld) -> None:
    api.scene.clock.advance(CONFIRMED_SECONDS + 1)
    wanted = {"name": "x", "scopes": ["domains:read"]}
    tenant = api.scene.organization.permalink
    assert api.manage("POST", "/keys", wanted, tenant).status == 201


def test_an_answer_is_given_again_only_to_who_may_still_ask(api: ApiWorld) -> None:
    person, tenant = visitor(api, Role.OWNER), api.scene.organization.permalink
    wanted = {"name": "terraform", "scopes": ["domains:read"]}
    first = person.ask("POST", "/keys", wanted, tenant, idempotency_key="one")
    again = person.ask("POST", "/keys", wanted, tenant, idempotency_key="one")
    assert first.json == again.json
    assert again.headers["idempotent-replayed"] == "true"
    other = visitor(api, Role.OWNER)
    refused = other.ask("POST", "/keys", wanted, tenant, idempotency_key="one")
    assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")
    api.scene.clock.advance(CONFIRMED_SECONDS)
    asked = person.ask("POST", "/keys", wanted, tenant, idempotency_key="one")
    assert asked.json["code"] == "confirmation_needed"


def test_oneself_is_shown_and_changed(api: ApiWorld) -> None:
    person = visitor(api)
    change = {"first_name": "Ada", "time_zone": "Europe/Vienna", "preferences": {"theme": "dark"}}
    changed = person.ask("PATCH", "/me", change)
    assert changed.status == 200, changed
    assert person.ask("GET", "/me").json == changed.json
    assert changed.json["preferences"] == {
        "theme": "dark",
        "shortcuts": True,
        "newest_first": True,
        "first_steps": True,
    }
    reset = person.ask("PATCH", "/me", {"preferences": {"theme": None}, "first_name": None})
    assert (reset.json["preferences"]["theme"], reset.json["first_name"]) == ("system", "")
    for wrong in ({"admin": True}, {"time_zone": "Mars"}, {"first_name": "a\x00"}, {"email": None}):
        assert person.ask("PATCH", "/me", wrong).status == 422


def test_another_password_needs_the_present_one_and_ends_other_sessions(api: ApiWorld) -> None:
    person = visitor(api)
    elsewhere = Visitor(api)
    elsewhere.sign_in(person.user.email)
    new = "another long password"
    for current in ({}, {"current_password": "wrong"}):
        reply = person.ask("PATCH", "/me", {"password": new, **current})
        (error,) = reply.json["errors"]
        assert (error["pointer"], error["code"]) == ("/current_password", "wrong")
    weak = person.ask("PATCH", "/me", {"password": "qwertyuiop", "current_password": PASSWORD})
    assert weak.json["errors"][0]["code"] == "password_weak"
    assert elsewhere.ask("GET", "/session").status == 200

    change = {"password": new, "current_password": PASSWORD}
    assert person.ask("PATCH", "/me", change).status == 200
    assert person.ask("GET", "/session").status == 200
    assert elsewhere.ask("GET", "/session").status == 401
    assert Visitor(api).sign_in(person.user.email).status == 401
    assert Visitor(api).sign_in(person.user.email, new).status == 201


def test_sessions_are_listed_and_ended_one_by_one(api: ApiWorld) -> None:
    person = visitor(api)
    other, third = (Visitor(api, user_agent="Phone\x07") for _ in range(2))
    for one in (other, third):
        api.scene.clock.advance(1)
        one.sign_in(person.user.email)
    page = person.ask("GET", "/me/sessions?limit=2").json
    assert [one["current"] for one in page["data"]] == [False, False]
    assert page["data"][0]["user_agent"] == "Phone"
    rest = person.ask("GET", f"/me/sessions?limit=2&cursor={page['next_cursor']}").json
    assert [one["current"] for one in rest["data"]] == [True]
    newest = page["data"][0]["id"]
    assert person.ask("DELETE", f"/me/sessions/{newest}").status == 204
    assert person.ask("DELETE", f"/me/sessions/{newest}").status == 404
    assert third.ask("GET", "/session").status == 401
    stranger = visitor(api)
    assert stranger.ask("DELETE", f"/me/sessions/{page['data'][1]['id']}").status == 404
    assert person.ask("DELETE", "/me/sessions").status == 204
    assert other.ask("GET", "/session").status == 401
    assert person.ask("GET", "/session").status == 200


def test_a_cursor_of_ones_sessions_is_nobody_elses(api: ApiWorld) -> None:
    person, other = visitor(api), visitor(api)
    Visitor(api).sign_in(person.user.email)
    cursor = person.ask("GET", "/me/sessions?limit=1").json["next_cursor"]
    assert other.ask("GET", f"/me/sessions?limit=1&cursor={cursor}").status == 422


def test_the_address_of_a_session_is_the_clients(api: ApiWorld) -> None:
    person = visitor(api)
    (own,) = person.ask("GET", "/me/sessions").json["data"]
    assert own["address"]
    assert dataclasses.replace(person.user).email not in str(own)
