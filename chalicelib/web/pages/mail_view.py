"""The HTML of one message at a host of its own: no cookie, no script, nothing fetched but what was asked for.

What it shows is hostile and is not made safe: it stands in a sandbox (docs/dashboard.md).
"""

from __future__ import annotations

import asyncio

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.errors import NotFound
from chalicelib.domain.mail.content import Attachment, read_content
from chalicelib.domain.mail.mime import decode_part
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.services.tenancy.caller import Caller
from chalicelib.services.tenancy.view_links import View, ViewLinks
from chalicelib.web.asking import Asking
from chalicelib.web.mail_html import LARGEST, with_images
from chalicelib.web.page import Page
from chalicelib.web.row import Row

_POLICY = (
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
_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
_DARK = '<meta name="color-scheme" content="dark">'
_LIGHT = '<meta name="color-scheme" content="light">'


async def show_mail(page: Page) -> HttpAnswer:
    """The HTML that a view's address is of."""
    host = page.request.headers.get("host", "")
    try:
        view = await page.program[ViewLinks].read(page.values["token"], host)
        page.request.notes.update(message_id=view.message, person=view.person)
        content = await _content(page, view)
    except NotFound as gone:
        # In a frame, where the pages' own frame would not be shown.
        policy = {"Content-Security-Policy": "sandbox; default-src 'none'"}
        return HttpAnswer(404, gone.public, {**_HEADERS, **_PLAIN, **policy})
    return view_answer(await asyncio.to_thread(_shown, content, view), view)


def view_answer(text: str, view: View) -> HttpAnswer:
    """HTML of mail with what keeps it harmless."""
    policy = _POLICY.format(images=" https:" if view.images else "", framed_by=view.framed_by)
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
        part: Attachment | None = parts.get(name)
        return None if part is None else (part.content_type, decode_part(content, part.part))

    scheme = _DARK if view.dark else _LIGHT
    return f"<!doctype html>{scheme}{with_images(read.html or '', image)}"


ROWS = (Row("GET", "/view/{token}", show_mail, api=("showRawEmail",), is_public=True),)
