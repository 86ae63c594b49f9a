"""The HTML of one message at a host of its own, which shows nothing else."""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer
from chalicelib.web.mail_frame import framed
from chalicelib.web.page import Page
from chalicelib.web.row import Row


async def show_mail(page: Page) -> HttpAnswer:
    """The HTML that a frame's address is of."""
    return await framed(page)


ROWS = (Row("GET", "/view/{token}", show_mail, api=("showRawEmail",), is_public=True),)
