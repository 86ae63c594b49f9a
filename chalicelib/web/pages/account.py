"""Signing in and out, and what one has for oneself."""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer
from chalicelib.web.page import Page
from chalicelib.web.row import Row


async def show_sign_in(page: Page) -> HttpAnswer:
    """The form to sign in."""
    return page.render("login.html", return_to=page.query("return_to"))


ROWS = (Row("GET", "/login", show_sign_in, is_public=True),)
