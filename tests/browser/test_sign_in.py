"""Somebody signs in with a password, comes to the page that they asked for, and ends sessions, their own last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.rates import SIGN_IN
from tests.people_site import PeopleSite, Walk, walking

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WRONG = "The address or the password is wrong"
ASKED_FOR = "/org/acme/servers/app/domains"


@pytest.fixture
def elsewhere(chromium: Browser, people: PeopleSite, walk: Walk) -> Iterator[Walk]:
    """Another browser of the same kind."""
    with walking(chromium, people, scripted=walk.scripted) as one:
        yield one


def test_a_password_leads_to_the_page_that_was_asked_for(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    walk.open(ASKED_FOR)
    assert walk.path == "/login"
    assert walk.sign_in(ada.email) == 200
    assert (walk.path, walk.heading) == (ASKED_FOR, "Domains")
    walk.sign_out()
    assert "You are signed out" in walk.main
    walk.open(ASKED_FOR)
    assert walk.path == "/login"


def test_whoever_it_is_what_is_wrong_is_said_in_the_same_words(
    walk: Walk, people: PeopleSite
) -> None:
    ada, said = people.person(), []
    for email in (ada.email, f"not.{ada.email}"):
        assert walk.sign_in(email, "not the password") == 422
        assert WRONG in walk.page.get_by_role("alert").inner_text()
        assert walk.page.get_by_label("E-mail address").input_value() == email
        assert walk.page.get_by_label("Password").input_value() == ""
        html = re.sub(r'name="csrf" value="\w+"', "", walk.page.content())
        said.append(html.replace(email, "…"))
        if walk.scripted:
            assert walk.page.evaluate("() => document.activeElement.id") == "errors"
    assert said[0] == said[1]
    assert walk.sign_in(ada.email) == 200


def test_too_many_tries_name_the_time_to_wait(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    walk.open("/login")
    for _ in range(SIGN_IN.quota):
        assert walk.sign_in(ada.email, "not the password") == 422
    assert walk.sign_in(ada.email) == 429
    assert "Too many tries. Try again in" in walk.main
    people.scene.clock.advance(SIGN_IN.seconds)
    assert walk.sign_in(ada.email) == 200


def test_sessions_are_seen_and_one_of_them_is_ended(
    walk: Walk, elsewhere: Walk, people: PeopleSite
) -> None:
    ada = people.person()
    for one in (elsewhere, walk):
        one.sign_in(ada.email)
    walk.open("/settings/sessions")
    assert walk.main.count("this one") == 1
    assert walk.main.count("Chrome on Linux") == 2
    walk.press("End this session")
    assert "The session has ended" in walk.main
    assert walk.main.count("Chrome on Linux") == 1
    elsewhere.open("/settings")
    assert elsewhere.path == "/login"
    walk.open("/settings")
    assert walk.heading == "Your account"


def test_another_password_ends_all_other_sessions(
    walk: Walk, elsewhere: Walk, people: PeopleSite
) -> None:
    ada, new = people.person(), "another good password"
    for one in (elsewhere, walk):
        one.sign_in(ada.email)
    walk.open("/settings/security")
    walk.fill("Password now", "not it")
    walk.fill("New password", new)
    assert walk.press("Change the password") == 422
    assert "This is wrong" in walk.main
    walk.fill("Password now", "correct horse battery")
    walk.fill("New password", new)
    assert walk.press("Change the password") == 200
    assert "your other sessions have ended" in walk.main
    elsewhere.open("/settings")
    assert elsewhere.path == "/login"
    assert elsewhere.sign_in(ada.email) == 422
    assert elsewhere.sign_in(ada.email, new) == 200
