"""What is in one message: its texts, fields, source and attachments, and what was found in it (docs/dashboard.md).

Whoever may not read content is told so on each tab of it; what is kept no longer says so too. HTML is shown by a frame
of another host (`mail_view`), everything else as text.
"""

from __future__ import annotations

import asyncio
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.errors import Refused
from chalicelib.domain.file_link import disposition
from chalicelib.web import answers
from chalicelib.web.asking import Problem, value_of
from chalicelib.web.header_facts import hops_of, results_of
from chalicelib.web.mail_frame import frame_address, origin_for
from chalicelib.web.mail_html import links_of
from chalicelib.web.page import Page
from chalicelib.web.pages.message import head_of
from chalicelib.web.row import of_server

SOURCE_SHOWN = 65_536  # characters
TEXT_SHOWN = 100_000
TEXT = "message/rfc822"
REFUSED, GONE = "refused", "gone"
_FILE = {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def show_preview(page: Page) -> HttpAnswer:
    """How it looks, and where its links lead."""
    email, content, why = await _read(page)
    origin = origin_for(page)
    markup = content["html"] if content else None
    framed = bool(markup and origin)
    return page.render(
        "message_preview.html",
        **head_of(page, email, "/preview"),
        content=content,
        why=why,
        text=((content["text"] if content else None) or "")[:TEXT_SHOWN],
        links=links_of(markup or ""),
        view=await frame_address(page, origin, email["id"]) if framed else "",
        no_host=bool(markup and not origin),
        narrow=page.query("width") == "390",
        dark=page.query("dark") == "1",
        images=page.query("images") == "1",
        frames=origin if framed else "",
    )


async def show_headers(page: Page) -> HttpAnswer:
    """Its fields decoded, the way it took, and who vouched for it."""
    email, content, why = await _read(page)
    fields = content["headers"] if content else []
    return page.render(
        "message_headers.html",
        **head_of(page, email, "/headers"),
        content=content,
        why=why,
        fields=fields,
        hops=hops_of(fields),
        results=results_of(fields),
    )


async def show_source(page: Page) -> HttpAnswer:
    """The first 64 kB as they are."""
    email = await page.ask("GET", f"/emails/{page.part('id')}")
    text, why = await _source(page) if _may_read(page) else ("", REFUSED)
    return page.render(
        "message_source.html",
        **head_of(page, email, "/source"),
        why=why,
        source=text[:SOURCE_SHOWN].replace("\r\n", "\n"),
        is_cut=len(text) > SOURCE_SHOWN,
    )


async def _source(page: Page) -> tuple[str, str]:
    """The source as text, and why there is none."""
    answer = await page.answer("GET", f"/emails/{page.part('id')}/raw")
    if answer.status != 200:
        return "", _why(answer.status)
    body = answer.body
    return body if isinstance(body, str) else body.decode("utf-8", "replace"), ""


async def show_attachments(page: Page) -> HttpAnswer:
    """What came along."""
    email, content, why = await _read(page)
    return page.render(
        "message_attachments.html", **head_of(page, email, "/attachments"), content=content, why=why
    )


async def show_spam(page: Page) -> HttpAnswer:
    """What inspection found."""
    email = await page.ask("GET", f"/emails/{page.part('id')}")
    return page.render("message_spam.html", **head_of(page, email, "/spam"))


async def show_activity(page: Page) -> HttpAnswer:
    """Who opened it and followed its links."""
    email = await page.ask("GET", f"/emails/{page.part('id')}")
    return page.render("message_activity.html", **head_of(page, email, "/activity"))


async def download_source(page: Page) -> HttpAnswer:
    """All of it, as a file that no browser shows."""
    _check(page)
    answer = await page.answer("GET", f"/emails/{page.part('id')}/raw", is_handed_on=True)
    return _file(answer, f"message-{page.values['id']}.eml")


async def download_attachment(page: Page) -> HttpAnswer:
    """One attachment, as a file that no browser shows."""
    _check(page)
    path = f"/emails/{page.part('id')}/attachments/{page.part('index')}"
    answer = await page.answer("GET", path, is_handed_on=True)
    return _file(answer, "")


def _file(answer: HttpAnswer, name: str) -> HttpAnswer:
    """The API's bytes; the name is ours, or cleaned by the API. What is too large for an answer lies elsewhere, as one
    object, at an address that holds for minutes and has the same protecting fields."""
    if answer.status == 303:
        return answers.see_other(answer.headers["Location"])
    if answer.status >= 400:
        value_of(answer)  # which says what is wrong
    named = disposition(name) if name else answer.headers["Content-Disposition"]
    # Text stays text: API Gateway hands it out whatever is accepted.
    kind = {"Content-Type": TEXT} if isinstance(answer.body, str) else {}
    return HttpAnswer(200, answer.body, {**_FILE, **kind, "Content-Disposition": named})


async def _read(page: Page) -> tuple[Any, Any, str]:
    """The message, what is in it (None where that cannot be shown), and why not."""
    path = f"/emails/{page.part('id')}"

    async def content() -> tuple[Any, str]:
        if not _may_read(page):
            return None, REFUSED
        try:
            return await page.ask("GET", f"{path}/content"), ""
        except Problem as problem:
            return None, _why(problem.status)

    email, (found, why) = await asyncio.gather(page.ask("GET", path), content())
    return email, found, why


def _may_read(page: Page) -> bool:
    """Whether whoever looks reads content here; then nothing of it is even asked for."""
    return page.visitor.here.reads_content


def _check(page: Page) -> None:
    if not _may_read(page):
        raise Refused("You may not read what mail says")


def _why(status: int) -> str:
    if status == 200:
        return ""
    return {403: REFUSED, 404: GONE}.get(status, "away")


_ONE = "/messages/{id}"
_RIGHT = "emails:read"
ROWS = (
    of_server("GET", f"{_ONE}/preview", show_preview, _RIGHT, "showEmail", "showContent"),
    of_server("GET", f"{_ONE}/headers", show_headers, _RIGHT, "showEmail", "showContent"),
    of_server("GET", f"{_ONE}/source", show_source, _RIGHT, "showEmail", "showRawEmail"),
    of_server("GET", f"{_ONE}/attachments", show_attachments, _RIGHT, "showEmail", "showContent"),
    of_server("GET", f"{_ONE}/spam", show_spam, _RIGHT, "showEmail"),
    of_server("GET", f"{_ONE}/activity", show_activity, _RIGHT, "showEmail"),
    of_server("GET", f"{_ONE}/raw", download_source, _RIGHT, "showRawEmail"),
    of_server(
        "GET", f"{_ONE}/attachments/{{index}}", download_attachment, _RIGHT, "showAttachment"
    ),
)
