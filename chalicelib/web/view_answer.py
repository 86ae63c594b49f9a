"""What is answered at the host of views: the HTML of one message, by an address that is the right to it (ADR 72).

HTML of mail is hostile and is not made safe: it stands in a sandbox without a cookie, where no script runs and nothing
is fetched but what was asked for (docs/dashboard.md).
"""

from __future__ import annotations

import asyncio
from typing import Any

from chalicelib.api.http import HttpAnswer, MailProgram
from chalicelib.domain.errors import NotFound
from chalicelib.domain.mail.content import read_content
from chalicelib.domain.mail.mime import decode_part
from chalicelib.services.shown_mail import ShownMail
from chalicelib.services.tenancy.view_links import View
from chalicelib.web.mail_html import LARGEST, with_images

PATH = "/view/"
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
    "X-DNS-Prefetch-Control": "off",
    "X-Robots-Tag": "noindex",
}
_GONE = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
_DARK = '<meta name="color-scheme" content="dark">'
_LIGHT = '<meta name="color-scheme" content="light">'


async def answer_view(
    program: MailProgram, token: str, host: str, notes: dict[str, Any]
) -> HttpAnswer:
    """What the frame shows, by the token in its address and the host that was asked."""
    try:
        view, content = await program[ShownMail].of(token, host)
    except NotFound as gone:
        # In a frame, where a whole page would not be shown.
        return HttpAnswer(404, gone.public, {**_HEADERS, **_GONE})
    notes.update(message_id=view.message, person=view.person)
    policy = POLICY.format(images=" https:" if view.images else "", framed_by=view.framed_by)
    text = await asyncio.to_thread(_shown, content, view)
    return HttpAnswer(200, text, {**_HEADERS, "Content-Security-Policy": policy})


def _shown(content: bytes, view: View) -> str:
    """The page, which is never larger than an answer may be: 1 MiB of HTML, and 3 MB of images in place of `cid:`."""
    read = read_content(content, LARGEST)
    parts = {one.content_id: one for one in read.attachments if one.content_id}

    def image(name: str) -> tuple[str, bytes] | None:
        part = parts.get(name)
        return None if part is None else (part.content_type, decode_part(content, part.part))

    shown = with_images(read.html or "", image)
    return f"<!doctype html>{_DARK if view.dark else _LIGHT}{shown}"
