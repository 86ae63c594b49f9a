"""The frame in which a message's HTML is shown: its address at another host (`view_answer` is what is there)."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.services.tenancy.callers import Callers
from chalicelib.services.tenancy.view_links import View, ViewLinks
from chalicelib.web.page import Page


def origin_for(page: Page) -> str:
    """The origin that shows mail to this page; empty where there is none."""
    return page.program[ViewLinks].origin(_host(page), is_behind_stage=bool(page.prefix))


async def frame_address(page: Page, origin: str, message: int) -> str:
    """The address of the frame, good for five minutes, this message and whoever looks."""
    links, person = page.program[ViewLinks], page.person
    tenant = await page.program[Callers].tenant(page.visitor.caller, page.tenant)
    if tenant.server is None:
        raise NotFound("There is no such server")
    scheme = "https" if page.cookies.is_secure else "http"
    view = View(
        host=origin.partition("://")[2],
        framed_by=f"{scheme}://{_host(page)}",
        server=tenant.server.id,
        message=message,
        person=person.user.id if person is not None else "",
        until=links.until(),
        images=page.query("images") == "1",
        dark=page.query("dark") == "1",
    )
    return f"{origin}/view/{await links.token(view)}"


def _host(page: Page) -> str:
    return page.request.headers.get("host", "")
