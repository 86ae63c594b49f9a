"""An app's codes are set up from the page, asked for at sign-in, taken once, stood in for, and switched off again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.domain.people.users import User
from chalicelib.web.pages.sign_in import NOT_SHOWN
from tests.authenticator_app import App
from tests.people_site import PeopleSite, Walk

if TYPE_CHECKING:
    from playwright.sync_api import Locator

SECURITY = "/settings/security"


def set_up(walk: Walk, people: PeopleSite) -> tuple[User, App, list[str]]:
    """Somebody who has signed in, set an app up and is shown the codes."""
    ada = people.person()
    walk.sign_in(ada.email)
    walk.open(SECURITY)
    walk.press("Set up an app")
    secret = walk.page.locator(".value-box code").first.inner_text()
    app = App(people.scene.clock, secret)
    walk.fill("2. The code that the app shows", app.code())
    assert walk.press("Switch codes on") == 200
    return ada, app, walk.page.locator(".codes li").all_inner_texts()


def recovery(walk: Walk) -> Locator:
    """What stands under the codes of the app, for who has lost it."""
    details = walk.page.locator("details", has_text="use a recovery code")
    if not details.evaluate("(one) => one.open"):
        details.locator("summary").press("Enter")
    return details


def test_an_app_is_set_up_by_a_picture_or_by_hand(walk: Walk, people: PeopleSite) -> None:
    ada = people.person()
    walk.sign_in(ada.email)
    walk.open(SECURITY)
    assert "You have none" in walk.main
    walk.press("Set up an app")
    picture = walk.page.get_by_role("img", name="QR code of the secret below")
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 150
    secret = walk.page.locator(".value-box code").first.inner_text()
    assert re.fullmatch(r"[A-Z2-7]{32}", secret)
    walk.page.locator("summary").press("Enter")
    uri = walk.page.locator("details code").inner_text()
    assert uri.startswith("otpauth://totp/Posthorn%20")
    assert f"secret={secret}" in uri
    assert walk.page.get_by_role("button", name="Copy the secret").is_visible() is walk.scripted
    app = App(people.scene.clock, secret)
    walk.fill("2. The code that the app shows", app.code(3))
    assert walk.press("Switch codes on") == 422
    assert "This is not the code that the app shows now" in walk.main
    assert secret in walk.main
    assert picture.is_visible()
    walk.fill("2. The code that the app shows", app.code())
    assert walk.press("Switch codes on") == 200
    codes = walk.page.locator(".codes li").all_inner_texts()
    assert len(set(codes)) == 10
    walk.press("I have kept them")
    assert "It is on." in walk.main
    assert codes[0] not in walk.page.content()


def test_a_code_lets_in_once(walk: Walk, people: PeopleSite) -> None:
    ada, app, _ = set_up(walk, people)
    walk.sign_out()
    walk.open("/org/acme/members")
    walk.sign_in(ada.email)
    assert walk.heading == "One more thing"
    for wrong in ("000000", app.code(3), app.code()):  # the last one set it up
        walk.fill("Code from your app", wrong)
        assert walk.press("Sign in with the code") == 422
        assert NOT_SHOWN in walk.main
    app.wait()
    code = app.code()
    walk.fill("Code from your app", f"{code[:3]} {code[3:]}")
    assert walk.press("Sign in with the code") == 200
    assert (walk.path, walk.heading) == ("/org/acme/members", "Members")
    walk.sign_out()
    walk.sign_in(ada.email)
    walk.fill("Code from your app", code)
    assert walk.press("Sign in with the code") == 422
    app.wait()
    walk.fill("Code from your app", app.code())
    assert walk.press("Sign in with the code") == 200


def test_a_password_alone_does_not_last(walk: Walk, people: PeopleSite) -> None:
    ada, app, _ = set_up(walk, people)
    walk.sign_out()
    walk.sign_in(ada.email)
    people.scene.clock.advance(300)
    walk.fill("Code from your app", app.code())
    assert walk.press("Sign in with the code") == 422
    walk.press("Start again")
    assert walk.path == "/login"
    walk.open("/settings")
    assert walk.path == "/login"


def test_a_recovery_code_lets_in_once_and_new_ones_end_it(walk: Walk, people: PeopleSite) -> None:
    ada, _, codes = set_up(walk, people)
    for code, status in ((codes[0], 200), (codes[0], 422), (codes[1].upper(), 200)):
        if walk.path != "/login/second":
            walk.sign_out()
            walk.sign_in(ada.email)
        recovery(walk)
        walk.fill("Recovery code", code)
        assert walk.press("Sign in with a recovery code") == status
    walk.open(SECURITY)
    walk.press("Make ten new codes")
    fresh = walk.page.locator(".codes li").all_inner_texts()
    assert len(set(fresh) - set(codes)) == 10
    walk.press("I have kept them")
    assert fresh[0] not in walk.page.content()
    walk.sign_out()
    walk.sign_in(ada.email)
    for code, status in ((codes[2], 422), (fresh[0], 200)):
        recovery(walk)
        walk.fill("Recovery code", code)
        assert walk.press("Sign in with a recovery code") == status


def test_codes_are_switched_off_by_who_shows_one(walk: Walk, people: PeopleSite) -> None:
    ada, app, _ = set_up(walk, people)
    walk.open(SECURITY)
    walk.fill("A code from the app", "000000")
    assert walk.press("Switch codes off") == 422
    assert "This is wrong" in walk.main
    app.wait()
    walk.fill("A code from the app", app.code())
    assert walk.press("Switch codes off") == 200
    assert "Codes are switched off" in walk.main
    assert "You have none" in walk.main
    walk.sign_out()
    walk.sign_in(ada.email)
    assert walk.path == "/org/acme/servers/app"
