"""The dashboard in a browser, on every target: sign-in, overview, a message with its HTML and files, sign-out.

Deployed it stands behind the stage of API Gateway, and every address that it makes does.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from chalicelib.web.routes import ROWS, find
from chalicelib.web.row import Row
from tests.chromium import CHROMIUM, open_chromium
from tests.e2e.browsing import SECONDS, SERVER, STAGE, Browsing, astray
from tests.e2e.stack import RunningStack, message
from tests.e2e.test_large_messages_are_fetched import SIZE, noise, uploaded

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
]
FILLED = {"org": "demo", "server": "demo"}
VARIABLE = re.compile(r"\{(\w+)\}")
LINK = re.compile(r" href=\"([^\"]+)\"")
EVERY_BYTE = bytes(range(256))
HTML = '<h1>Hello from mail</h1><img src="https://tracker.example/x.png"><script>top.x = 1</script>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def browsing(chromium: Browser, stack: RunningStack) -> Iterator[Browsing]:
    """Somebody who has signed in."""
    with chromium.new_context(reduced_motion="reduce", accept_downloads=True) as context:
        found = Browsing(context, stack)
        found.sign_in()
        yield found


def sent(stack: RunningStack, **changes: Any) -> int:
    """The number of a message that was sent by the API."""
    rcpt = f"seen-{uuid4().hex[:8]}@example.test"
    value = {"from": stack.facts["server"]["from"], "to": [rcpt], **changes}
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    status, answer = stack.request("POST", "/api/v2/emails", value, key)
    assert status == 202, answer
    number: int = json.loads(answer)["id"]
    return number


def downloaded(browsing: Browsing, link: str) -> bytes:
    """The bytes of what a link hands out."""
    with browsing.page.expect_download() as waiting:
        browsing.page.get_by_role("link", name=link).first.click()
    path: Path | None = waiting.value.path()
    assert path is not None
    return path.read_bytes()


def test_signing_in_and_out(browsing: Browsing) -> None:
    page = browsing.page
    assert browsing.path == SERVER
    browsing.expect_addresses()
    assert page.locator("h1").first.inner_text()
    (session,) = [one for one in browsing.context.cookies() if one["name"] == "posthorn"]
    assert (session["domain"], session["path"]) == ("localhost", "/")
    assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")
    files = [one for one in browsing.answers if "/static/" in one.url]
    kinds = {urlsplit(one.url).path.rpartition(".")[2] for one in files}
    assert kinds >= {"css", "js"}
    for one in files:
        assert one.header_value("cache-control") == "public, max-age=31536000, immutable", one.url
    pages = [one for one in browsing.answers if "html" in (one.header_value("content-type") or "")]
    assert {one.header_value("cache-control") for one in pages} == {"private, no-store"}
    page.get_by_role("button", name="account of").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{browsing.site}{STAGE}/login*")
    assert "posthorn" not in {one["name"] for one in browsing.context.cookies()}
    page.goto(browsing.site + SERVER)
    assert browsing.path == f"{STAGE}/login"
    assert browsing.said == []


def test_a_message_with_its_html(browsing: Browsing) -> None:
    page, number = browsing.page, sent(browsing.stack, subject="Seen", text="Plain", html=HTML)
    browsing.open(f"{SERVER}/messages/outgoing")
    page.locator(f"a[href='{SERVER}/messages/{number}']").first.click()
    page.wait_for_url(f"**{SERVER}/messages/{number}*")
    browsing.expect_addresses()
    assert "Seen" in page.locator("h1").inner_text()
    page.get_by_role("link", name="Preview", exact=True).click()
    page.wait_for_url(f"**{SERVER}/messages/{number}/preview")
    browsing.expect_addresses()
    frame = page.frame_locator("iframe.mail")
    assert frame.locator("h1").inner_text() == "Hello from mail"
    (view,) = [one for one in browsing.answers if "/view/" in one.url]
    assert view.url.startswith(f"{browsing.views}/view/")
    assert "cookie" not in view.request.all_headers()
    assert "set-cookie" not in view.headers
    assert view.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    for tab in ("Headers", "Source", "Attachments"):
        page.get_by_role("link", name=tab, exact=True).click()
        page.wait_for_url(f"**/messages/{number}/{tab.lower()}")
        browsing.expect_addresses()
    # What the frame refuses is told in the console, as it should be.
    assert [
        one for one in browsing.said if "tracker.example" not in one and "sandbox" not in one
    ] == []


def test_what_stays_in_place_is_asked_behind_the_stage(browsing: Browsing) -> None:
    """An operation of a second ago polls; so does the tail."""
    page = browsing.page
    with page.expect_response(lambda one: "/tail/rows" in one.url) as waiting:
        browsing.open(f"{SERVER}/tail")
    polled = waiting.value
    assert urlsplit(polled.url).path == f"{SERVER}/tail/rows"
    assert polled.request.header_value("hx-request") == "true"
    assert polled.status in (200, 204)
    assert browsing.said == []


def test_files_come_byte_for_byte(browsing: Browsing) -> None:
    stack = browsing.stack
    file = {"filename": "every.bin", "content": base64.b64encode(EVERY_BYTE).decode()}
    number = sent(stack, subject="Files", text="See the file", attachments=[file])
    browsing.open(f"{SERVER}/messages/{number}/attachments")
    assert downloaded(browsing, "Download attachment 1") == EVERY_BYTE
    for octets in ("Grüße\r\n".encode(), b"\xff\xfe and what is no UTF-8\r\n"):
        content = message("x@example.test", "From: hello@demo.test\r\n") + octets
        raw = base64.b64encode(content).decode()
        number = sent(stack, raw=raw)
        browsing.open(f"{SERVER}/messages/{number}/source")
        kept = downloaded(browsing, "Download")
        assert kept.endswith(octets)
        assert kept.count(b"\r\n") == kept.count(b"\n")


def test_a_list_of_more_than_a_form_takes_is_looked_at(browsing: Browsing) -> None:
    rows = "".join(f"p{number}@{'x' * 60}.example\n" for number in range(6_000))
    file = {"name": "list.csv", "mimeType": "text/csv", "buffer": f"address\n{rows}".encode()}
    assert len(file["buffer"]) > 400_000
    browsing.open(f"{SERVER}/suppressions/import")
    browsing.page.set_input_files("#f-file", files=[file])
    browsing.page.get_by_label("Reason of rows").select_option("manual")
    browsing.page.get_by_role("button", name="Look at the file").click()
    browsing.page.get_by_role("button", name="Import 6,000 addresses").wait_for()
    browsing.expect_addresses()


def test_a_large_message_is_fetched_from_where_it_is(browsing: Browsing) -> None:
    stack = browsing.stack
    content = message("x@example.test", body=noise(SIZE).decode())
    key = {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}
    number = sent(stack, raw_upload=uploaded(stack, content, key))
    browsing.open(f"{SERVER}/messages/{number}/source")
    assert downloaded(browsing, "Download") == content


def test_every_page_answers_and_leads_behind_the_stage(browsing: Browsing) -> None:
    """Each row of the table once: those that name no more than a server, and what their links lead to."""
    ask = browsing.context.request
    rows = [row for row in ROWS if row.method == "GET"]
    waiting = [filled(row) for row in rows if set(VARIABLE.findall(row.pattern)) <= FILLED.keys()]
    assert len(waiting) > 50
    seen: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        row, _ = find("GET", urlsplit(address).path.removeprefix(STAGE)) or (None, None)
        if row is None or row.pattern in seen:
            continue
        seen.add(row.pattern)
        answer = ask.get(browsing.site + address, max_redirects=0, timeout=SECONDS)
        assert answer.status < 500, (address, answer.status, answer.text()[:500])
        if 300 <= answer.status < 400:
            leads = answer.headers["location"]
            assert astray(f'href="{leads}"') == [], address
            waiting.append(leads)
        elif "html" in answer.headers["content-type"]:
            text = answer.text()
            assert astray(text) == [], address
            waiting += sorted({unescape(one).partition("#")[0] for one in LINK.findall(text)})
    assert {"/org/{org}/servers/{server}/messages/{id}"} <= seen


def test_no_form_is_taken_without_its_token(browsing: Browsing) -> None:
    """Each row that changes something is reached behind the stage, and refuses what no page of ours sent."""
    ask = browsing.context.request
    for row in ROWS:
        if row.method == "POST":
            url = browsing.site + VARIABLE.sub("x", filled(row))
            answer = ask.post(url, form={"csrf": "x"}, max_redirects=0, timeout=SECONDS)
            assert answer.status in (403, 404), (row.pattern, answer.status, answer.text()[:300])


def filled(row: Row) -> str:
    """The address of a row, with the demo tenant in it."""
    return STAGE + VARIABLE.sub(lambda found: FILLED.get(found[1], found[0]), row.pattern)
