"""Passkeys are made, shown at sign-in and to confirm, and removed, with an authenticator that the browser pretends to
have. They need script: without it the pages say so, and lead another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.passkeys import PASSKEYS
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.ports.acting import acting
from chalicelib.ports.repository import Repository
from chalicelib.web.pages.sign_in import NOT_SHOWN
from tests.people_site import PeopleSite, Walk, walking

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECURITY = "/settings/security"
TICKET_SECONDS = 300


class Authenticator:
    """What a browser has in place of a finger or a key."""

    def __init__(self, walk: Walk) -> None:
        self._tools = walk.page.context.new_cdp_session(walk.page)
        self._tools.send("WebAuthn.enable")
        self._id = ""

    def plug_in(self) -> None:
        """One that has no passkey yet, and says yes to all that it is asked."""
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self._tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = made["authenticatorId"]

    def pull_out(self) -> None:
        """It is gone, with all that it has."""
        self._ask("removeVirtualAuthenticator")

    @property
    def credentials(self) -> list[dict[str, Any]]:
        """What it has."""
        found: list[dict[str, Any]] = self._ask("getCredentials")["credentials"]
        return found

    def forget(self) -> None:
        """Lose all."""
        self._ask("clearCredentials")

    def _ask(self, verb: str) -> dict[str, Any]:
        return self._tools.send(f"WebAuthn.{verb}", {"authenticatorId": self._id})


@pytest.fixture
def walk(chromium: Browser, people: PeopleSite) -> Iterator[Walk]:
    with walking(chromium, people, scripted=True) as one:
        yield one


@pytest.fixture
def authenticator(walk: Walk) -> Authenticator:
    found = Authenticator(walk)
    found.plug_in()
    return found


def made(walk: Walk, people: PeopleSite, name: str = "Laptop") -> tuple[User, list[str]]:
    """Somebody who has signed in and added a passkey, and their recovery codes."""
    ada = people.person()
    walk.sign_in(ada.email)
    walk.open(SECURITY)
    walk.press("Add a passkey")
    walk.fill("What you call it", name)
    walk.press("Add this passkey")
    return ada, walk.page.locator(".codes li").all_inner_texts()


def said(walk: Walk) -> str:
    """What the page says of the passkey that was not used."""
    told = walk.page.locator("[data-passkey-said]")
    told.filter(has_text=".").wait_for()
    return told.inner_text()


def press(walk: Walk, name: str) -> None:
    """A button that leads nowhere."""
    walk.page.get_by_role("button", name=name, exact=True).press("Enter")


def test_a_passkey_is_made_and_lets_in(
    walk: Walk, people: PeopleSite, authenticator: Authenticator
) -> None:
    ada, codes = made(walk, people)
    assert walk.heading == "Your recovery codes"
    assert len(set(codes)) == 10
    assert "The passkey is added" in walk.main
    (kept,) = authenticator.credentials
    assert (kept["rpId"], kept["signCount"]) == ("localhost", 1)
    walk.press("I have kept them")
    assert "Laptop" in walk.main
    assert "never used" in walk.main
    walk.sign_out()
    walk.open("/org/acme/members")
    walk.sign_in(ada.email)
    assert walk.heading == "One more thing"
    walk.press("Use a passkey")
    assert (walk.path, walk.heading) == ("/org/acme/members", "Members")
    walk.open(SECURITY)
    assert "used just now" in walk.main


def test_it_is_called_by_the_browser_unless_somebody_says_otherwise(
    walk: Walk, people: PeopleSite, authenticator: Authenticator
) -> None:
    walk.sign_in(people.person().email)
    walk.open(SECURITY)
    walk.press("Add a passkey")
    assert walk.page.get_by_label("What you call it").input_value() == "Chrome on Linux"
    walk.fill("What you call it", " ")
    assert walk.press("Add this passkey") == 422
    assert authenticator.credentials == []
    assert walk.heading == "Add a passkey"
    assert "name:" in walk.page.get_by_role("alert").inner_text()
    walk.fill("What you call it", "Grace\u2019s phone")
    assert walk.press("Add this passkey") == 200
    walk.press("I have kept them")
    assert "Grace\u2019s phone" in walk.main


def test_a_passkey_is_removed_and_the_last_takes_the_codes_along(
    walk: Walk, people: PeopleSite, authenticator: Authenticator
) -> None:
    ada, _ = made(walk, people)
    authenticator.pull_out()
    authenticator.plug_in()
    walk.open(SECURITY)
    walk.press("Add a passkey")
    walk.fill("What you call it", "Key")
    walk.press("Add this passkey")
    assert walk.path == SECURITY  # the codes of the first one stay
    for name in ("Laptop", "Key"):
        walk.press(f"Remove the passkey {name}")
        assert "The passkey is removed" in walk.main
        assert walk.page.get_by_role("button", name=f"Remove the passkey {name}").count() == 0
    assert "You have none" in walk.main
    walk.sign_out()
    walk.sign_in(ada.email)
    assert walk.path == "/org/acme/servers/app"


def test_what_was_cancelled_says_what_to_do(
    walk: Walk, people: PeopleSite, authenticator: Authenticator
) -> None:
    ada, codes = made(walk, people)
    walk.open(SECURITY)
    walk.press("Add a passkey")
    press(walk, "Add this passkey")
    assert "has a passkey of yours already" in said(walk)
    authenticator.forget()
    walk.sign_out()
    walk.sign_in(ada.email)
    press(walk, "Use a passkey")
    assert "Try again, or take another way" in said(walk)
    assert walk.page.get_by_role("button", name="Use a passkey").is_enabled()
    walk.page.locator("summary").press("Enter")
    walk.fill("Recovery code", codes[0])
    assert walk.press("Sign in with a recovery code") == 200
    assert walk.path == "/org/acme/servers/app"


def test_a_passkey_that_comes_too_late_is_asked_for_anew(
    walk: Walk, people: PeopleSite, authenticator: Authenticator
) -> None:
    walk.sign_in(people.person().email)
    walk.open(SECURITY)
    walk.press("Add a passkey")
    people.scene.clock.advance(TICKET_SECONDS)
    assert walk.press("Add this passkey") == 422
    assert "begin again" in walk.main
    assert walk.heading == "Add a passkey"
    authenticator.forget()
    assert walk.press("Add this passkey") == 200
    assert walk.heading == "Your recovery codes"


def test_a_passkey_confirms(walk: Walk, people: PeopleSite, authenticator: Authenticator) -> None:
    made(walk, people)
    people.scene.clock.advance(CONFIRMED_SECONDS)
    walk.open(SECURITY)
    walk.press("Make ten new codes")
    assert walk.heading == "Confirm that it is you"
    walk.press("Use a passkey")
    assert walk.path == SECURITY
    assert "do it once more" in walk.main
    walk.press("Make ten new codes")
    assert walk.heading == "Your recovery codes"


def test_a_passkey_that_was_copied_lets_nobody_in(
    walk: Walk, people: PeopleSite, authenticator: Authenticator
) -> None:
    """Its count of uses is behind, so another one has been used meanwhile."""
    ada, _ = made(walk, people)
    walk.sign_out()
    walk.sign_in(ada.email)
    repository = people.scene.posthorn[Repository]
    (kept,) = bootstrap.run(repository.all(PASSKEYS, of_user(ada.id)))
    with acting(None):
        bootstrap.run(repository.replace(PASSKEYS, replace(kept, sign_count=1_000)))
    assert walk.press("Use a passkey") == 422
    assert NOT_SHOWN in walk.main


def test_by_another_name_of_this_machine_the_page_leads_to_where_they_work(
    walk: Walk, people: PeopleSite, authenticator: Authenticator, chromium: Browser
) -> None:
    ada, codes = made(walk, people)
    there = f"http://127.0.0.1:{people.port}"
    with walking(chromium, people, scripted=True, also=(there,)) as other:
        other.page.goto(f"{there}/login")
        other.sign_in(ada.email)
        assert other.page.get_by_role("button", name="Use a passkey").count() == 0
        other.page.locator("summary").press("Enter")
        other.fill("Recovery code", codes[0])
        assert other.press("Sign in with a recovery code") == 200
        other.page.goto(there + SECURITY)
        assert other.page.get_by_role("button", name="Add a passkey").count() == 0
        other.press(people.url + SECURITY)
        assert other.path == "/login"
        assert other.page.url.startswith(people.url)


def test_without_script_the_page_says_so_and_codes_let_in(
    walk: Walk, people: PeopleSite, authenticator: Authenticator, chromium: Browser
) -> None:
    ada, codes = made(walk, people)
    with walking(chromium, people, scripted=False) as bare:
        bare.sign_in(ada.email)
        assert "A passkey needs script, which is switched off here" in bare.main
        assert not bare.page.get_by_role("button", name="Use a passkey").is_visible()
        bare.page.locator("summary").press("Enter")
        bare.fill("Recovery code", codes[0])
        assert bare.press("Sign in with a recovery code") == 200
        bare.open(SECURITY)
        bare.press("Add a passkey")
        assert "A passkey needs script, which is switched off here" in bare.main
        assert not bare.page.get_by_role("button", name="Add this passkey").is_visible()
    kept = bootstrap.run(people.scene.posthorn[Repository].get(USERS, user_place(ada.id)))
    assert (kept.passkeys, len(kept.recovery)) == (1, 9)
