"""Hostile HTML of mail in a real browser: seen in its frame, without script, cookie, fetch, or a way out of it."""

from __future__ import annotations

from contextlib import closing, suppress
from socket import create_server, socket
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser_looks import context_of
from tests.filled_site import Site
from tests.http_api import ApiWorld

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request, Route

HOSTILE = """<h1>Hello from mail</h1><script>document.title = "stolen"; top.document.title = "stolen"</script>
<img src="x" onerror="top.document.title='stolen'"><img src="https://tracker.example/pixel.png">
<link rel="stylesheet" href="https://evil.example/a.css"><style>@import "https://evil.example/b.css";</style>
<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">
<iframe src="https://evil.example/frame"></iframe><object data="https://evil.example/o"></object>
<form action="https://evil.example/form"><button id="send">Send</button></form>
<a id="away" href="https://evil.example/away" target="_top">away</a>"""
HERE = {"localhost", "127.0.0.1"}
GOOD = {"from": "app@acme.test", "to": "x@example.com", "subject": "Framed", "text": "plain"}


def hosts_of(asked: list[Request]) -> set[str | None]:
    return {urlsplit(one.url).hostname for one in asked if one.url.startswith("http")}


def test_hostile_html_is_shown_and_does_nothing(chromium: Browser, site: Site) -> None:
    number = ApiWorld(site.scene).v2("POST", "/emails", GOOD | {"html": HOSTILE}).json["id"]
    with context_of(chromium, site) as context:
        page = context.new_page()
        asked: list[Request] = []

        def leaves(route: Route) -> None:
            asked.append(route.request)
            here = urlsplit(route.request.url).hostname in HERE
            route.continue_() if here else route.abort()

        context.route("**/*", leaves)  # what the policy of the frame stops does not come so far
        page.goto(f"{site.url}/org/acme/servers/app/messages/{number}/preview")
        frame = page.frame_locator("iframe.mail")
        frame.locator("h1").wait_for()
        assert frame.locator("h1").inner_text() == "Hello from mail"
        frame.locator("#send").click()
        frame.locator("#away").click()
        page.wait_for_timeout(300)
        title, hosts = page.title(), hosts_of(asked)
        asked_before, asked[:] = list(asked), []
        page.goto(f"{site.url}/org/acme/servers/app/messages/{number}/preview?images=1")
        frame.locator("h1").wait_for()
        page.wait_for_timeout(300)
        with_images = hosts_of(asked)
        asked[:] = asked_before
        views = [one for one in asked if "/view/" in one.url]
        cookies = [one.all_headers().get("cookie") for one in views]
    assert "stolen" not in title
    assert title.startswith("Preview")
    assert hosts <= HERE, hosts
    assert with_images - HERE == {"tracker.example"}
    assert views
    assert cookies == [None] * len(views)


@pytest.mark.parametrize(
    "element",
    [
        '<iframe src="{}"></iframe>',
        '<iframe srcdoc="<iframe src={}>"></iframe>',
        '<svg><foreignObject><iframe src="{}"></iframe></foreignObject></svg>',
        '<object data="{}"></object><embed src="{}">',
        '<link rel="preconnect" href="{}"><link rel="dns-prefetch" href="{}">',
        '<link rel="prerender" href="{}"><link rel="icon" href="{}">',
        '<meta http-equiv="refresh" content="0;url={}">',
        '<video poster="{}"><source src="{}"></video><input type="image" src="{}">',
        '<style>@import "{}"; p { background: url({}) }</style><p>x</p>',
    ],
)
def test_whoever_wrote_the_mail_does_not_see_that_it_is_looked_at(
    chromium: Browser, site: Site, element: str
) -> None:
    """Not even a connection comes, on which nothing is asked."""
    with closing(create_server(("127.0.0.1", 0))) as server:
        connected: list[object] = []
        Thread(target=take, args=(server, connected), daemon=True).start()
        port = server.getsockname()[1]
        html = "<h1>Hello</h1>" + element.replace("{}", f"http://127.0.0.1:{port}/")
        number = ApiWorld(site.scene).v2("POST", "/emails", GOOD | {"html": html}).json["id"]
        with context_of(chromium, site) as context:
            page = context.new_page()
            page.goto(f"{site.url}/org/acme/servers/app/messages/{number}/preview")
            page.frame_locator("iframe.mail").locator("h1").wait_for()
            page.wait_for_timeout(300)
    assert connected == []


def take(server: socket, connected: list[object]) -> None:
    """Note who connects, until it is closed."""
    with suppress(OSError):
        while True:
            came, address = server.accept()
            connected.append(address)
            came.close()
