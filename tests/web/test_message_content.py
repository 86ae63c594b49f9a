"""What is in a message: for whom, what is said when it is gone, downloads, and HTML at another host alone."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.api.http import LARGEST_ANSWER
from chalicelib.services.messages.history import MessageHistory
from chalicelib.web.view_answer import POLICY
from tests.web.looking import MEMBER, VIEWER, Looker, Shown
from tests.web.test_messages import EVIL, sent

TABS = ("preview", "headers", "source", "attachments")
HOSTILE = (
    '<script>alert(1)</script><img src=x onerror=alert(2)><a href="https://evil.example/">bank.example</a>'
    '<meta http-equiv=refresh content="0;url=https://evil.example/"><form action=https://evil.example/><input>'
    '<img src="https://tracker.example/pixel.png"><img src="cid:logo"><base href="https://evil.example/">'
)
LOGO = {
    "filename": "l.png",
    "content": base64.b64encode(b"\x89PNG").decode(),
    "content_type": "image/png",
    "content_id": "logo",
}


def hostile(looker: Looker, **changes: Any) -> int:
    (number,) = sent(looker, 1, html=HOSTILE, text=f"Plain {EVIL}", **changes)
    return number


def framed(shown: Shown) -> str:
    """The address of the frame."""
    found = re.search(r'<iframe [^>]*src="([^"]+)"', shown.text)
    assert found, shown.plain
    return found[1]


def view(looker: Looker, address: str) -> Shown:
    """What the frame shows."""
    origin, _, path = address.partition("/view/")
    was, looker.host = looker.host, origin.partition("://")[2]
    try:
        return looker.get(f"//view/{path}")
    finally:
        looker.host = was


@pytest.mark.parametrize("tab", TABS)
def test_who_may_not_read_content_is_told_so_and_sees_none(looker: Looker, tab: str) -> None:
    number = hostile(looker)
    looker.role = VIEWER
    shown = looker.get(f"/messages/{number}/{tab}")
    assert shown.status == 200
    shown.has("You may not read what mail says")
    assert "alert(1)" not in shown.text
    assert "bank.example" not in shown.text
    assert looker.get(f"/messages/{number}/raw").status == 403


@pytest.mark.parametrize("tab", TABS)
def test_content_that_is_gone_says_so(
    looker: Looker, tab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return None

    number = hostile(looker)
    monkeypatch.setattr(MessageHistory, "content", nothing)
    shown = looker.get(f"/messages/{number}/{tab}")
    assert shown.status == 200
    shown.has("The content is not kept any more")


@pytest.mark.parametrize("tab", TABS)
def test_content_that_cannot_be_loaded_says_so(
    looker: Looker, tab: str, broken: Callable[..., None]
) -> None:
    number = hostile(looker)
    broken(f"/emails/{number}/content", f"/emails/{number}/raw")
    shown = looker.get(f"/messages/{number}/{tab}")
    assert shown.status == 200
    shown.has("The content could not be loaded")


def test_html_is_framed_from_another_host_and_never_stands_in_the_page(looker: Looker) -> None:
    number = hostile(looker)
    shown = looker.get(f"/messages/{number}/preview")
    assert "<script>alert" not in shown.text
    assert "tracker.example" not in re.sub(r"<table.*</table>", "", shown.text, flags=re.DOTALL)
    address = framed(shown)
    assert address.startswith("https://localhost:8080/view/")
    assert "frame-src https://localhost:8080;" in shown.headers["Content-Security-Policy"]
    assert re.search(r'<iframe [^>]*sandbox=""', shown.text)
    shown.has("bank.example", "evil.example", "names another host than it leads to", "Plain")


def test_the_frame_is_a_sandbox_that_fetches_nothing(looker: Looker) -> None:
    number = hostile(looker, attachments=[LOGO])
    shown = view(looker, framed(looker.get(f"/messages/{number}/preview")))
    assert shown.status == 200
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; img-src data:; ")
    assert "form-action 'none'" in policy
    assert policy.endswith("frame-ancestors https://127.0.0.1:8080")
    assert "allow-" not in policy
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert shown.headers["X-DNS-Prefetch-Control"] == "off"
    assert "Set-Cookie" not in shown.headers
    assert 'src="data:image/png;base64,iVBORw=="' in shown.text or "data:image/png" in shown.text


def test_images_from_elsewhere_are_loaded_on_asking_alone(looker: Looker) -> None:
    number = hostile(looker)
    shown = view(looker, framed(looker.get(f"/messages/{number}/preview", images="1")))
    assert "img-src data: https:;" in shown.headers["Content-Security-Policy"]


def test_a_view_is_of_nothing_at_any_other_host_nor_after_five_minutes(looker: Looker) -> None:
    number = hostile(looker)
    address = framed(looker.get(f"/messages/{number}/preview"))
    path = address.partition("localhost:8080")[2]
    here = looker.get(f"/{path}")
    assert here.status == 404
    assert "alert(1)" not in here.text
    changed = address[:-3] + ("AAA" if not address.endswith("AAA") else "BBB")
    assert view(looker, changed).status == 404
    assert view(looker, address.rpartition("/")[0] + "/x").status == 404
    looker.api.scene.clock.advance(301)
    assert view(looker, address).status == 404


def test_the_host_of_views_shows_nothing_else(looker: Looker) -> None:
    looker.host = "view.posthorn.example.com"
    assert looker.get("/messages/outgoing").status == 404
    assert looker.get("//login").status == 404


def test_a_host_of_its_own_name_is_framed_from_its_view_host(looker: Looker) -> None:
    number = hostile(looker)
    looker.host = "mail.acme.example"
    assert framed(looker.get(f"/messages/{number}/preview")).startswith(
        "https://view.mail.acme.example/view/"
    )


def test_every_policy_of_a_view_has_a_sandbox() -> None:
    assert POLICY.startswith("sandbox;")


def test_headers_are_decoded(looker: Looker) -> None:
    number = hostile(looker)
    looker.get(f"/messages/{number}/headers").has("Subject", "Your order", "The way it took")


def test_the_source_is_shown_and_handed_out_as_a_file(looker: Looker) -> None:
    looker.role = MEMBER
    number = hostile(looker)
    shown = looker.get(f"/messages/{number}/source")
    shown.has("Subject: Your order")
    assert "<script>alert" not in shown.text
    file = looker.get(f"/messages/{number}/raw")
    assert file.headers["Content-Type"] == "message/rfc822"
    assert file.headers["Content-Disposition"].startswith(
        f'attachment; filename="message-{number}.eml"'
    )
    assert file.headers["Content-Security-Policy"].startswith("sandbox")
    assert b"Subject: Your order" in file.content


def test_attachments_have_clean_names_and_a_type_that_nothing_shows(looker: Looker) -> None:
    evil = {
        "filename": 'x"\u202e.html',
        "content": base64.b64encode(b"<script>").decode(),
        "content_type": "text/html",
    }
    number = hostile(looker, attachments=[evil])
    shown = looker.get(f"/messages/{number}/attachments")
    assert "\u202e" not in shown.text
    file = looker.get(f"/messages/{number}/attachments/0")
    assert file.headers["Content-Type"] == "application/octet-stream"
    plain = file.headers["Content-Disposition"].partition(";")[2].partition(";")[0]
    assert re.fullmatch(r' filename="[A-Za-z0-9 ._-]+"', plain), plain
    assert file.content == b"<script>"
    assert looker.get(f"/messages/{number}/attachments/7").status == 404


def test_what_is_too_large_for_an_answer_is_fetched_elsewhere(looker: Looker) -> None:
    large = {"filename": "large.bin", "content": base64.b64encode(bytes(4_600_000)).decode()}
    number = hostile(looker, attachments=[large])
    for path in ("raw", "attachments/0"):
        shown = looker.get(f"/messages/{number}/{path}")
        assert shown.status == 303
        assert shown.content == b""
        assert "Set-Cookie" not in shown.headers


def test_spam_and_activity_say_when_there_is_nothing(looker: Looker) -> None:
    number = hostile(looker)
    looker.get(f"/messages/{number}/spam").has("was not inspected")
    looker.get(f"/messages/{number}/activity").has("Nobody has opened it")


def test_without_text_and_attachments_it_is_said(looker: Looker) -> None:
    (number,) = sent(looker)
    looker.get(f"/messages/{number}/attachments").has("This message has no attachments")


@pytest.mark.parametrize("tab", [*TABS, "spam", "activity"])
def test_a_tab_of_a_message_that_is_not_there_is_404(looker: Looker, tab: str) -> None:
    assert looker.get(f"/messages/4711/{tab}").status == 404


def test_the_largest_view_fits_an_answer(looker: Looker) -> None:
    image = LOGO | {"content": base64.b64encode(bytes(2_249_000)).decode()}
    source = f'<img src="cid:logo">{"<link" * 250_000}'
    (number,) = sent(looker, 1, html=source, attachments=[image])
    shown = view(looker, framed(looker.get(f"/messages/{number}/preview")))
    assert "data:image/png" in shown.text
    assert "<link" not in shown.text
    assert 4_300_000 < len(shown.content) < LARGEST_ANSWER
