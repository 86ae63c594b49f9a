"""The HTML of one message at a host of its own, which shows nothing else."""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer
from chalicelib.web.page import Page
from chalicelib.web.row import Row
from chalicelib.web.view_answer import answer_view


async def show_mail(page: Page) -> HttpAnswer:
    """The HTML that a frame's address is of."""
    host = page.request.headers.get("host", "")
    return await answer_view(page.program, page.values["token"], host, page.request.notes)


ROWS = (Row("GET", "/view/{token}", show_mail, api=("showRawEmail",), is_public=True),)
