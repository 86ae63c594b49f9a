"""Links that are mailed, by the API: asked for and used without any credential, and by no page of another site."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from chalicelib.domain.rates import RESET
from tests.http_api import ApiWorld
from tests.integration.api.conftest import Opened
from tests.people import PASSWORD, Visitor, visitor

ON_BOTH_ENGINES = True

NEW = "another good password"
PUBLIC = [
    ("POST", "/password-resets", {"email": "ada@people.test"}),
    ("PUT", "/password-resets/x", {"password": NEW}),
    ("PUT", "/email-changes/x", {}),
]


@pytest.fixture
def mailing(opened: Opened) -> Iterator[ApiWorld]:
    """An installation that sends mail of its own."""
    with opened(system_server="acme/app", system_from="app@acme.test") as world:
        yield world


def token(api: ApiWorld, kind: str) -> str:
    """Of the newest link of a kind."""
    newest = api.v2("GET", "/emails").json["data"][0]
    text = api.content(newest["id"]).decode()
    found = re.search(rf"https://posthorn\.example\.com/login/{kind}/(\w+)", text)
    assert found is not None, text
    return found[1]


def test_a_password_is_chosen_anew(mailing: ApiWorld) -> None:
    person = visitor(mailing)
    assert person.user is not None
    email = person.user.email
    asked = Visitor(mailing).ask("POST", "/password-resets", {"email": email})
    assert (asked.status, asked.body) == (202, b"")
    assert asked.headers["ratelimit-policy"] == '"reset";q=5;w=3600'
    link = token(mailing, "reset")
    weak = Visitor(mailing).ask("PUT", f"/password-resets/{link}", {"password": "password12"})
    assert [(one["pointer"], one["code"]) for one in weak.json["errors"]] == [
        ("/password", "password_weak")
    ]
    assert Visitor(mailing).ask("PUT", f"/password-resets/{link}", {"password": NEW}).status == 204
    assert Visitor(mailing).ask("PUT", f"/password-resets/{link}", {"password": NEW}).status == 404
    assert person.ask("GET", "/me").status == 401
    assert Visitor(mailing).sign_in(email, NEW).status == 201
    assert Visitor(mailing).sign_in(email, PASSWORD).status == 401


def test_nobody_learns_who_has_an_account(mailing: ApiWorld) -> None:
    known = visitor(mailing).user
    assert known is not None
    replies = {}
    for email in (known.email, "nobody@people.test"):
        told = []
        for _ in range(RESET.quota + 1):
            reply = Visitor(mailing).ask("POST", "/password-resets", {"email": email})
            told.append((reply.status, reply.headers["ratelimit"].split(";")[1]))
        replies[email] = told
    first, second = replies.values()
    assert first == second
    assert [status for status, *_ in first] == [202] * RESET.quota + [429]


def test_an_address_is_changed(mailing: ApiWorld) -> None:
    person = visitor(mailing)
    wrong = person.ask("PATCH", "/me", {"email": "new@people.test", "current_password": "x"})
    assert [(one["pointer"], one["code"]) for one in wrong.json["errors"]] == [
        ("/current_password", "wrong")
    ]
    asked = {"email": "new@people.test", "current_password": PASSWORD}
    reply = person.ask("PATCH", "/me", asked)
    assert reply.status == 200
    assert reply.headers["ratelimit"].startswith('"reset";r=4;')
    assert reply.json["email"] != "new@people.test"
    link = token(mailing, "email")
    assert Visitor(mailing).ask("PUT", f"/email-changes/{link}", {}).status == 204
    assert Visitor(mailing).ask("PUT", f"/email-changes/{link}", {}).status == 404
    assert Visitor(mailing).sign_in("new@people.test").status == 201
    for _ in range(RESET.quota - 1):
        person = Visitor(mailing)
        person.sign_in("new@people.test")
        person.ask("PATCH", "/me", {**asked, "email": "new2@people.test"})
    last = person.ask("PATCH", "/me", {**asked, "email": "new2@people.test"})
    assert last.status == 200
    refused = person.ask("PATCH", "/me", {**asked, "email": "new2@people.test"})
    assert (refused.status, refused.json["code"]) == (429, "throttled")


@pytest.mark.parametrize(("method", "path", "body"), PUBLIC)
def test_no_page_of_another_site_asks(
    mailing: ApiWorld, method: str, path: str, body: object
) -> None:
    for name, value in (("origin", "https://evil.test"), ("sec_fetch_site", "cross-site")):
        refused = Visitor(mailing).ask(method, path, body, **{name: value})
        assert (refused.status, refused.json["code"]) == (403, "csrf")
    form = Visitor(mailing).ask(method, path, b"email=a", content_type="text/plain")
    assert form.status == 415


@pytest.mark.parametrize(("method", "path", "body"), PUBLIC)
def test_what_is_wrong_is_named_and_nothing_is_done(
    mailing: ApiWorld, method: str, path: str, body: object
) -> None:
    wrong = Visitor(mailing).ask(method, path, {"admin": True, **dict(body)})  # type: ignore[call-overload]
    assert [one["pointer"] for one in wrong.json["errors"]] == ["/admin"]
    assert Visitor(mailing).ask(method, path, b"{").status == 400
    assert Visitor(mailing).ask(method, path, b" " * 300_000 + b"{}").status == 413
    assert mailing.count() == 0


def test_without_system_mail_all_are_told_to_come_back_later(api: ApiWorld) -> None:
    user = visitor(api).user
    assert user is not None
    for email in (user.email, "nobody@people.test"):
        assert Visitor(api).ask("POST", "/password-resets", {"email": email}).status == 503
