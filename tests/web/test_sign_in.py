"""Signing in and out, second factors, what is confirmed, and where one is led afterwards."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from chalicelib.domain.people.users import USERS
from chalicelib.ports.repository import Repository
from chalicelib.services.people.password_check import PasswordCheck
from tests.page_browser import Browser, cookie_name, join, make_user, signed_in
from tests.worlds import Scene

PASSWORD = "correct horse battery"


async def with_password(
    scene: Scene, email: str = "ada@acme.test", role: Role = Role.OWNER
) -> Browser:
    """A browser of somebody who has an account with PASSWORD, and has not signed in."""
    program = scene.posthorn
    user = await make_user(program, email)
    kept = await program[PasswordCheck].keep(PASSWORD)
    await program[Repository].replace(USERS, replace(user, password=kept))
    await join(program, user, scene.organization, role)
    return Browser(program)


async def test_by_address_and_password_to_where_one_was_going(scene: Scene) -> None:
    browser = await with_password(scene)
    form = await browser.get("/org/acme/servers/app")
    assert form.path.startswith("/login?return_to=")
    after = await browser.submit(form, "Sign in", email="ada@acme.test", password=PASSWORD)
    assert (after.path, after.status) == ("/org/acme/servers/app", 200)
    assert (await browser.get("/login")).path == "/org/acme/servers/app"


async def test_on_each_engine(either: Scene) -> None:
    browser = await with_password(either)
    form = await browser.get("/login")
    after = await browser.submit(form, "Sign in", email="ada@acme.test", password=PASSWORD)
    assert after.path == "/org/acme/servers/app"
    left = await browser.submit(after, "Sign out")
    assert "You are signed out" in left.text
    assert (await browser.get("/org/acme")).path.startswith("/login")


@pytest.mark.parametrize(
    "email", ["ada@acme.test", "nobody@acme.test", "<script>alert(1)</script>"]
)
async def test_what_is_wrong_is_the_same_for_everybody(scene: Scene, email: str) -> None:
    browser = await with_password(scene)
    form = await browser.get("/login")
    shown = await browser.submit(form, "Sign in", email=email, password="wrong")
    assert (shown.status, "address or the password is wrong" in shown.text) == (422, True)
    assert 'value="wrong"' not in shown.html
    assert "<script>alert" not in shown.html
    assert shown.form("Sign in").fields["email"] == [email]


async def test_too_many_tries_name_the_time_to_wait(scene: Scene) -> None:
    browser = await with_password(scene)
    form = await browser.get("/login")
    for _ in range(10):
        shown = await browser.submit(form, "Sign in", email="ada@acme.test", password="wrong")
        assert shown.status == 422
    shown = await browser.submit(form, "Sign in", email="ada@acme.test", password=PASSWORD)
    assert shown.status == 429
    assert "Too many tries. Try again in" in shown.text


@pytest.mark.parametrize(
    "where",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/nothing",
        "/login\r\nX: y",
        "javascript:x",
    ],
)
async def test_nobody_is_led_elsewhere(scene: Scene, where: str) -> None:
    browser = await with_password(scene)
    form = await browser.get("/login")
    shown = await browser.send(
        "/login",
        {
            **form.form("Sign in").fields,
            "email": "ada@acme.test",
            "password": PASSWORD,
            "return_to": where,
        },
    )
    assert (shown.status, shown.answer.headers["Location"]) == (303, "/")


async def test_nobody_is_signed_in_from_elsewhere(scene: Scene) -> None:
    browser = await with_password(scene)
    fields = {"email": "ada@acme.test", "password": PASSWORD}
    assert (await browser.send("/login", fields)).status == 403
    form = await browser.get("/login")
    token = form.form("Sign in").fields
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert (await browser.send("/login", {**token, **fields}, **headers)).status == 403
    stranger = Browser(scene.posthorn)
    assert (await stranger.send("/login", {**token, **fields})).status == 403


async def test_a_form_of_another_session_changes_nothing(scene: Scene, owner: Browser) -> None:
    other = await signed_in(scene.posthorn, "eve@acme.test", Role.OWNER, scene.organization)
    form = (await other.get("/org/acme/settings")).form("Save")
    shown = await owner.send("/org/acme/settings", form.fields)
    assert shown.status == 403
    assert "too old" in shown.text
    assert (
        await owner.send("/org/acme/settings", {**form.fields, "csrf": "x" * 10_000})
    ).status == 403
    body = await owner.ask(
        "POST", "/org/acme/settings", b"{}", {"content-type": "application/json"}
    )
    assert body.status == 415


async def test_the_cookie_is_for_this_host_alone(scene: Scene) -> None:
    browser = await with_password(scene)
    form = await browser.get("/login")
    sent = {**form.form("Sign in").fields, "email": "ada@acme.test", "password": PASSWORD}
    shown = await browser.send("/login", sent)
    name = cookie_name(scene.posthorn)
    (cookie,) = (one for one in shown.answer.cookies if one.startswith(f"{name}="))
    for part in ("Path=/", "HttpOnly", "SameSite=Lax", "Secure"):
        assert part in cookie


async def test_a_session_that_was_ended_leads_to_the_sign_in(scene: Scene, owner: Browser) -> None:
    name = cookie_name(scene.posthorn)
    kept = owner.cookies[name]
    await owner.submit(await owner.get("/org/acme"), "Sign out")
    assert name not in owner.cookies
    owner.cookies[name] = kept
    assert (await owner.get("/org/acme")).path.startswith("/login")


async def test_links_that_have_ended_say_so(scene: Scene) -> None:
    browser = Browser(scene.posthorn)
    shown = await browser.get("/invite/abcdefghijklmnopqrstuvwxyz012345")
    assert (shown.status, "has ended" in shown.text) == (404, True)
    for path, button, fields in (
        (
            "/login/reset/abcdefghijklmnopqrstuvwxyz012345",
            "Change the password",
            {"password": PASSWORD},
        ),
        ("/login/email/abcdefghijklmnopqrstuvwxyz012345", "Take this address", {}),
    ):
        shown = await browser.submit(await browser.get(path), button, **fields)
        assert (shown.status, "has ended" in shown.text) == (404, True), path


@pytest.mark.parametrize(
    "address",
    [
        "/org/acme/servers/app/messages/outgoing?q=status%3Aheld+to%3A%22a+b%22",
        "/org/acme/servers/app/insights/causes?period=7d&period=30d",
        "/settings/security",
    ],
)
async def test_a_link_that_somebody_sent_leads_to_what_it_shows(scene: Scene, address: str) -> None:
    browser = await with_password(scene)
    form = await browser.get(address)
    after = await browser.submit(form, "Sign in", email="ada@acme.test", password=PASSWORD)
    assert (after.path, after.status) == (address, 200)


async def test_a_form_sent_after_the_session_leads_back_to_its_page(
    scene: Scene, owner: Browser
) -> None:
    fields = (await owner.get("/org/acme/settings")).form("Save").fields
    owner.cookies.clear()
    shown = await owner.send("/org/acme/settings", fields)
    assert shown.answer.headers["Location"] == "/login?return_to=%2Forg%2Facme%2Fsettings"
    here = {"referer": "https://posthorn.test/org/acme/members"}
    shown = await owner.send("/org/acme/members", fields, **here)
    assert shown.answer.headers["Location"] == "/login?return_to=%2Forg%2Facme%2Fmembers"
    for odd in ("http://[", "https://evil.example//evil.example", "\u202e"):
        shown = await owner.send("/logout", fields, referer=odd)
        assert shown.answer.headers["Location"] == "/login"


async def test_a_confirmation_leads_back_to_the_page_with_the_form(
    scene: Scene, owner: Browser
) -> None:
    page = "/org/acme/servers/app/keys/new"
    fields = (await owner.get(page)).form("Create this key").fields
    scene.clock.advance(CONFIRMED_SECONDS)
    shown = await owner.send(
        "/org/acme/servers/app/keys",
        {**fields, "name": "App"},
        referer=f"https://posthorn.test{page}",
    )
    assert shown.answer.headers["Location"] == f"/confirm?{urlencode({'return_to': page})}"
