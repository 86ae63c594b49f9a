"""Somebody is invited and joins by the link of the mail: with a new account, with the one that they have, and once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.people import PASSWORD
from tests.people_site import PeopleSite, Walk, walking

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MEMBERS = "/org/acme/members"
ENDED = "This link has ended, or was used already"
WEEK = 7 * 86_400


@pytest.fixture
def guest(chromium: Browser, people: PeopleSite, walk: Walk) -> Iterator[Walk]:
    """The browser of whoever is invited."""
    with walking(chromium, people, scripted=walk.scripted) as one:
        yield one


def invite(walk: Walk, people: PeopleSite, email: str, role: str = "member") -> str:
    """Invite an address as an owner does who has just signed in; the path of the link that was mailed."""
    walk.open("/login")
    if walk.path == "/login":
        walk.sign_in(people.person().email)
    walk.open(MEMBERS)
    walk.fill("E-mail address", email)
    walk.page.get_by_label("Role").select_option(role)
    assert walk.press("Invite") == 200
    assert f"{email} is invited. The link works for 7 days" in walk.main
    return people.link(email)


def somebody() -> str:
    return f"new.{secrets.token_hex(5)}@people.test"


def test_somebody_new_makes_an_account_and_is_in(
    walk: Walk, guest: Walk, people: PeopleSite
) -> None:
    email = somebody()
    link = invite(walk, people, email, "viewer")
    (mail,) = people.mails(email)
    assert "invites you to Acme on Posthorn, as viewer" in mail
    guest.open(link)
    assert guest.heading == "Join Acme"
    assert f"{email} is invited as viewer" in guest.main
    guest.fill("First name (optional)", "Grace")
    guest.fill("Password", "short")
    assert guest.press("Make my account and join") == 422
    assert "10 to 200" in guest.main
    assert guest.page.get_by_label("First name").input_value() == "Grace"
    guest.fill("Password", PASSWORD)
    assert guest.press("Make my account and join") == 200
    assert guest.path == "/org/acme/servers/app"
    guest.open(MEMBERS)
    assert guest.page.get_by_role("button", name="Invite").count() == 0
    walk.open(MEMBERS)
    assert "Grace" in walk.main
    assert "Withdraw" not in walk.main
    guest.sign_out()
    assert guest.open(link) == 404
    assert ENDED in guest.main
    assert guest.sign_in(email) == 200


def test_somebody_known_signs_in_and_joins(walk: Walk, guest: Walk, people: PeopleSite) -> None:
    eve, stranger = people.person(role=None), people.person(role=None)
    link = invite(walk, people, eve.email)
    guest.open("/login")
    guest.sign_in(stranger.email)
    guest.open(link)
    assert f"You are signed in as {stranger.email}" in guest.main
    assert guest.page.get_by_role("button", name="Join as").count() == 0
    guest.press("Sign out and go on")
    guest.open(link)
    guest.press("Sign in to join")
    assert guest.sign_in(eve.email) == 200
    assert guest.path == link
    assert guest.press(f"Join as {eve.email}") == 200
    assert "You are a member now" in guest.main
    assert guest.path == "/org/acme"
    assert guest.open(link) == 404
    assert ENDED in guest.main


def test_links_end_with_their_week_a_newer_one_and_by_withdrawal(
    walk: Walk, guest: Walk, people: PeopleSite
) -> None:
    email = somebody()
    first = invite(walk, people, email)
    second = invite(walk, people, email)
    assert guest.open(first) == 404
    assert guest.open(second) == 200
    people.scene.clock.advance(WEEK)
    guest.fill("Password", PASSWORD)
    assert guest.press("Make my account and join") == 404
    assert ENDED in guest.main
    third = invite(walk, people, email)
    assert guest.open(third) == 200
    walk.press(f"Withdraw the invitation of {email}")
    assert "The invitation is withdrawn" in walk.main
    assert guest.open(third) == 404
    assert ENDED in guest.main
