"""The frame in which a message's HTML is shown: its address at another host, and what is answered there.

HTML of mail is hostile and is not made safe: it stands in a sandbox without a cookie, where no script runs and nothing
is fetched but what was asked for (docs/dashboard.md).
"""

from __future__ import annotations

import asyncio

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.errors import NotFound
from chalicelib.domain.mail.content import read_content
from chalicelib.domain.mail.mime import decode_part
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.services.tenancy.caller import Caller
from chalicelib.services.tenancy.view_links import View, ViewLinks
from chalicelib.web.asking import Asking
from chalicelib.web.mail_html import LARGEST, with_images
from chalicelib.web.page import Page

POLICY = (
    "sandbox; default-src 'none'; img-src data:{images}; style-src 'unsafe-inline'; form-action 'none';"
    " base-uri 'none'; frame-ancestors {framed_by}"
)
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_GONE = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
_DARK = '<meta name="color-scheme" content="dark">'
_LIGHT = '<meta name="color-scheme" content="light">'


def origin_for(page: Page) -> str:
    """The origin that shows mail to this page; empty where there is none."""
    return page.program[ViewLinks].origin(_host(page), is_behind_stage=bool(page.prefix))


async def frame_address(page: Page, origin: str, message: int) -> str:
    """The address of the frame, good for five minutes, this message and whoever looks."""
    links, person = page.program[ViewLinks], page.person
    scheme = "https" if page.cookies.is_secure else "http"
    view = View(
        host=origin.partition("://")[2],
        framed_by=f"{scheme}://{_host(page)}",
        tenant=page.tenant or "",
        message=message,
        person=person.user.id if person is not None else "",
        until=links.until(),
        images=page.query("images") == "1",
        dark=page.query("dark") == "1",
    )
    return f"{origin}/view/{await links.token(view)}"


async def framed(page: Page) -> HttpAnswer:
    """What the frame shows, by the token in its address."""
    try:
        view = await page.program[ViewLinks].read(page.values["token"], _host(page))
        page.request.notes.update(message_id=view.message, person=view.person)
        content = await _content(page, view)
    except NotFound as gone:
        # In a frame, where a whole page would not be shown.
        return HttpAnswer(404, gone.public, {**_HEADERS, **_GONE})
    policy = POLICY.format(images=" https:" if view.images else "", framed_by=view.framed_by)
    text = await asyncio.to_thread(_shown, content, view)
    return HttpAnswer(200, text, {**_HEADERS, "Content-Security-Policy": policy})


async def _content(page: Page, view: View) -> bytes:
    """The bytes of the message, as whoever made the address was shown them."""
    reader = Caller(ManagementKey("view", view.person, 0, "", "", "", ("emails:read",)))
    asking = Asking(page.program, reader, page.request)
    answer = await asking.answer("GET", f"/emails/{view.message}/raw", tenant=view.tenant)
    if answer.status != 200:
        raise NotFound("The content of this message is not kept any more")
    return answer.body if isinstance(answer.body, bytes) else answer.body.encode()


def _shown(content: bytes, view: View) -> str:
    read = read_content(content, LARGEST)
    parts = {one.content_id: one for one in read.attachments if one.content_id}

    def image(name: str) -> tuple[str, bytes] | None:
        part = parts.get(name)
        return None if part is None else (part.content_type, decode_part(content, part.part))

    scheme = _DARK if view.dark else _LIGHT
    return f"<!doctype html>{scheme}{with_images(read.html or '', image)}"


def _host(page: Page) -> str:
    return page.request.headers.get("host", "")
