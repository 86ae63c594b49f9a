"""Behind a stage of API Gateway and over TLS: every address has the stage in front, cookies are of the one host."""

from __future__ import annotations

import re

import pytest

from chalicelib.bootstrap import in_memory
from chalicelib.config import Settings, read_settings
from chalicelib.services.people.oidc import Oidc
from tests.page_browser import Browser, Shown
from tests.site_map import site_map
from tests.web.test_sign_in import PASSWORD, with_password
from tests.worlds import Scene, make_scene

STAGE, HOST = "/api", "x1.execute-api.eu-west-1.amazonaws.com"
VIEWS = "https://abc.lambda-url.eu-west-1.on.aws"
HTML = (
    b"From: app@acme.test\r\nTo: x@example.com\r\nContent-Type: text/html\r\n\r\n<h1>Hello</h1>\r\n"
)
LEADS = re.compile(r"(?:href|src|action|hx-get|hx-post)=\"(/[^\"]*)\"")


async def at_stage(scene: Scene) -> tuple[Browser, Shown]:
    """A browser that has signed in there, and what it was answered last."""
    browser = await with_password(scene)
    browser.prefix, browser.host = STAGE, HOST
    form = await browser.get("/login?return_to=/org/acme")
    after = await browser.submit(form, "Sign in", email="ada@acme.test", password=PASSWORD)
    assert (after.path, after.status) == ("/org/acme", 200)
    return browser, after


async def test_cookies_are_of_the_host_and_sent_over_tls_alone(scene: Scene) -> None:
    browser = await with_password(scene)
    browser.prefix, browser.host = STAGE, HOST
    form = await browser.get("/login")
    fields = form.form("Sign in").fields | {"email": ["ada@acme.test"], "password": [PASSWORD]}
    answer = (await browser.send("/login", fields)).answer
    assert answer.headers["Location"] == f"{STAGE}/"
    kept = [answer.headers.get("Set-Cookie", ""), *answer.cookies]
    (session,) = [one for one in kept if one.startswith("__Host-posthorn=")]
    attributes = [one.strip() for one in session.split(";")[1:]]
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert not [one for one in attributes if one.lower().startswith("domain")]
    assert all(one.startswith("__Host-") for one in filter(None, kept))


async def test_every_address_has_the_stage_in_front(scene: Scene) -> None:
    await scene.accept("a@example.com")
    browser, _ = await at_stage(scene)
    pages = await site_map(browser, "/org/acme", "/org/acme/servers/app", "/settings")
    assert len(pages) > 50
    for address in pages.values():
        shown = await browser.get(address)
        astray = [one for one in LEADS.findall(shown.html) if not one.startswith(f"{STAGE}/")]
        assert astray == [], address
        assert f"https://{HOST}/api/v2" not in shown.html, address


@pytest.mark.parametrize("view_url", [f"{VIEWS}/", ""])
async def test_mail_is_framed_from_the_other_origin_if_there_is_one(view_url: str) -> None:
    scene = await make_scene(Settings(view_url=view_url))
    (accepted,) = await scene.accept("a@example.com", content=HTML)
    browser, _ = await at_stage(scene)
    shown = await browser.get(f"/org/acme/servers/app/messages/{accepted.id}/preview")
    policy = shown.answer.headers["Content-Security-Policy"]
    if not view_url:
        assert ("frame-src" in policy, "<iframe" in shown.html) == (False, False)
        return
    assert f"frame-src {VIEWS};" in policy
    (source,) = re.findall(r'<iframe [^>]*src="([^"]+)"', shown.html)
    assert source.startswith(f"{VIEWS}/view/")
    there = Browser(scene.posthorn, host=VIEWS.partition("://")[2])
    framed = await there.ask("GET", source.removeprefix(VIEWS), b"", {})
    assert (framed.status, "<h1>Hello</h1>" in framed.html) == (200, True)
    policy = framed.answer.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors https://{HOST}")
    assert (await there.get("/login")).status == 404


async def test_a_setting_names_the_stage_for_links_in_mail_and_providers() -> None:
    settings = read_settings({"POSTHORN_WEB_URL": f"https://{HOST}{STAGE}"})
    assert settings.pages_url == f"https://{HOST}{STAGE}"
    for web_url in (settings.web_url, f"https://{HOST}"):
        program = in_memory(Settings(web_url=web_url))
        assert program[Oidc]._back(STAGE) == f"https://{HOST}{STAGE}/auth/oidc/callback"
    assert program[Oidc]._back("") == f"https://{HOST}/auth/oidc/callback"
    with pytest.raises(ValueError, match="POSTHORN_WEB_URL"):
        read_settings({"POSTHORN_WEB_URL": f"https://{HOST}{STAGE}?x"})


async def test_leaving_leads_to_the_sign_in_behind_the_stage(scene: Scene) -> None:
    browser, page = await at_stage(scene)
    form = page.form("Sign out")
    assert form.action == f"{STAGE}/logout"
    left = await browser.send("/logout", form.fields)
    assert left.answer.headers["Location"].startswith(f"{STAGE}/login")
    asked = await browser.ask("GET", "/org/acme", b"", {"hx-request": "true"})
    assert asked.answer.headers["Location"] == f"{STAGE}/login?return_to=%2Forg%2Facme"
